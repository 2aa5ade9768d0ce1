"""Settings as an admin uses them: health, limits and breakers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import db_service
from crm.records.app_settings import SendingLimits, WarmUp
from crm.records.events import WebhookHealth
from crm.settings import Settings, load_settings
from crm.ui.delivery_checks import Check, delivery_checks
from crm.ui.limits_form import warm_up_of
from crm.ui.moments import Moments
from db_service import DbService, NotAllowedError
from tests.conftest import AContact, Raw
from tests.pages.conftest import OpenPage, shown

PAGE = "20_Settings"
NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
MOMENTS = Moments(ZoneInfo("America/New_York"), NOW)
SILENT = WebhookHealth(None, None, 0)
IN_ORDER = {
    "sendgrid_api_key": "SG.a-secret-key",
    "mail_from_email": "morgan@mpt.com",
    "mail_postal_address": "1 Main Street",
    "public_url": "https://crm.mpt.com",
    "sendgrid_webhook_public_key": "a-webhook-key",
    "sendgrid_inbound_public_key": "an-inbound-key",
}

SetUp = Callable[..., None]


@pytest.fixture
def set_up(admin: DbService, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> SetUp:
    """The process's settings with some changed."""

    def change(**values: Any) -> None:
        changed = settings.model_copy(update=_typed(values))
        monkeypatch.setattr(db_service.connect(), "settings", changed)

    return change


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    key = values.get("sendgrid_api_key")
    secret = type(load_settings(_env_file=None).sendgrid_api_key)
    return values | ({"sendgrid_api_key": secret(key)} if key is not None else {})


def _checks(
    health: WebhookHealth = SILENT, *, last_sent_at: datetime | None = None, **values: Any
) -> dict[str, Check]:
    settings = load_settings(_env_file=None).model_copy(update=_typed(IN_ORDER | values))
    checks = delivery_checks(
        settings, health, last_sent_at=last_sent_at, halted_because=None, moments=MOMENTS
    )
    return {check.name: check for check in checks}


def test_a_new_installation_says_what_is_missing_and_how_to_mend_it(open_page: OpenPage) -> None:
    text = shown(open_page(PAGE))
    for words in (
        "Local outbox",
        "Write your street address",
        "reaches this machine only",
        "Replies reach the mailbox only",
        "Set PUBLIC_URL",
        "It has not run yet.",
        "its structure is up to date",
        "whoever uses it is an admin",
        "things need attention",
        "Off",
    ):
        assert words in text
    assert ":red-badge" not in text
    nothing = "Without a SendGrid key there is no list to compare with."
    assert nothing in shown(open_page(PAGE, section="Suppressions"))


def test_a_machine_that_sendgrid_cannot_reach_offers_it_no_address(
    open_page: OpenPage, set_up: SetUp
) -> None:
    set_up(**IN_ORDER | {"public_url": "http://localhost:8501"})
    page = open_page(PAGE)
    assert "SendGrid cannot reach this machine." in shown(page)
    assert not page.code


def test_with_everything_in_order_nothing_asks_for_attention(
    open_page: OpenPage, set_up: SetUp, raw: Raw, a_contact: AContact
) -> None:
    raw.execute(
        "insert into email_events (contact_id, event, occurred_at, received_at, email, payload)"
        " values (%s, 'reply', now(), now(), 'ada@example.com', '{}')",
        (a_contact(),),
    )
    raw.execute("update app_settings set value = to_jsonb(now()) where key = 'events_heard_at'")
    DbService.for_service().engine.start_run(
        trigger="interval", host="here", sender={}, now=datetime.now(UTC)
    )
    set_up(**IN_ORDER)
    page = open_page(PAGE)
    text = shown(page)
    assert "Everything is in order." in text
    assert ":orange-badge" not in text
    assert ":red-badge" not in text
    assert [code.value for code in page.code] == [
        "https://crm.mpt.com/hooks/sendgrid/events",
        "https://crm.mpt.com/hooks/sendgrid/inbound",
    ]
    for secret in ("a-secret", "a-webhook", "an-inbound"):
        assert secret not in text


def test_nobody_but_an_admin_sees_settings(open_page: OpenPage, raw: Raw) -> None:
    raw.execute("update profiles set role = 'sales' where full_name = 'Morgan Local'")
    page = open_page(PAGE)
    assert "Settings are for admins." in shown(page)
    assert not page.button
    assert not page.tabs


@pytest.mark.parametrize(
    ("name", "values", "tone"),
    [
        ("Sending", {}, "green"),
        ("Sending", {"sendgrid_api_key": ""}, "orange"),
        ("Sender", {"mail_from_email": "hello@mpt-crm.example"}, "red"),
        ("Sender", {"mail_from_email": "a@b.example", "sendgrid_api_key": ""}, "orange"),
        ("Postal address", {"mail_postal_address": " "}, "red"),
        ("Public address", {"public_url": "http://crm.mpt.com"}, "red"),
        ("Public address", {"public_url": "http://127.0.0.1:8501"}, "orange"),
        ("Event webhook", {"sendgrid_webhook_public_key": ""}, "red"),
        ("Event webhook", {}, "orange"),
        ("Replies", {"sendgrid_inbound_public_key": ""}, "orange"),
        ("Replies", {}, "green"),
    ],
)
def test_each_part_is_judged_and_has_a_way_out(
    name: str, values: dict[str, Any], tone: str
) -> None:
    check = _checks(**values)[name]
    assert check.tone == tone
    assert bool(check.fix) == (tone != "green")


def test_a_webhook_that_fell_silent_while_mail_leaves_is_red() -> None:
    heard = WebhookHealth(NOW - timedelta(days=2), None, 0)
    left = NOW - timedelta(hours=2)
    assert _checks(heard, last_sent_at=left)["Event webhook"].tone == "red"
    assert _checks(heard, last_sent_at=NOW - timedelta(days=3))["Event webhook"].tone == "green"
    # What left a moment ago may still be reported on.
    just_now = NOW - timedelta(minutes=1)
    assert _checks(heard, last_sent_at=just_now)["Event webhook"].tone == "green"


def test_halted_sending_is_red_on_the_settings_page(open_page: OpenPage) -> None:
    DbService.for_service().engine.halt_sending("The key was refused.", now=datetime.now(UTC))
    text = shown(open_page(PAGE))
    assert "All sending is stopped" in text
    assert ":red-badge" in text


def test_what_could_not_be_used_is_listed_with_problem_and_payload(
    open_page: OpenPage, admin: DbService
) -> None:
    problems = [("No timestamp.", '{"event": "open"}'), ("Not JSON.", "]garbage[")]
    DbService.for_service().events.quarantine("events", problems, now=datetime.now(UTC))
    page = open_page(PAGE)
    text = shown(page)
    assert "2 messages of the last 30 days could not be used" in text
    assert page.expander[0].label.endswith("Not JSON\\.")
    assert {code.value for code in page.code} >= {'{\n  "event": "open"\n}', "]garbage["}


def test_limits_are_changed_and_hold_at_once(open_page: OpenPage, admin: DbService) -> None:
    page = open_page(PAGE, section="Limits")
    page.number_input(key="limit_account_daily_cap").set_value(500)
    page.number_input(key="limit_breaker_bounce_percent").set_value(2.5)
    page.date_input(key="limit_warm_up_starts_on").set_value(date(2026, 11, 23))
    page.text_input(key="limit_warm_up_daily").set_value("50, 100; 200")
    page.button(key="limits_save").click().run()
    assert "3 settings saved." in shown(page)
    limits = admin.app_settings.sending_limits()
    assert (limits.account_daily_cap, limits.breaker_bounce_percent) == (500, 2.5)
    assert limits.warm_up == WarmUp(date(2026, 11, 23), (50, 100, 200))
    page.button(key="limits_save").click().run()
    assert "Nothing has changed." in shown(page)
    page.number_input(key="limit_account_daily_cap").set_value(None)
    page.date_input(key="limit_warm_up_starts_on").set_value(None)
    page.text_input(key="limit_warm_up_daily").set_value("")
    page.button(key="limits_save").click().run()
    limits = admin.app_settings.sending_limits()
    assert (limits.account_daily_cap, limits.warm_up) == (None, None)


def test_a_malformed_warm_up_is_told_at_its_field_and_nothing_is_stored(
    open_page: OpenPage, admin: DbService
) -> None:
    before = admin.app_settings.sending_limits()
    page = open_page(PAGE, section="Limits")
    page.number_input(key="limit_account_daily_cap").set_value(500)
    page.text_input(key="limit_warm_up_daily").set_value("50, many")
    page.button(key="limits_save").click().run()
    assert ":red[Say on which day the warm-up starts" in shown(page)
    page.date_input(key="limit_warm_up_starts_on").set_value(date(2026, 11, 23))
    page.button(key="limits_save").click().run()
    assert ":red[Write whole numbers above 0" in shown(page)
    assert admin.app_settings.sending_limits() == before


@pytest.mark.parametrize("daily", ["0", "-5", "1.5", "50 100", "²", "1," * 91])
def test_a_schedule_that_makes_no_sense_is_refused(daily: str) -> None:
    with pytest.raises(ValueError, match=r"whole numbers|at most 90"):
        warm_up_of(date(2026, 11, 23), daily)


def test_a_setting_outside_the_forms_range_does_not_break_the_page(
    open_page: OpenPage, raw: Raw
) -> None:
    raw.execute("update app_settings set value = '1' where key = 'unconfirmed_grace_minutes'")
    assert (
        open_page(PAGE, section="Limits").number_input(key="limit_unconfirmed_grace_minutes").value
        == 15
    )


def test_only_admins_change_limits(alice: DbService) -> None:
    limits = alice.app_settings.sending_limits()
    more = {name: getattr(limits, name) for name in limits.__slots__} | {"send_attempts": 99}
    try:
        changed = alice.app_settings.change_limits(SendingLimits(**more), now=NOW)
    except NotAllowedError:
        changed = 0
    assert changed == 0
    assert alice.app_settings.sending_limits() == limits


@pytest.mark.parametrize("cap", [None, 70, 1000])
@pytest.mark.parametrize("days_in", [-3, 0, 1, 2, 30])
def test_the_cap_shown_is_the_cap_that_holds(
    bob: DbService, raw: Raw, cap: int | None, days_in: int
) -> None:
    """The same rule stands in SQL, where it decides."""
    limits = bob.app_settings.sending_limits()
    values = {name: getattr(limits, name) for name in limits.__slots__}
    values |= {"account_daily_cap": cap, "warm_up": WarmUp(NOW.date(), (50, 100))}
    bob.app_settings.change_limits(SendingLimits(**values), now=NOW)
    moment = NOW + timedelta(days=days_in)
    row = raw.execute("select private.account_room(%s) as room", (moment,)).fetchone()
    assert row is not None
    assert bob.app_settings.account_day(now=moment).limit == row["room"]
