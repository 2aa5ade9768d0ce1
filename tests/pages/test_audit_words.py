"""An entry of the audit log in words: sentences, filters, and the file."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.records.audit import AuditActor, AuditEntry, AuditSearch
from crm.ui.audit_export import as_csv
from crm.ui.audit_fields import SETTING, TEMPLATE_STATUS, Change, Known, Reader
from crm.ui.audit_filters import in_words, search_of
from crm.ui.audit_words import AREAS, changes, kind, sentence
from crm.ui.moments import Moments
from tests import cast
from tests.conftest import Raw
from tests.database.sending import values

NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
READER = Reader(
    Known({"c1": "Lead"}, {cast.BOB_ID: "Bob Admin"}, {"lead": "Lead"}), Moments(NEW_YORK, NOW)
)


def _entry(relation: str, operation: str, **values: Any) -> AuditEntry:
    entry = AuditEntry(
        number=1,
        recorded_at=NOW,
        actor_kind="person",
        actor_id=cast.BOB_ID,
        actor_name="Bob Admin",
        relation=relation,
        row_key="x",
        operation=operation,
        before=None,
        after=None,
    )
    return replace(entry, **values)


LEAD = {"id": "c1", "key": "lead", "name": "Lead", "status": "active", "paused_reason": ""}
E_MAIL = {"name": "First hello", "campaign_id": "c1", "version": 2, "status": "published"}
DAVE = {"email": "dave@mpt.example", "full_name": "Dave", "role": "sales"}
SENTENCES: list[tuple[AuditEntry, str]] = [
    (
        _entry("drip_campaigns", "UPDATE", before=LEAD, after=LEAD | {"status": "paused"}),
        "Bob Admin changed campaign Lead: status Running → Paused",
    ),
    (
        _entry(
            "drip_campaigns",
            "UPDATE",
            before=LEAD,
            after=LEAD | {"status": "paused", "paused_reason": "Holidays", "description": "x" * 99},
        ),
        "Bob Admin changed campaign Lead: status Running → Paused, reason Holidays, description",
    ),
    (
        _entry(
            "drip_campaigns",
            "UPDATE",
            before=LEAD | {"window_end": "17:00:00", "window_days": [1, 2]},
            after=LEAD | {"window_end": "00:00:00", "window_days": [1]},
        ),
        "Bob Admin changed campaign Lead: sends until 17:00 → 24:00, sending days Mon–Tue → Mon",
    ),
    (
        _entry("drip_campaign_templates", "INSERT", after=E_MAIL),
        "Bob Admin published version 2 of e-mail “First hello” of Lead",
    ),
    (
        _entry(
            "drip_campaign_templates",
            "UPDATE",
            before=E_MAIL,
            after=E_MAIL | {"status": "retired"},
        ),
        "Bob Admin retired e-mail “First hello” of Lead",
    ),
    (
        _entry(
            "drip_campaign_templates",
            "UPDATE",
            before=E_MAIL | {"position": 2},
            after=E_MAIL | {"position": 3},
        ),
        "Bob Admin changed e-mail “First hello” of Lead: place 2 → 3",
    ),
    (
        _entry(
            "contact_types",
            "UPDATE",
            before={"key": "lead", "label": "Lead", "campaign_id": "gone"},
            after={"key": "lead", "label": "Lead", "campaign_id": "c1"},
        ),
        "Bob Admin changed contact type Lead: campaign a campaign that is gone → Lead",
    ),
    (
        _entry(
            "app_settings",
            "UPDATE",
            row_key="account_daily_cap",
            before={"value": None},
            after={"value": 500},
        ),
        "Bob Admin changed the setting “E-mails a day, all campaigns”: no limit → 500",
    ),
    (
        _entry(
            "contacts",
            "MERGE",
            before={"contact_type": "lead"},
            after={"contact_type": "lead", "merged_id": cast.ALICE_ID},
        ),
        "Bob Admin merged a contact into another (Lead)",
    ),
    (
        _entry(
            "app_settings",
            "UPDATE",
            row_key="breaker_bounce_percent",
            before={"value": 5},
            after={"value": 2.5},
        ),
        "Bob Admin changed the setting “Stop at bounces (%)”: 5 % → 2.5 %",
    ),
    (
        _entry(
            "app_settings",
            "UPDATE",
            row_key="api_key",
            before={"is_secret": True},
            after={"is_secret": True, "value": "changed"},
        ),
        "Bob Admin changed the setting “api key”, which is kept secret",
    ),
    (
        _entry(
            "app_settings",
            "UPDATE",
            row_key="sending_halt",
            actor_kind="service",
            actor_name="",
            before={"value": None},
            after={"value": "The key was refused."},
        ),
        "The system stopped all sending: The key was refused.",
    ),
    (
        _entry(
            "app_settings",
            "UPDATE",
            row_key="sending_halt",
            before={"value": "The key was refused."},
            after={"value": None},
        ),
        "Bob Admin let sending go on",
    ),
    (
        _entry(
            "profiles",
            "UPDATE",
            before={"full_name": "Alice", "role": "sales", "active": True},
            after={"full_name": "Alice", "role": "admin", "active": False},
        ),
        "Bob Admin changed user Alice: role Sales → Admin, active yes → no",
    ),
    (_entry("invitations", "INSERT", after=DAVE), "Bob Admin invited dave@mpt.example as Sales"),
    (
        _entry("invitations", "DELETE", before=DAVE),
        "Bob Admin withdrew the invitation of dave@mpt.example",
    ),
    (
        _entry("invitations", "DELETE", before=DAVE, actor_name="dave@mpt.example"),
        "dave@mpt.example took up the invitation",
    ),
    (
        _entry("profiles", "INSERT", after=DAVE, actor_id="d", row_key="d", actor_name="Dave"),
        "Dave accepted the invitation and joined as Sales",
    ),
    (
        _entry(
            "suppressions",
            "LIFT",
            before={"email": "ada@customer.example", "reason": "complaint"},
            after={"reason": "She called", "contact_id": "x"},
        ),
        "Bob Admin lifted the stop for ada@customer.example (marked as spam): She called",
    ),
    (
        _entry("contacts", "EXPORT", after={"row_count": 1200, "description": "Leads in Ohio"}),
        "Bob Admin exported 1,200 contacts: Leads in Ohio",
    ),
    (
        _entry(
            "contacts",
            "ERASE",
            before={"contact_type": "lead", "created_at": "2026-11-20T14:00:00+00:00"},
        ),
        "Bob Admin erased a contact (Lead, added on 20 November 2026)",
    ),
    (
        _entry(
            "webhook_endpoints",
            "UPDATE",
            actor_kind="operator",
            actor_name="postgres",
            before={"url": "https://hooks.example/in"},
            after={"url": "https://hooks.example/in", "secret": "changed"},
        ),
        "An operator at the server (as postgres) changed webhook https://hooks.example/in:"
        " signing secret changed",
    ),
]


@pytest.mark.parametrize(("entry", "told"), SENTENCES, ids=[told for _, told in SENTENCES])
def test_an_entry_is_a_plain_sentence(entry: AuditEntry, told: str) -> None:
    assert sentence(entry, READER) == told
    assert kind(entry) != "Other"


def test_every_table_and_operation_that_is_written_down_has_an_area(raw: Raw) -> None:
    audited = values(
        raw,
        "select distinct tgrelid::regclass::text from pg_trigger"
        " where tgname in ('write_audit', 'write_lift')",
    )
    assert {relation for area in AREAS for relation in area.relations} == set(audited)
    [check] = values(
        raw,
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conname = 'audit_log_operation_check'",
    )
    allowed = {operation for area in AREAS for operation in area.operations}
    assert allowed == set(re.findall(r"'([A-Z]+)'", check))


def test_a_setting_is_called_by_its_name_and_its_days_are_days() -> None:
    warm_up = {"starts_on": "2026-11-21", "per_day": [1000, 2000]}
    entry = _entry(
        "app_settings",
        "UPDATE",
        row_key="warm_up",
        before={"value": None},
        after={"value": warm_up, "updated_at": "2026-11-21T15:00:00+00:00"},
    )
    [change] = changes(entry, READER)
    assert change == Change(
        "Warm-up", "nothing", "starts on: 21 November 2026; per day: 1,000, 2,000"
    )


def test_every_setting_an_admin_may_see_has_a_name(raw: Raw) -> None:
    engines_own = {"run_requested_at", "events_heard_at"}
    assert set(values(raw, "select key from app_settings")) - engines_own <= set(SETTING)
    assert set(TEMPLATE_STATUS) == {"draft", "published", "retired"}


def test_days_of_a_filter_are_the_viewers_and_both_included() -> None:
    bob = AuditActor("person", cast.BOB_ID, "Bob Admin")
    area = next(area for area in AREAS if area.label == "Exports")
    search = search_of(bob, area, date(2026, 3, 1), date(2026, 3, 1), NEW_YORK)
    assert search.since == datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
    assert search.until == datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
    told = "Bob Admin, Exports, from 1 March 2026, to 1 March 2026"
    assert in_words(search, NEW_YORK) == told
    assert in_words(AuditSearch(), NEW_YORK) == "everything"


def test_the_file_runs_no_formula_and_reads_as_the_page_does() -> None:
    entry, told = SENTENCES[0]
    evil = _entry(
        "contacts", "EXPORT", actor_name="=1+1", after={"row_count": 1, "description": "x"}
    )
    text = as_csv([entry, evil], READER).decode("utf-8-sig")
    _, first, second = csv.reader(io.StringIO(text))
    assert first[4:] == [told, "status: Running", "status: Paused"]
    assert (first[1], second[2]) == ("2026-11-21T15:00:00+00:00", "'=1+1")
