"""Health on the settings page: what SendGrid says of itself, the installation, the scheduler."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.mail.sendgrid_account import AccountError, SenderDomain, sender_domains
from crm.records.scheduler_runs import SchedulerRun
from crm.settings import load_settings
from crm.ui import installation_checks
from crm.ui.moments import Moments
from tests.conftest import Raw
from tests.pages.conftest import OpenPage, shown
from tests.pages.test_settings_page import SetUp, set_up
from tests.standins.sendgrid import SendGridStandIn

__all__ = ["set_up"]

PAGE = "20_Settings"
NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
MOMENTS = Moments(ZoneInfo("America/New_York"), NOW)


def test_sendgrid_is_asked_about_key_and_domain(
    open_page: OpenPage, set_up: SetUp, sendgrid_standin: SendGridStandIn
) -> None:
    sendgrid_standin.authenticate("mpt.com")
    set_up(
        sendgrid_api_key=sendgrid_standin.key,
        sendgrid_base_url=sendgrid_standin.url,
        mail_from_email="morgan@mail.mpt.com",
    )
    page = open_page(PAGE)
    page.button(key="ask_sendgrid").click().run()
    assert "The key is good, and mpt.com is authenticated." in shown(page)


def test_a_refused_key_and_an_answer_that_is_none_are_told(
    sendgrid_standin: SendGridStandIn,
) -> None:
    with pytest.raises(AccountError, match="SENDGRID_API_KEY: SendGrid refuses it"):
        sender_domains("SG.wrong", sendgrid_standin.url)
    sendgrid_standin.authenticate("other.com", valid=False)
    [domain] = sender_domains(sendgrid_standin.key, sendgrid_standin.url)
    assert domain == SenderDomain("other.com", False)
    with pytest.raises(AccountError, match="cannot be reached"):
        sender_domains("SG.any", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("domains", "tone"),
    [
        ([SenderDomain("mpt.com", True)], "green"),
        ([SenderDomain("mpt.com", False)], "red"),
        ([SenderDomain("pt.com", True)], "red"),
        ([], "red"),
        ("SendGrid cannot be reached (ConnectError).", "red"),
    ],
)
def test_the_account_is_judged_by_the_senders_domain(
    domains: list[SenderDomain] | str, tone: str
) -> None:
    check = installation_checks.account(domains, "morgan@mpt.com")
    assert check.tone == tone
    assert bool(check.fix) == (tone != "green")


def test_a_database_behind_the_program_is_red(open_page: OpenPage, raw: Raw) -> None:
    raw.execute("delete from supabase_migrations.schema_migrations where name = 'type_switches'")
    text = shown(open_page(PAGE))
    assert "1 change to its structure are missing" not in text
    assert "1 change to its structure is missing" in text
    assert "Run python scripts/migrate.py." in text
    raw.execute("drop schema supabase_migrations cascade")
    assert "has no record of its migrations" in shown(open_page(PAGE))


def _run(minutes_ago: int, status: str = "ok") -> SchedulerRun:
    began = NOW - timedelta(minutes=minutes_ago)
    error = "SendGrid refuses the key." if status == "failed" else ""
    return SchedulerRun(1, began, began, "interval", status, {}, error, NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("last", "tone"),
    [
        (None, "orange"),
        (_run(5), "green"),
        (_run(125), "green"),
        (_run(140), "red"),
        (_run(5, "failed"), "red"),
    ],
)
def test_the_scheduler_is_judged_by_its_last_run(last: SchedulerRun | None, tone: str) -> None:
    settings = load_settings(_env_file=None)
    check = installation_checks.scheduler(settings, last, MOMENTS)
    assert check.tone == tone
    assert bool(check.fix) == (tone != "green")
    elsewhere = settings.model_copy(update={"drip_enabled": False})
    if tone == "red" and last and last.status == "ok":
        assert "--loop" in installation_checks.scheduler(elsewhere, last, MOMENTS).fix


@pytest.mark.parametrize(
    ("settings", "vouched", "tone"),
    [
        ({}, True, "gray"),
        ({"oidc_client_id": "x", "oidc_metadata_url": "https://id.mpt.com/x"}, True, "green"),
        ({"supabase_url": "https://x.supabase.co"}, True, "green"),
        ({"supabase_url": "https://x.supabase.co"}, False, "red"),
        ({"supabase_url": "https://x.supabase.co"}, None, "orange"),
    ],
)
def test_sign_in_is_judged_by_who_can_come_in(
    settings: dict[str, Any], vouched: bool | None, tone: str
) -> None:
    given = load_settings(_env_file=None).model_copy(update=settings)
    check = installation_checks.sign_in(given, vouched)
    assert check.tone == tone
    assert bool(check.fix) == (tone in {"orange", "red"})
