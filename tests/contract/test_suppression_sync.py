"""Our suppression list and SendGrid's over real HTTP: read, compared, settled, and never lifted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from crm.mail.sendgrid_suppressions import SuppressionClient
from crm.settings import Settings, SettingsError
from crm.suppression_sync import Settled, find_drift, settle_drift, suppression_client
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import live, values
from tests.scheduler.processes import Command, fails_in_one_line
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_records import forbidden, unauthorized
from tests.warm_python import Answer, WarmPython

SCRIPT = "scripts/sync_suppressions.py"


@pytest.fixture
def client(sendgrid_standin: SendGridStandIn) -> Iterator[SuppressionClient]:
    settings = Settings(
        sendgrid_api_key=SecretStr(sendgrid_standin.key),
        sendgrid_base_url=sendgrid_standin.url,
        _env_file=None,
    )
    with suppression_client(settings) as client:
        yield client


@pytest.fixture
def command(warm_python: WarmPython, address: str, tmp_path: Path) -> Command:
    return Command(warm_python, address, tmp_path / "data")


def _suppress(service: DbService, email: str, reason: str) -> None:
    service.suppressions.add([email], [reason], source="manual", now=NOW)


def _ours(service: DbService) -> dict[str, tuple[str, str]]:
    return {s.email: (s.reason, s.source) for s in service.suppressions.all()}


def test_it_adds_to_each_side_what_only_the_other_has(
    service: DbService, client: SuppressionClient, sendgrid_standin: SendGridStandIn
) -> None:
    lists = sendgrid_standin.suppressions
    lists.add("bounces", ["Bounced@customer.example"])
    lists.add("spam_reports", ["spam@customer.example"])
    lists.add("invalid_emails", ["invalid@customer.example"])
    lists.add("unsubscribes", ["both@customer.example", "left@customer.example"])
    lists.add("blocks", ["blocked@customer.example"])
    _suppress(service, "both@customer.example", "hard_bounce")
    _suppress(service, "stopped@customer.example", "unsubscribed")
    _suppress(service, "dead@customer.example", "hard_bounce")

    drift = find_drift(service, client)
    assert drift.only_there == {
        "bounced@customer.example": "hard_bounce",
        "spam@customer.example": "complaint",
        "invalid@customer.example": "invalid",
        "left@customer.example": "unsubscribed",
    }
    assert drift.only_here == ("stopped@customer.example",)
    assert settle_drift(service, client, drift, NOW) == Settled(added_here=4, added_there=1)
    assert not find_drift(service, client)
    assert _ours(service) == {
        "both@customer.example": ("hard_bounce", "manual"),
        "stopped@customer.example": ("unsubscribed", "manual"),
        "dead@customer.example": ("hard_bounce", "manual"),
        "bounced@customer.example": ("hard_bounce", "sendgrid"),
        "spam@customer.example": ("complaint", "sendgrid"),
        "invalid@customer.example": ("invalid", "sendgrid"),
        "left@customer.example": ("unsubscribed", "sendgrid"),
    }
    assert lists["unsubscribes"] == [
        "both@customer.example",
        "left@customer.example",
        "stopped@customer.example",
    ]
    assert settle_drift(service, client, drift, NOW).added_here == 0


def test_comparing_changes_nothing(
    service: DbService, client: SuppressionClient, sendgrid_standin: SendGridStandIn
) -> None:
    sendgrid_standin.suppressions.add("unsubscribes", ["left@customer.example"])
    _suppress(service, "stopped@customer.example", "manual")
    assert find_drift(service, client)
    assert list(_ours(service)) == ["stopped@customer.example"]
    assert sendgrid_standin.suppressions["unsubscribes"] == ["left@customer.example"]


def test_who_unsubscribed_at_sendgrid_gets_nothing_more_from_us(
    service: DbService,
    client: SuppressionClient,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_contact: AContact,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 1)
    contact_id = a_contact(email="left@customer.example")
    assert live(raw, contact_id) == [("lead", "active")]
    sendgrid_standin.suppressions.add("unsubscribes", ["left@customer.example"])
    settle_drift(service, client, find_drift(service, client), NOW)
    assert live(raw, contact_id) == []
    assert values(raw, "select email_status from contacts") == ["unsubscribed"]


def test_it_settles_long_lists_in_batches(
    service: DbService, client: SuppressionClient, sendgrid_standin: SendGridStandIn
) -> None:
    theirs = [f"there{number}@customer.example" for number in range(1_100)]
    ours = [f"here{number}@customer.example" for number in range(2_100)]
    sendgrid_standin.suppressions.add("unsubscribes", theirs)
    service.suppressions.add(ours, ["unsubscribed"] * len(ours), source="manual", now=NOW)
    seen: list[tuple[str, int]] = []
    drift = find_drift(service, client)
    settled = settle_drift(
        service, client, drift, NOW, progress=lambda doing, more: seen.append((doing, more))
    )
    assert settled == Settled(added_here=1_100, added_there=2_100)
    assert seen == [
        ("adding here", 1000),
        ("adding here", 100),
        ("adding at SendGrid", 1000),
        ("adding at SendGrid", 1000),
        ("adding at SendGrid", 100),
    ]
    assert not find_drift(service, client)


def test_without_a_key_there_is_no_client() -> None:
    settings = Settings(_env_file=None)
    with pytest.raises(SettingsError, match="SENDGRID_API_KEY"), suppression_client(settings):
        pytest.fail("there is nothing to ask with")


def _json(answer: Answer) -> dict[str, object]:
    assert answer.stderr == ""
    report: dict[str, object] = json.loads(answer.stdout)
    return report


def test_the_script_shows_the_drift_and_settles_it_when_asked(
    command: Command, service: DbService, sendgrid_standin: SendGridStandIn
) -> None:
    lists = sendgrid_standin.suppressions
    lists.add("bounces", [f"bounced{number:02}@customer.example" for number in range(12)])
    lists.add("spam_reports", ["angry@customer.example"])
    _suppress(service, "grace@customer.example", "unsubscribed")
    shown = command(SCRIPT, standin=sendgrid_standin)
    assert shown.returncode == 1, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0] == "Only at SendGrid: 13 (complaint 1, hard_bounce 12)"
    assert lines[1:12] == [
        "  a***@customer.example",
        *["  b***@customer.example"] * 9,
        "  and 3 more",
    ]
    assert lines[12:14] == ["Only here:        1", "  g***@customer.example"]
    assert "--apply" in lines[14]
    assert "grace@" not in shown.stdout + shown.stderr
    assert lists["unsubscribes"] == []

    settled = command(SCRIPT, "--apply", standin=sendgrid_standin)
    assert settled.returncode == 0, settled.stderr
    assert settled.stdout.splitlines()[-1] == "Added 13 here and 1 at SendGrid."
    assert lists["unsubscribes"] == ["grace@customer.example"]
    assert len(_ours(service)) == 14
    again = command(SCRIPT, standin=sendgrid_standin)
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "Both lists agree.")


def test_the_script_speaks_json(
    command: Command, service: DbService, sendgrid_standin: SendGridStandIn
) -> None:
    sendgrid_standin.suppressions.add("unsubscribes", ["left@customer.example"])
    _suppress(service, "grace@customer.example", "manual")
    drift = {
        "ok": False,
        "only_at_sendgrid": 1,
        "reasons": {"unsubscribed": 1},
        "only_here": 1,
        "examples_at_sendgrid": ["l***@customer.example"],
        "examples_here": ["g***@customer.example"],
        "added_here": 0,
        "added_at_sendgrid": 0,
    }
    shown = command(SCRIPT, "--json", standin=sendgrid_standin)
    assert (shown.returncode, _json(shown)) == (1, drift)
    settled = command(SCRIPT, "--json", "--apply", standin=sendgrid_standin)
    assert settled.returncode == 0
    assert _json(settled) == drift | {"ok": True, "added_here": 1, "added_at_sendgrid": 1}


def test_the_script_says_in_one_line_why_it_could_not_compare(
    command: Command, sendgrid_standin: SendGridStandIn
) -> None:
    fails_in_one_line(command(SCRIPT), 2, "SENDGRID_API_KEY: not set")
    sendgrid_standin.answer_next(forbidden())
    refusal = command(SCRIPT, "--apply", standin=sendgrid_standin)
    fails_in_one_line(refusal, 2, "SENDGRID_API_KEY: SendGrid refuses it (403")
    sendgrid_standin.answer_next(unauthorized())
    in_json = command(SCRIPT, "--json", standin=sendgrid_standin)
    assert in_json.returncode == 2
    assert "SendGrid refuses it" in str(_json(in_json)["error"])
    nowhere = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"
    unreachable = command(SCRIPT, database=nowhere, standin=sendgrid_standin)
    assert unreachable.returncode == 2
    assert unreachable.stderr.splitlines()[-1].startswith("The database cannot be reached")
