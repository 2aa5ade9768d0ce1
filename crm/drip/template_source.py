"""One e-mail of the library as a person writes it: YAML front matter and a Markdown body."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CAMPAIGNS = ("networking", "lead", "prospect", "client")
"""The campaigns of the library, in the order in which a contact meets them."""

MAX_SOURCE_BYTES = 100_000
"""Of one template, front matter included. The longest of the library has about 3 kB."""

_FENCE = "---"
_KEYS: Mapping[str, type] = {
    "step": int,
    "name": str,
    "subject": str,
    "preheader": str,
    "delay_days": int,
}
_OPTIONAL_KEYS: Mapping[str, type] = {"expires_after_days": int}
_KINDS: Mapping[type, str] = {int: "a whole number", str: "a text"}


class TemplateError(ValueError):
    """A template cannot be used as written. `line` counts from 1 in the file `origin`."""

    def __init__(self, origin: str, line: int, message: str) -> None:
        super().__init__(f"{origin}, line {line}: {message}")
        self.origin = origin
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """What is compiled. `delay_days` counts days after the previous e-mail of the sequence; the
    first e-mail counts from the enrollment. More than `expires_after_days` after that day the
    e-mail is left out (None: never). `body_line` is where the body begins in its file."""

    origin: str
    campaign: str
    step: int
    name: str
    subject: str
    preheader: str
    delay_days: int
    body: str
    body_line: int = 1
    expires_after_days: int | None = None


def parse_template(text: str, *, origin: str, campaign: str) -> TemplateSource:
    """Read one template file. Raises TemplateError naming the line and what to write instead."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_SOURCE_BYTES:
        raise TemplateError(origin, 1, f"larger than {MAX_SOURCE_BYTES // 1000} kB")
    head, body, body_line = _split(text.replace("\r\n", "\n"), origin)
    matter = _front_matter(head, origin)
    return TemplateSource(
        origin=origin,
        campaign=campaign,
        step=matter["step"],
        name=matter["name"].strip(),
        subject=matter["subject"].strip(),
        preheader=matter["preheader"].strip(),
        delay_days=matter["delay_days"],
        body=body,
        body_line=body_line,
        expires_after_days=matter.get("expires_after_days"),
    )


def load_template(path: Path) -> TemplateSource:
    """Read `<campaign>/<NN>-<slug>.md`; the folder names the campaign."""
    campaign = path.parent.name
    return parse_template(
        path.read_text(encoding="utf-8"), origin=f"{campaign}/{path.name}", campaign=campaign
    )


def load_library(folder: Path) -> tuple[TemplateSource, ...]:
    """Every e-mail of the library, by campaign and the files' names: that is the order they are
    sent in. A `step` is the e-mail's number for life, wherever its file stands.

    Raises TemplateError when two files of a campaign have the same step."""
    library: list[TemplateSource] = []
    for campaign in CAMPAIGNS:
        paths = sorted((folder / campaign).glob("*.md"), key=lambda path: path.name)
        sources = [load_template(path) for path in paths]
        _check_steps(sources)
        library.extend(sources)
    return tuple(library)


def load_layout(folder: Path) -> str:
    """The frame around every e-mail."""
    return (folder / "layout.html").read_text(encoding="utf-8")


def _split(text: str, origin: str) -> tuple[str, str, int]:
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        raise TemplateError(origin, 1, "a template begins with --- and its front matter")
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 2
    raise TemplateError(origin, 1, "the front matter has no closing ---")


def _front_matter(head: str, origin: str) -> dict[str, Any]:
    try:
        matter = yaml.safe_load(head)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise TemplateError(
            origin, line, f"the front matter is not YAML ({error.problem}); quote the text"
        ) from error
    if not isinstance(matter, dict):
        raise TemplateError(origin, 1, "the front matter needs lines such as 'step: 1'")
    for key, kind in _KEYS.items():
        if key not in matter:
            raise TemplateError(origin, 1, f"the front matter needs '{key}:', {_KINDS[kind]}")
    known = {**_KEYS, **_OPTIONAL_KEYS}
    for key in (key for key in known if key in matter):
        _check_value(matter[key], key, known[key], _line_of_key(head, key), origin)
    unknown = [key for key in matter if key not in known]
    if unknown:
        line = _line_of_key(head, str(unknown[0]))
        raise TemplateError(
            origin, line, f"unknown key '{unknown[0]}'; known are {', '.join(known)}"
        )
    return matter


def _check_value(value: object, key: str, kind: type, line: int, origin: str) -> None:
    # bool is an int to Python, and 'step: yes' is a mistake.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TemplateError(origin, line, f"'{key}' must be {_KINDS[kind]}, not {value!r}")
    if isinstance(value, str) and not value.strip():
        raise TemplateError(origin, line, f"'{key}' is empty")
    if isinstance(value, str) and "\n" in value.strip():
        raise TemplateError(origin, line, f"'{key}' has several lines; write it on one")
    if isinstance(value, int) and value < (0 if key == "delay_days" else 1):
        raise TemplateError(origin, line, f"'{key}' must not be {value}")


def _line_of_key(head: str, key: str) -> int:
    found = re.search(rf"^{re.escape(key)}\s*:", head, re.MULTILINE)
    return head.count("\n", 0, found.start()) + 2 if found else 1


def _check_steps(sources: Sequence[TemplateSource]) -> None:
    owners: dict[int, TemplateSource] = {}
    for source in sources:
        owner = owners.setdefault(source.step, source)
        if owner is not source:
            raise TemplateError(
                source.origin, 1, f"step {source.step} belongs to {owner.origin}; give it another"
            )
