"""Shares, periods, and a sentence for every figure."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from crm.records import figures
from crm.records.figures import CampaignFigures, EmailFigures, Period, TypeFigures
from crm.ui.figure_words import DEFINITIONS

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
_NAMES = {
    "campaign_id",
    "key",
    "name",
    "status",
    "step",
    "position",
    "day",
    "month",
    "contact_type",
    "label",
}


def _shares(kind: type) -> set[str]:
    return {name for name, value in vars(kind).items() if isinstance(value, property)}


def test_every_figure_says_what_it_means() -> None:
    said = DEFINITIONS.keys()
    assert {f.name for f in fields(CampaignFigures)} - _NAMES - said == set()
    assert _shares(EmailFigures) | _shares(CampaignFigures) <= said
    ever = {f"{f.name}_ever" for f in fields(TypeFigures)} - {f"{n}_ever" for n in _NAMES}
    assert ever - said == {"contacts_ever"}
    assert all(words.endswith(".") and "—" not in words for words in DEFINITIONS.values())


def test_a_share_of_nothing_is_no_share() -> None:
    nothing = EmailFigures(**{f.name: 0 for f in fields(EmailFigures)})
    assert {getattr(nothing, name) for name in _shares(EmailFigures)} == {None}


def test_shares_are_of_what_they_say() -> None:
    mail = EmailFigures(
        sent=200, delivered=100, bounced=4, dropped=2, opened=50, opened_raw=80, clicked=20,
        clicked_raw=40, replied=10, complained=1, unsubscribed=5, converted=3,
    )  # fmt: skip
    assert (mail.delivery_rate, mail.bounce_rate) == (0.5, 0.02)
    assert (mail.open_rate, mail.open_rate_raw) == (0.5, 0.8)
    assert (mail.click_rate, mail.click_rate_raw) == (0.2, 0.4)
    assert (mail.reply_rate, mail.complaint_rate) == (0.1, 0.01)
    assert (mail.unsubscribe_rate, mail.conversion_rate) == (0.05, 0.03)


def test_completion_and_success_are_of_what_ended_and_what_began() -> None:
    some = {f.name: 0 for f in fields(EmailFigures)}
    campaign = CampaignFigures(
        **some, campaign_id="c", key="lead", name="Lead", status="active", enrolled=40, completed=6,
        stopped=2, succeeded=10, converted_contacts=1, median_days_to_conversion=2.5,
    )  # fmt: skip
    assert (campaign.completion_rate, campaign.success_rate) == (0.75, 0.25)


def test_the_period_before_ends_where_this_one_begins() -> None:
    week = Period(MARCH, MARCH + 7 * DAY)
    assert week.before == Period(MARCH - 7 * DAY, MARCH)
    assert week.length == 7 * DAY


@pytest.mark.parametrize(
    ("since", "until"),
    [(MARCH, MARCH), (MARCH, MARCH - DAY), (MARCH.replace(tzinfo=None), MARCH)],
)
def test_a_period_without_length_or_zone_is_refused(since: datetime, until: datetime) -> None:
    with pytest.raises(ValueError, match="period"):
        figures.Period(since, until)
