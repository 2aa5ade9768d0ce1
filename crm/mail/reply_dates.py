"""When somebody who is out of office is back, from the usual spellings in a dozen languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from crm.mail.reply_words import phrase, plain

LONGEST_ABSENCE = timedelta(days=180)
MAX_READ_CHARACTERS = 5_000
_GAP_CHARACTERS = 60

# Names by month, in the plain spelling; what two languages share stands once.
_MONTHS = (
    "january jan januar janner januari janvier janv enero ene gennaio gen janeiro tammikuuta"
    " stycznia ledna",
    "february feb februar februari fevrier fevr febrero febbraio fevereiro fev helmikuuta lutego"
    " unora",
    "march mar marz maerz mrz mars marzo maart mrt marco marts maaliskuuta marca brezna",
    "april apr avril avr abril abr aprile huhtikuuta kwietnia dubna",
    "may mai mayo maggio mag mei maio maj toukokuuta maja kvetna",
    "june jun juni juin junio giugno giu junho kesakuuta czerwca cervna",
    "july jul juli juillet juil julio luglio lug julho heinakuuta lipca cervence",
    "august aug aout agosto ago augustus augusti elokuuta sierpnia srpna",
    "september sep sept septembre septiembre setiembre settembre setembro syyskuuta wrzesnia zari",
    "october oct oktober okt octobre octubre ottobre ott outubro lokakuuta pazdziernika rijna",
    "november nov novembre noviembre novembro marraskuuta listopada listopadu",
    "december dec dezember dez decembre diciembre dic dicembre dezembro desember des joulukuuta"
    " grudnia prosince",
)
_MONTH_NUMBERS = {name: n for n, names in enumerate(_MONTHS, 1) for name in names.split()}
_MONTH = rf"(?:{'|'.join(sorted(_MONTH_NUMBERS, key=len, reverse=True))})"

# Monday first.
_WEEKDAYS = (
    "monday mon montag lundi lunes lunedi maandag segunda-feira mandag maanantai poniedzialku",
    "tuesday tue tues dienstag mardi martes martedi dinsdag terca-feira tisdag tirsdag tiistai"
    " wtorku",
    "wednesday wed mittwoch mercredi miercoles mercoledi woensdag quarta-feira onsdag keskiviikko"
    " srody",
    "thursday thu thur thurs donnerstag jeudi jueves giovedi donderdag quinta-feira torsdag"
    " torstai czwartku",
    "friday fri freitag vendredi viernes venerdi vrijdag sexta-feira fredag perjantai piatku",
    "saturday sat samstag sonnabend samedi sabado sabato zaterdag lordag lørdag lauantai soboty",
    "sunday sun sonntag dimanche domingo domenica zondag sondag søndag sunnuntai niedzieli",
)
_WEEKDAY_NUMBERS = {name: n for n, names in enumerate(_WEEKDAYS) for name in names.split()}
_WEEKDAY = rf"(?:{'|'.join(sorted(_WEEKDAY_NUMBERS, key=len, reverse=True))})"
_ANY_WEEKDAY = re.compile(rf"\b{_WEEKDAY}\b[.,]*\s?")

_DATE = re.compile(
    r"(?<!\d)(?<!\d[./])(?:(?P<iso>20\d\d[-/.]\d{1,2}[-/.]\d{1,2})"
    r"|(?:(?P<cjk_year>20\d\d)\s?[年년]\s?)?(?P<cjk_month>\d{1,2})\s?[月월]"
    r"\s?(?P<cjk_day>\d{1,2})\s?[日일号]"
    r"|(?P<a>\d{1,2})(?P<sign>[./]|(?<!-\d)(?<!-\d\d)-)\s?(?P<b>\d{1,2})"
    r"(?:(?P=sign)\s?(?P<numeric_year>20\d\d|\d\d)|\.?)"
    rf"(?!\s?(?:{_MONTH})\b|[./-]\d)"
    r"|(?P<day>\d{1,2})(?:st|nd|rd|th|er|ste|e|\.|:e|o|a)?\s?(?:of |de |d')?"
    rf"\s?(?P<month>{_MONTH})\b\.?,?(?:\s(?:de |del )?(?P<year>20\d\d))?"
    r")(?!\d)"
    rf"|\b(?P<month_first>{_MONTH})\b\.?\s(?:the )?(?P<day_after>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)"
    r"(?:,?\s(?P<year_after>20\d\d))?"
)

# What stands before a day that is the last one away …
_UNTIL = re.compile(
    phrase(
        r"(?:\b(?:until|untill|till|til|through|thru|bis|jusqu'?\s?(?:au|a|en)|hasta|fino|sino|tot"
        r"|t/m|after|nach|apres|despues|dopo|efter|ate|t\.?o\.?m\.?|til og med"
        r"|till och med)\b|まで)"
    )
)
# … or ends a stretch: "from 9 to 16 March", "9.–16. März", "du 9 au 16 mars".
_STRETCH = re.compile(
    rf"(?:\d(?:st|nd|rd|th|er)?|{_MONTH})[.,]?\s?"
    r"(?:-|–|—|~|to|au|al|a|ao|e|and|und|et|y|do|og|och|a la|から)\s?(?:the |den |dem |el |il )?$"
)
_POLISH_UNTIL = re.compile(r"\bdo(?: dnia)?\s*$")
# What stands before a day that is the first one back.
_BACK = re.compile(
    phrase(
        r"\b(?:back|return(?:s|ing)?|available again|resum\w+|wieder|zuruck\w*|zurueck|retour"
        r"|revien\w+|a partir d[ue]?l?|vuelv\w+|volver\w*|vuelta|regres\w+|reincorpor\w+"
        r"|rientr\w+|torn[oiea]\w*|ritorn\w+|terug|vanaf|volta|voltarei|retorn\w+"
        r"|tillbaka|ater|tilbage|tilbake|takaisin|palaan|wracam|wroce|powrot\w*)\b|復帰|戻"
    )
)
_UNTIL_AFTER = re.compile(r"\s?(?:asti|saakka|まで|迄|까지)")
_BACK_AFTER = re.compile(
    r"[^.!?;\d]{0,40}?"
    r"(?:\b(?:back|again|wieder|zuruck|de retour|tillbaka|tilbage|tilbake)\b|より|から)"
)
_SENTENCE_END = re.compile(r"[\d!?;]|\.(?!\w)")
_UNTIL_WEEKDAY = re.compile(
    phrase(
        r"\b(?:until|till|through|bis|jusqu'?au|jusqu' au|hasta el|tot)"
        rf" (?:and including |including |einschliesslich |zum |next )?(?P<name>{_WEEKDAY})\b"
    )
)
_BACK_WEEKDAY = re.compile(
    phrase(
        rf"\b(?:back|return(?:s|ing)?|zuruck|wieder|retour|terug)(?: (?:in|to|im|au|at|the|my|our"
        rf"|office|work|buro|bureau|desk))* (?:on |am |ab |le |op |next |this |coming )*"
        rf"(?P<name>{_WEEKDAY})\b"
    )
)


def return_date(text: str, sent_on: date) -> date | None:
    """The first day somebody is back, if the text names one; `sent_on` is the message's date.

    "Back on X" means X, "until X" the day after X. X must lie between `sent_on` and 180 days
    later, without a year at its next occurrence. Whatever can be read in two ways (3/4, several
    days) is taken as the later: writing too late is the smaller fault.
    """
    words = re.sub(r"\s+", " ", plain(text[:MAX_READ_CHARACTERS]).replace("\n\n", ". "))
    found = list(_dated(words, sent_on)) or list(_on_weekdays(words, sent_on))
    return max(found, default=None)


def _dated(words: str, sent_on: date) -> Iterator[date]:
    words = _ANY_WEEKDAY.sub("", words)
    for match in _DATE.finditer(words):
        days_until_back = _days_until_back(words, match)
        if days_until_back is None:
            continue
        days = [day for day in _readings(match, sent_on) if _is_near(day, sent_on)]
        if days:
            yield max(days) + timedelta(days=days_until_back)


def _days_until_back(words: str, match: re.Match[str]) -> int | None:
    """1 for a last day away, 0 for a first day back, None for any other day."""
    before = words[max(0, match.start() - _GAP_CHARACTERS) : match.start()]
    after = words[match.end() : match.end() + _GAP_CHARACTERS]
    if _STRETCH.search(before) or _POLISH_UNTIL.search(before):
        return 1
    sentence = _SENTENCE_END.split(before)[-1]
    if _UNTIL.search(sentence) or _UNTIL_AFTER.match(after):
        return 1
    if _BACK.search(sentence) or _BACK_AFTER.match(after):
        return 0
    return None


def _readings(match: re.Match[str], sent_on: date) -> Iterator[date]:
    part = match.groupdict()
    if part["iso"]:
        year, month, day = re.split(r"[-/.]", part["iso"])
        yield from _days(year, month, day, sent_on)
    elif part["cjk_month"]:
        yield from _days(part["cjk_year"], part["cjk_month"], part["cjk_day"], sent_on)
    elif part["a"]:
        yield from _days(part["numeric_year"], part["b"], part["a"], sent_on)
        if part["sign"] != ".":
            # Only a dot says which way round it is: day first.
            yield from _days(part["numeric_year"], part["a"], part["b"], sent_on)
    else:
        name = part["month"] or part["month_first"]
        day = part["day"] or part["day_after"]
        year = part["year"] or part["year_after"]
        yield from _days(year, str(_MONTH_NUMBERS[name]), day, sent_on)


def _days(year: str | None, month: str, day: str, sent_on: date) -> Iterator[date]:
    """The day, or without a year this year's and next year's."""
    years = [int(year) % 100 + 2000] if year else [sent_on.year, sent_on.year + 1]
    for number in years:
        try:
            yield date(number, int(month), int(day))
        except ValueError:
            continue  # no such day: the other reading, or none


def _is_near(day: date, sent_on: date) -> bool:
    return sent_on <= day <= sent_on + LONGEST_ABSENCE


def _on_weekdays(words: str, sent_on: date) -> Iterator[date]:
    for pattern, days in ((_UNTIL_WEEKDAY, 1), (_BACK_WEEKDAY, 0)):
        for match in pattern.finditer(words):
            weekday = _WEEKDAY_NUMBERS[match["name"]]
            # Today's own name means today in a week.
            ahead = (weekday - sent_on.weekday() - 1) % 7 + 1
            yield sent_on + timedelta(days=ahead + days)
