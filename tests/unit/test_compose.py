"""From a due contact to a letter, or to the reason why it waits."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crm.drip.calendar import SendWindow
from crm.drip.compile import CompiledTemplate, Slot
from crm.drip.compose import Composer, Defaults, Held, Letter, merge_values
from crm.drip.decide import Caps
from crm.drip.plan import Step, plan_of
from crm.drip.render import Renderer
from tests.cast import NOW

LINK = "https://crm.mpt.example/unsubscribe/token"
OFFICE = SendWindow(frozenset({1, 2, 3, 4, 5}), time(9), time(17))
TEMPLATE = CompiledTemplate(
    subject="For mf0x1",
    html="<p>mf1x1</p>",
    text="mf0x1 mf2x1",
    slots=(
        Slot("mf0x1", "text", "{{ contact.first_name | default('there') }}", shared=False),
        Slot("mf1x1", "html", "{{ contact.first_name | default('there') }}", shared=False),
        Slot("mf2x1", "text", "{{ unsubscribe_url }}", shared=False),
    ),
)
DEMANDING = replace(TEMPLATE, slots=(Slot("mf0x1", "text", "{{ company.name }}", shared=False),))


@dataclass(frozen=True, slots=True)
class Due:
    """A lead in New York at eleven on a Tuesday."""

    send_id: str = "send-1"
    contact_id: str = "contact-1"
    campaign_id: str = "lead-id"
    template_id: str = "lead-1"
    step: int = 1
    email: str = "grace@customer.example"
    first_name: str = "Grace"
    last_name: str = "Hopper"
    company_name: str = "Navy"
    job_title: str = ""
    industry: str = ""
    city: str = ""
    country: str = "US"
    time_zone: str | None = "America/New_York"
    owner_name: str | None = "Alice Sales"
    owner_email: str | None = "alice@mpt.example"
    owner_phone: str | None = ""
    recent_sends: tuple[datetime, ...] | None = None
    expires_at: datetime | None = None


def a_composer(
    *,
    window: SendWindow = OFFICE,
    steps: tuple[Step, ...] = (Step(1, 1, 0), Step(2, 2, 5)),
    cap: int | None = 1,
) -> Composer:
    plan = plan_of("lead", window=window, respect_holidays=True, steps=steps)
    return Composer(
        {"lead-id": plan},
        {"lead-1": Renderer(TEMPLATE), "demanding": Renderer(DEMANDING)},
        defaults=Defaults("America/New_York", "US"),
        caps=Caps(contact_daily=cap),
    )


def composed(due: Due, now: datetime = NOW, composer: Composer | None = None) -> Letter | Held:
    return (composer or a_composer()).compose(due, now=now, unsubscribe_url=LINK)


def test_inside_the_window_it_is_a_letter_with_its_values_in_slot_order() -> None:
    letter = composed(Due(first_name="Ann & Bo"))
    assert isinstance(letter, Letter)
    assert letter.values == ("Ann & Bo", "Ann &amp; Bo", LINK)
    assert letter.unsubscribe_url == LINK


def test_a_missing_name_takes_the_default() -> None:
    letter = composed(Due(first_name="  "))
    assert isinstance(letter, Letter)
    assert letter.values[0] == "there"


def test_outside_the_window_it_is_held_until_the_opening() -> None:
    held = composed(Due(time_zone="Asia/Tokyo", country="JP"))
    assert isinstance(held, Held)
    assert held.until == datetime(2026, 3, 11, 0, 0, tzinfo=UTC)
    assert held.reason == "outside_send_window"
    assert "Asia/Tokyo" in held.explanation


def test_a_zone_and_country_that_are_missing_are_the_default_ones() -> None:
    held = composed(Due(time_zone=None, country=""), datetime(2026, 3, 10, 12, tzinfo=UTC))
    assert isinstance(held, Held)
    assert held.until == datetime(2026, 3, 10, 13, tzinfo=UTC)


def test_the_day_a_contact_had_its_e_mail_is_over_for_it() -> None:
    held = composed(Due(recent_sends=(NOW - timedelta(hours=1),)))
    assert isinstance(held, Held)
    assert (held.reason, held.until) == (
        "contact_daily_cap",
        datetime(2026, 3, 11, 13, 0, tzinfo=UTC),
    )


def test_what_was_sent_yesterday_is_no_reason_to_wait() -> None:
    assert isinstance(composed(Due(recent_sends=(NOW - timedelta(hours=20),))), Letter)


def test_without_a_cap_nothing_counts() -> None:
    recent = (NOW - timedelta(hours=1),) * 5
    assert isinstance(composed(Due(recent_sends=recent), composer=a_composer(cap=None)), Letter)


def test_one_contact_over_its_cap_says_nothing_about_the_next() -> None:
    composer = a_composer()
    assert isinstance(composed(Due(), composer=composer), Letter)
    over = Due(recent_sends=(NOW - timedelta(hours=1),))
    assert isinstance(composed(over, composer=composer), Held)
    assert isinstance(composed(Due(), composer=composer), Letter)


def test_what_was_open_is_closed_again_after_its_last_minute() -> None:
    composer = a_composer()
    evening = datetime(2026, 3, 10, 20, 59, 59, tzinfo=UTC)
    assert isinstance(composed(Due(), evening, composer), Letter)
    assert isinstance(composed(Due(), evening + timedelta(seconds=1), composer), Held)


def test_an_unknown_zone_holds_the_letter_and_is_named() -> None:
    held = composed(Due(time_zone="Mars/Olympus"))
    assert isinstance(held, Held)
    assert "Mars/Olympus" in held.explanation
    assert held.until == NOW + timedelta(days=1)


def test_a_window_that_never_opens_holds_the_letter() -> None:
    never = SendWindow(frozenset(), time(9), time(17))
    held = composed(Due(), composer=a_composer(window=never))
    assert isinstance(held, Held)
    assert held.until == NOW + timedelta(days=1)


def test_a_missing_value_without_a_default_holds_the_letter_and_names_the_field() -> None:
    held = composed(Due(template_id="demanding", company_name=""))
    assert isinstance(held, Held)
    assert (held.reason, held.until) == ("missing_merge_value", NOW + timedelta(days=1))
    assert "company.name" in held.explanation


def test_the_next_step_and_its_date_follow_the_plan() -> None:
    assert a_composer().next_due(Due(), sent_at=NOW) == (
        2,
        datetime(2026, 3, 16, 13, 0, tzinfo=UTC),
    )
    assert a_composer().next_due(Due(step=2), sent_at=NOW) is None


def test_a_date_that_cannot_be_worked_out_is_the_plain_delay() -> None:
    plain = (2, NOW + timedelta(days=5))
    assert a_composer().next_due(Due(time_zone="Mars/Olympus"), sent_at=NOW) == plain
    never = a_composer(window=SendWindow(frozenset(), time(9), time(17)))
    assert never.next_due(Due(), sent_at=NOW) == plain


def test_an_owner_has_a_first_name_and_nobody_has_none() -> None:
    assert merge_values(Due())["owner"]["first_name"] == "Alice"
    assert merge_values(Due(owner_name=None))["owner"] == {
        "name": "",
        "first_name": "",
        "email": "alice@mpt.example",
        "phone": "",
    }


YEARS = (datetime(2026, 1, 1), datetime(2027, 12, 31))  # noqa: DTZ001 - hypothesis adds the zone
MOMENTS = st.datetimes(*YEARS, timezones=st.just(UTC))
ZONES = st.sampled_from(
    ["America/New_York", "Asia/Tokyo", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"]
)


@given(now=MOMENTS, zone=ZONES, ago=st.lists(st.integers(0, 47), max_size=3))
def test_what_is_held_leaves_after_the_window_and_the_cap_at_most(
    now: datetime, zone: str, ago: list[int]
) -> None:
    """Held for two reasons at most and always until later, never over and over."""
    due = Due(time_zone=zone, recent_sends=tuple(now - timedelta(hours=h) for h in ago))
    reasons: list[str] = []
    while isinstance(held := composed(due, now), Held):
        assert held.until is not None
        assert held.until > now
        now = held.until
        reasons.append(held.reason)
        assert len(reasons) <= 2


@given(moments=st.lists(MOMENTS, min_size=2, max_size=6).map(sorted), zone=ZONES)
def test_a_composer_used_for_long_decides_as_a_fresh_one_would(
    moments: list[datetime], zone: str
) -> None:
    used = a_composer()
    for now in moments:
        assert composed(Due(time_zone=zone), now, used) == composed(Due(time_zone=zone), now)
