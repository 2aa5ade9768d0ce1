"""A project whose "Max rows" is low: nothing that a function answers is ever cut.

The stand-in cuts a function's answer and keeps silent about it, where PostgREST at least counts.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

from crm.database.errors import AnswerCutError
from crm.database.gateway import SERVICE
from crm.database.postgres import PostgresDatabase
from crm.database.supabase import SupabaseDatabase
from crm.database.supabase_transport import TIMEOUTS
from crm.mail.sendgrid_sender import SendGridSender
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.contract.gateway.telling import imported
from tests.database.sending import values
from tests.scheduler.conftest import (
    ACrowd,
    Scheduler,
    SetClock,
    SettingsFor,
    a_crowd,
    clock,
    sender,
    settings_for,
)
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.supabase_fixtures import database_of
from tests.standins.supabase_lite import PUBLISHABLE_KEY, SECRET_KEY, SupabaseStandIn

__all__ = ["a_crowd", "clock", "sender", "settings_for"]

MAX_ROWS, MANY = 7, 23


@pytest.fixture
def small(supabase: SupabaseStandIn, address: str) -> Iterator[SupabaseDatabase]:
    url = supabase.url(database_of(address), max_rows=MAX_ROWS)
    with closing(SupabaseDatabase(url, PUBLISHABLE_KEY, SECRET_KEY)) as project:
        yield project
    supabase.forget(url)


@pytest.fixture
def service(small: SupabaseDatabase) -> DbService:
    return DbService(small.gateway(SERVICE), SERVICE)


def test_a_tick_claims_no_more_than_it_can_hear_of(
    service: DbService,
    sender: SendGridSender,
    settings_for: SettingsFor,
    clock: SetClock,
    sendgrid_standin: SendGridStandIn,
    raw: Raw,
    a_crowd: ACrowd,
    published_steps: PublishedSteps,
) -> None:
    published_steps("lead", 2)
    a_crowd(MANY)
    report = Scheduler(service, sender, settings_for(), clock).tick()
    assert (report["accepted"], report["error"]) == (MANY, "")
    # Several are on their way at once: which arrives first is not promised.
    assert sorted(request.recipients for request in sendgrid_standin.requests) == [2, 7, 7, 7]
    assert set(Counter(mail.to for mail in sendgrid_standin.accepted).values()) == {1}
    assert values(raw, "select distinct status from email_sends") == ["accepted"]


def test_every_row_of_a_file_gets_its_outcome(service: DbService, raw: Raw) -> None:
    rows = [imported(n, email=f"n{n}@x.example") for n in range(1, MANY + 1)]
    stored = service.contact_imports.store(
        rows, source="file", on_duplicate="update", enroll=False, now=NOW
    )
    assert [row.row_number for row in stored] == list(range(1, MANY + 1))
    assert {row.outcome for row in stored} == {"imported"}
    assert values(raw, "select count(*) from contacts") == [MANY]


def test_everybody_who_is_enrolled_is_told_of(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("networking", 1)
    networking = next(c.id for c in service.campaigns.overview() if c.key == "networking")
    contacts = [a_contact(contact_type="partner") for _ in range(MANY)]
    outcomes = service.enrollments.enroll(contacts, campaign_id=networking, source="bulk", now=NOW)
    assert {o.contact_id: o.outcome for o in outcomes} == dict.fromkeys(contacts, "enrolled")


def test_the_limit_is_learned_once_and_anew_when_it_turns_out_lower(
    small: SupabaseDatabase, a_contact: AContact
) -> None:
    gateway = small.gateway(SERVICE)
    assert [gateway.most_rows() for _ in range(3)] == [MAX_ROWS] * 3
    assert small.connections.request_count == 1
    small.row_limit.forget()
    assert small.row_limit.learned(lambda: 1000) == 1000, "as it was when the process began"
    for _ in range(MANY):
        a_contact()
    everybody = {"p_search": "{}", "p_order": "newest", "p_before": None}
    with pytest.raises(AnswerCutError):
        gateway.call("find_contacts", **everybody, p_limit=50)
    assert gateway.most_rows() == MAX_ROWS


def test_a_project_starts_with_a_thousand_and_a_direct_connection_has_no_limit(
    project: SupabaseDatabase, database: PostgresDatabase
) -> None:
    assert project.gateway(SERVICE).most_rows() == 1000
    assert database.gateway(SERVICE).most_rows() > 10**9


BULKY = (
    "sweep claim_due postpone give_back expire_steps hand_over still_wanted settle record_events"
    " rescore_events import_contacts enroll_contacts change_enrollments add_suppressions"
    " publish_template reorder_steps retire_step mark_as_sent send_again retry_failed"
    " find_audit verify_audit"
)


@pytest.mark.parametrize("function", BULKY.split())
def test_the_database_gives_up_before_the_adapter_does(raw: Raw, function: str) -> None:
    """PostgREST takes a function's own limit for its whole statement, instead of eight seconds."""
    [settings] = values(
        raw,
        "select proconfig from pg_proc where proname = %s"
        " and pronamespace = 'public'::regnamespace",
        function,
    )
    limits = [setting for setting in settings if setting.startswith("statement_timeout=")]
    assert limits == ["statement_timeout=55s"]
    assert TIMEOUTS.read is not None
    assert TIMEOUTS.read > 55
