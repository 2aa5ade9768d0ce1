"""When somebody away is back: spellings, languages, and everything that must not be believed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.mail.reply_dates import LONGEST_ABSENCE, return_date

SENT_ON = date(2026, 3, 10)  # a Tuesday
FIRST_DAY_BACK = [
    ("I will be back on 16 March.", date(2026, 3, 16)),
    ("Back in the office on Monday, March 16th, 2026", date(2026, 3, 16)),
    ("I'm returning to my desk on Mon. 23 Mar", date(2026, 3, 23)),
    ("I return on the 16th of March.", date(2026, 3, 16)),
    ("returning 2026-03-16", date(2026, 3, 16)),
    ("I'll be back 16/03/2026", date(2026, 3, 16)),
    ("Back 3/16.", date(2026, 3, 16)),
    ("back on March\n16, happy to help", date(2026, 3, 16)),
    ("I will be back at work on Monday, 16 March at 9:00.", date(2026, 3, 16)),
    ("From 16 March I am back.", date(2026, 3, 16)),
    ("Ab dem 16. März bin ich wieder erreichbar.", date(2026, 3, 16)),
    ("Ich bin ab Montag, dem 16.3., wieder im Büro.", date(2026, 3, 16)),
    ("Zurück am 16.03.26", date(2026, 3, 16)),
    ("Je serai de retour au bureau le lundi 16 mars 2026.", date(2026, 3, 16)),
    ("De retour le 1er avril", date(2026, 4, 1)),
    ("Regreso el 16 de marzo de 2026.", date(2026, 3, 16)),
    ("Rientrerò il 16 marzo", date(2026, 3, 16)),
    ("Ik ben terug op maandag 16 maart", date(2026, 3, 16)),
    ("Voltarei no dia 16 de março", date(2026, 3, 16)),
    ("Jag är tillbaka måndag 16 mars", date(2026, 3, 16)),
    ("Wracam 16 marca", date(2026, 3, 16)),
    ("3月16日から出社いたします", date(2026, 3, 16)),
    ("Back on 5 January.", None),  # 301 days ahead
    ("Back on 5 September.", date(2026, 9, 5)),  # 179 days ahead
    ("Back on 7 September.", None),  # 181 days ahead
    ("I'm back today, 10 March.", SENT_ON),
    ("I'm back since 9 March.", None),
    ("Back on 16 March 2025.", None),
    ("Back on 31 February, 2026.", None),
    ("back on Monday", date(2026, 3, 16)),
    ("I'm back next Tuesday", date(2026, 3, 17)),
    ("wieder im Büro ab Freitag", date(2026, 3, 13)),
]
LAST_DAY_AWAY = [
    ("I am away until 12 March.", date(2026, 3, 12)),
    ("out until and including Thursday, 12 March", date(2026, 3, 12)),
    ("On leave through 12 March", date(2026, 3, 12)),
    ("I will not be back until 12 March.", date(2026, 3, 12)),
    ("Away from 9 March to 12 March.", date(2026, 3, 12)),
    ("I'm travelling 9-12 March", date(2026, 3, 12)),
    ("vom 9.-12.3. im Urlaub", date(2026, 3, 12)),
    ("Urlaub 9.3.-12.3.2026", date(2026, 3, 12)),
    ("Between March 9 and March 12 I am on vacation", date(2026, 3, 12)),
    ("I will answer after 12 March.", date(2026, 3, 12)),
    ("bis zum 12.03.2026", date(2026, 3, 12)),
    ("vom 9. bis 12. März", date(2026, 3, 12)),
    ("vom 9.3. - 12.3.", date(2026, 3, 12)),
    ("absent jusqu'au 12 mars inclus", date(2026, 3, 12)),
    ("du 9 au 12 mars 2026", date(2026, 3, 12)),
    ("hasta el jueves 12 de marzo", date(2026, 3, 12)),
    ("dal 9 al 12 marzo", date(2026, 3, 12)),
    ("afwezig tot en met 12 maart", date(2026, 3, 12)),
    # 3 December is too far away, so there is one reading.
    ("ausente até 12/03/2026", date(2026, 3, 12)),
    ("poissa 12.3. saakka", date(2026, 3, 12)),
    ("do dnia 12.03.2026", date(2026, 3, 12)),
    ("2026年3月12日まで", date(2026, 3, 12)),
    ("away until Friday", date(2026, 3, 13)),
    ("bis Dienstag", date(2026, 3, 17)),
]
NO_DAY = [
    "I am out of the office until further notice.",
    "I am out of the office. On 16 March we celebrate 20 years.",
    "Call +1 212 555 0316 or 16/3 Main Street.",
    "We are open 9-17. Back soon.",
    "I will be back. Order 2026-03-16 was shipped.",
    "",
]


@pytest.mark.parametrize(("text", "expected"), FIRST_DAY_BACK)
def test_a_day_somebody_is_back_on_is_the_return(text: str, expected: date | None) -> None:
    assert return_date(text, SENT_ON) == expected


@pytest.mark.parametrize(("text", "last_day"), LAST_DAY_AWAY)
def test_a_last_day_away_means_the_day_after(text: str, last_day: date) -> None:
    assert return_date(text, SENT_ON) == last_day + timedelta(days=1)


@pytest.mark.parametrize("text", NO_DAY)
def test_a_day_that_is_no_return_is_passed_over(text: str) -> None:
    assert return_date(text, SENT_ON) is None


def test_of_two_readings_the_later_holds() -> None:
    # 4 March is past when this is sent on the 10th; on 1 March both are ahead.
    assert return_date("back on 3/4", date(2026, 3, 1)) == date(2026, 4, 3)
    assert return_date("back on 3/4/2026", SENT_ON) == date(2026, 4, 3)
    assert return_date("zurück am 3.4.", date(2026, 3, 1)) == date(2026, 4, 3)
    assert return_date("zurück am 4.3.", date(2026, 3, 1)) == date(2026, 3, 4)


def test_of_several_days_the_latest_holds() -> None:
    text = "I am away until 12 March. Ada covers for me until 20 March."
    assert return_date(text, SENT_ON) == date(2026, 3, 21)


def test_a_day_without_a_year_is_its_next_occurrence() -> None:
    assert return_date("back on 4 January", date(2026, 12, 20)) == date(2027, 1, 4)
    assert return_date("until 29 February", date(2027, 12, 1)) == date(2028, 3, 1)
    assert return_date("until 29 February", date(2026, 12, 1)) is None


@given(sent_on=st.dates(date(2000, 1, 1), date(2098, 1, 1)), ahead=st.integers(-30, 400))
def test_a_return_lies_within_half_a_year(sent_on: date, ahead: int) -> None:
    day = sent_on + timedelta(days=ahead)
    found = return_date(f"I am back on {day.isoformat()}.", sent_on)
    is_near = 0 <= ahead <= LONGEST_ABSENCE.days
    assert found == (day if is_near else None)


@given(text=st.text(), sent_on=st.dates())
def test_no_text_raises(text: str, sent_on: date) -> None:
    return_date(text, sent_on)
