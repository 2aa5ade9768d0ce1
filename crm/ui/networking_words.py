"""What became of captured attendees, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from crm.ui import words

# Of one, and of several (capture_attendees in migrations/).
_OUTCOME: Mapping[str, tuple[str, str]] = {
    "new": ("is new; Networking starts", "are new; Networking starts"),
    "known": ("was a contact already", "were contacts already"),
    "promoted": ("became a networking contact", "became networking contacts"),
    "further_along": (
        "is further along and keeps type and campaign",
        "are further along and keep type and campaign",
    ),
    "archived": ("is archived and stays so", "are archived and stay so"),
    "suppressed": ("may not be e-mailed, and is kept", "may not be e-mailed, and are kept"),
    "there_before": ("was on the list already", "were on the list already"),
    "rejected": ("could not be read", "could not be read"),
}
_ORDER = tuple(_OUTCOME)


def outcome(code: str) -> str:
    """Of one row: "Is new; Networking starts"."""
    sentence = _OUTCOME[code][0]
    return sentence[:1].upper() + sentence[1:]


def summary(codes: Iterable[str]) -> str:
    """ "12 people are new; Networking starts. 1 person was on the list already." """
    found = Counter(codes)
    return " ".join(
        f"{words.counted(found[code], 'person', 'people')} {_OUTCOME[code][found[code] > 1]}."
        for code in _ORDER
        if found[code]
    )
