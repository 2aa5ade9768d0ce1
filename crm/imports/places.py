"""Countries, time zones and telephone numbers, from what people write to their standard form."""

from functools import cache, lru_cache
from zoneinfo import available_timezones

import phonenumbers
from holidays.registry import COUNTRIES
from phonenumbers.geodata.locale import LOCALE_DATA

from crm.imports.columns import normalise_header

_EVERYDAY_NAMES = {
    "uk": "GB",
    "greatbritain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northernireland": "GB",
    "grossbritannien": "GB",
    "unitedstatesofamerica": "US",
    "america": "US",
    "usa": "US",
    "vereinigtestaaten": "US",
    "holland": "NL",
    "thenetherlands": "NL",
    "korea": "KR",
    "republicofkorea": "KR",
    "southkorea": "KR",
    "russianfederation": "RU",
    "czechrepublic": "CZ",
    "ivorycoast": "CI",
    "turkey": "TR",
    "turkiye": "TR",
    "vietnam": "VN",
    "uae": "AE",
}
_LONGEST_PHONE = 60


@lru_cache(maxsize=10_000)
def country_code(name: str) -> str:
    """The ISO 3166-1 alpha-2 code of a country's code or name in many languages; "" if unknown."""
    return _country_codes().get(normalise_header(name), "")


@lru_cache(maxsize=10_000)
def zone_name(name: str) -> str | None:
    """The IANA name in its proper spelling, HubSpot's "america_slash_chicago" too, else None."""
    plain = name.strip().replace(" ", "_").casefold().replace("_slash_", "/")
    return _zone_names().get(plain)


@lru_cache(maxsize=10_000)
def phone_number(text: str, region: str) -> str:
    """E.164, with " x" and the extension if there is one; the text itself if it is no valid number.

    `region` is the alpha-2 country of numbers written without their country code, or "".
    """
    if not text or len(text) > _LONGEST_PHONE:
        return text
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_valid_number(number):
        return text
    plain = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{plain} x{number.extension}" if number.extension else plain


@cache
def _country_codes() -> dict[str, str]:
    codes: dict[str, str] = {}
    two_letters = sorted(code for code in LOCALE_DATA if len(code) == 2 and code.isalpha())
    for code in two_letters:
        for name in LOCALE_DATA[code].values():
            plain = normalise_header(name)
            # "*de" points to another language's name; a few Latin letters are taken for codes.
            if not name.startswith("*") and (len(plain) > 3 or not plain.isascii()):
                codes.setdefault(plain, code)
    for _, alpha_2, alpha_3, *_ in COUNTRIES.values():
        codes[alpha_3.casefold()] = alpha_2
    return {**codes, **_EVERYDAY_NAMES, **{code.casefold(): code for code in two_letters}}


@cache
def _zone_names() -> dict[str, str]:
    return {zone.casefold(): zone for zone in available_timezones()}
