"""Countries and time zones as choices of a form."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from phonenumbers.geodata.locale import LOCALE_DATA

_AREAS = (
    "Africa",
    "America",
    "Antarctica",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


@cache
def country_names() -> dict[str, str]:
    """ISO 3166-1 alpha-2 code to English name, by name."""
    named = {code: _english(names) for code, names in LOCALE_DATA.items() if names.get("en")}
    return dict(sorted(named.items(), key=lambda item: item[1]))


def _english(names: dict[str, str]) -> str:
    # "*aa" stands for "the same as under aa".
    return names[names["en"][1:]] if names["en"].startswith("*") else names["en"]


@cache
def time_zones() -> tuple[str, ...]:
    """IANA names of places, and UTC."""
    places = (zone for zone in available_timezones() if zone.split("/")[0] in _AREAS)
    return ("UTC", *sorted(places))


def country(code: str) -> str:
    return country_names().get(code, code)


def zone_words(zone: str) -> str:
    return zone.replace("_", " ")
