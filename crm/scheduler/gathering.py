"""Letters wait here until a request is full: claims of one template share requests."""

from __future__ import annotations

from collections.abc import Iterator

from crm.drip.compose import Letter


class Gathering:
    """`size` is the most letters one request takes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._letters: list[Letter] = []

    def full_requests(self, letters: list[Letter]) -> Iterator[list[Letter]]:
        """Takes in letters of one template; gives what is full, or of another template."""
        if letters and self._letters and _template(letters) != _template(self._letters):
            yield self.rest()
        self._letters += letters
        while len(self._letters) >= self._size:
            full, self._letters = self._letters[: self._size], self._letters[self._size :]
            yield full

    def rest(self) -> list[Letter]:
        """What is left, perhaps nothing."""
        rest, self._letters = self._letters, []
        return rest


def _template(letters: list[Letter]) -> str:
    return letters[0].due.template_id
