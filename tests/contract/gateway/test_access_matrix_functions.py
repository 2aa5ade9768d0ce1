"""The access matrix goes for functions too: many act with rights of their own, and must ask first.

Every function of the schema is called over either adapter, with arguments that name Carol's rows.
"""

import json
from typing import Any

import pytest

from crm.database.errors import DatabaseError, NotAllowedError, RuleBrokenError
from crm.database.gateway import Gateway
from crm.database.supabase_shape import load_shape
from tests import cast
from tests.conftest import Raw
from tests.contract.gateway.access_cells import Snapshot, carols, everything
from tests.contract.gateway.conftest import OpenGateway
from tests.database import access_matrix as matrix
from tests.database.access_probes import (
    ALICES_CONTACT,
    CAROLS_CONTACT,
    FIRST,
    FOURTH,
    SECOND,
    THIRD,
)

FUNCTIONS = load_shape().functions
_TEXTS = (
    "last_name phone company_name job_title industry city state country profile_url website notes"
)
_CAROLS_CHANGED = {
    **dict.fromkeys(_TEXTS.split(), ""),
    "row_number": 1,
    "first_name": "Stolen",
    "email": "c@customer.example",
    "contact_type": "lead",
    "opted_out": False,
    "tags": [],
}
_TEMPLATE = {
    **dict.fromkeys(("name", "subject", "preheader", "body", "content_hash"), "x"),
    "delay_days": 1,
    "compiled": {},
}
_BY_NAME: dict[str, Any] = {
    "p_now": cast.NOW,
    "p_contact": CAROLS_CONTACT,
    "p_contacts": [CAROLS_CONTACT],
    "p_enrollment": FOURTH,
    "p_enrollments": [SECOND],
    "p_campaign": FIRST,
    "p_step": 1,
    "p_steps": [1],
    "p_action": "stop",
    "p_choice": "stop",
    "p_source": "manual",
    "p_email": "second@customer.example",
    "p_emails": ["c@customer.example"],
    "p_reason": "because",
    "p_reasons": ["complaint"],
    "p_relation": "contacts",
    "p_rows": json.dumps([_CAROLS_CHANGED]),
    "p_on_duplicate": "update",
    "p_limits": json.dumps({"account_daily_cap": 1}),
    "p_content": json.dumps(_TEMPLATE),
    "p_changes": json.dumps({"contact_type": "client"}),
    "p_keep": CAROLS_CONTACT,
    "p_drop": ALICES_CONTACT,
    "p_values": "{}",
    "p_limit": 10,
    "p_zone": "UTC",
    "p_answers": json.dumps({"first_name": "Stolen"}),
    "p_draft": SECOND,
    "p_submission": SECOND,
    "p_new_status": "done",
    "p_assigned_to": cast.ALICE_ID,
    "p_seen": cast.CAROL_ID,
    "p_filter": "{}",
    "p_search": "{}",
    "p_order": "newest",
    "p_most": 100,
    "p_type": "client",
    "p_switches": json.dumps([{"from_type": "lead", "to_type": "client", "policy": "keep_both"}]),
    "p_settings": json.dumps({"mail_from_name": "Mallory"}),
}
_BY_TYPE: dict[str, Any] = {
    "text": "x",
    "integer": 1,
    "bigint": 1,
    "smallint": 1,
    "boolean": True,
    "uuid": None,
    "timestamp with time zone": cast.NOW,
}
# What an outsider may be told: where they stand, and what is the same everywhere.
HARMLESS = {"join_staff": "inactive", "a_thousand_rows": list(range(1, 1001))}


# Something of Carol's for each function to get hold of: a hold, an ended enrollment, sends that
# wait for a person's word.
_TROUBLE = f"""
    update contacts set quiet_until = '2026-04-01Z', quiet_reason = 'out_of_office';
    update drip_campaigns set status = 'active';
    update drip_campaign_templates set status = 'published', published_at = now();
    insert into campaign_enrollments (id, contact_id, campaign_id, status, ended_at) values
      ('{FOURTH}', '{CAROLS_CONTACT}', '{SECOND}', 'stopped', now());
    update campaign_enrollments
      set status = 'paused', reason = 'send_failed', next_step = 2, next_send_at = null
      where id = '{SECOND}';
    update email_sends set status = 'unconfirmed', provider = 'sendgrid', settled_at = now();
    insert into email_sends
      (contact_id, enrollment_id, campaign_id, step, run, template_id, to_email, claimed_at, status)
      select contact_id, id, campaign_id, 2, 1, '{THIRD}', 'x@customer.example', now(), 'failed'
      from campaign_enrollments where id = '{SECOND}';
"""


@pytest.fixture(autouse=True)
def stage(raw: Raw) -> None:
    matrix.set_the_stage(raw)
    raw.execute(_TROUBLE.encode())


def for_people(raw: Raw) -> set[str]:
    found = raw.execute(
        "select proname from pg_proc where pronamespace = 'public'::regnamespace"
        " and has_function_privilege('authenticated', oid, 'execute')"
    )
    return {row["proname"] for row in found}


def test_the_anonymous_and_the_nameless_reach_no_function(
    raw: Raw, open_gateway: OpenGateway
) -> None:
    anon = open_gateway(cast.ANON)
    assert [name for name in FUNCTIONS if not _is_refused(raw, anon, name)] == []


def test_people_reach_no_function_of_the_scheduler(raw: Raw, open_gateway: OpenGateway) -> None:
    engine = FUNCTIONS.keys() - for_people(raw)
    assert {"claim_due", "settle", "sweep", "record_events", "invite_first_admin"} <= engine
    for person in (cast.ALICE, cast.BOB, cast.CHARLIE):
        gateway = open_gateway(person)
        assert [name for name in engine if not _is_refused(raw, gateway, name)] == []


def test_an_outsider_does_and_learns_nothing(raw: Raw, open_gateway: OpenGateway) -> None:
    charlie = open_gateway(cast.CHARLIE)
    before = everything(raw)
    told = {name: _answer(raw, charlie, name) for name in sorted(for_people(raw))}
    assert {name: answer for name, answer in told.items() if _tells(name, answer)} == {}
    assert everything(raw) == before


def test_a_sales_person_touches_nothing_of_a_colleagues(
    raw: Raw, open_gateway: OpenGateway
) -> None:
    # Anybody may stop mail to an address, and write down a call, whoever's contact it is.
    assert _changing_carols(raw, open_gateway(cast.ALICE)) == {
        "add_suppressions",
        "save_discovery_draft",
    }


def test_the_same_calls_of_an_admin_do_change_them(raw: Raw, open_gateway: OpenGateway) -> None:
    changing = _changing_carols(raw, open_gateway(cast.BOB))
    assert changing >= {
        *("add_suppressions", "change_enrollments", "end_quiet", "enroll_contacts"),
        *("import_contacts", "mark_as_sent", "restart_enrollment", "retry_failed", "send_again"),
    }


def test_why_an_email_went_is_told_to_who_may_read_it(raw: Raw, open_gateway: OpenGateway) -> None:
    for function in ("explain_steps", "explain_enrollment"):
        assert _answer(raw, open_gateway(cast.CAROL), function)
        assert _answer(raw, open_gateway(cast.BOB), function)
        assert _answer(raw, open_gateway(cast.ALICE), function) == []


def _changing_carols(raw: Raw, gateway: Gateway) -> set[str]:
    changing = set()
    snapshot = Snapshot(raw)
    before = carols(raw)
    for name in sorted(for_people(raw)):
        _answer(raw, gateway, name)
        if carols(raw) != before:
            changing.add(name)
            snapshot.restore()
    return changing


def _is_refused(raw: Raw, gateway: Gateway, function: str) -> bool:
    try:
        gateway.call(function, **_arguments(raw, function))
    except NotAllowedError:
        return True
    except DatabaseError:
        pass
    return False


def _answer(raw: Raw, gateway: Gateway, function: str) -> Any:
    try:
        return gateway.call(function, **_arguments(raw, function))
    except (NotAllowedError, RuleBrokenError):
        return None


def _tells(function: str, answer: Any) -> bool:
    if function in HARMLESS:
        return bool(answer != HARMLESS[function])
    if isinstance(answer, list):
        return any(row != {"contact_id": CAROLS_CONTACT, "outcome": "not_yours"} for row in answer)
    return bool(answer)


def _arguments(raw: Raw, function: str) -> dict[str, Any]:
    named = {**_BY_NAME, "p_sends": _carols_sends(raw)}
    return {
        name: named[name] if name in named else _of_type(type_)
        for name, type_ in FUNCTIONS[function].arguments.items()
    }


def _of_type(type_: str) -> Any:
    return [] if type_.endswith("[]") else _BY_TYPE[type_]


def _carols_sends(raw: Raw) -> list[str]:
    found = raw.execute("select id::text from email_sends where contact_id = %s", (CAROLS_CONTACT,))
    return [row["id"] for row in found]
