"""One row of Alice's and one of Carol's in every table, and how to touch each."""

from dataclasses import dataclass

from crm.database.gateway import Row
from tests import cast

ALICES_CONTACT = "00000000-0000-4000-8000-00000000000a"
CAROLS_CONTACT = "00000000-0000-4000-8000-00000000000c"
FIRST, SECOND = "00000000-0000-4000-8000-0000000000f1", "00000000-0000-4000-8000-0000000000f2"
THIRD, FOURTH = "00000000-0000-4000-8000-0000000000f3", "00000000-0000-4000-8000-0000000000f4"


# In a probe's values these stand for Alice's contact or Carol's, and for Alice or Carol.
CONTACT, PERSON = "{contact}", "{person}"


@dataclass(frozen=True, slots=True)
class Probe:
    """How to touch a table, in the gateway's values: by a key, with a change, with a new row."""

    key: str
    own: str
    others: str
    update: Row
    insert: Row

    def row(self, *, own: bool) -> str:
        return self.own if own else self.others

    def new_row(self, *, own: bool) -> Row:
        person, contact = (
            (cast.ALICE_ID, ALICES_CONTACT) if own else (cast.CAROL_ID, CAROLS_CONTACT)
        )
        standing_for = {CONTACT: contact, PERSON: person}
        return {
            column: standing_for.get(value, value) if isinstance(value, str) else value
            for column, value in self.insert.items()
        }


PROBES: dict[str, Probe] = {
    "contacts": Probe(
        "id",
        ALICES_CONTACT,
        CAROLS_CONTACT,
        {"email_status_reason": "x"},
        {"first_name": "New", "owner_id": PERSON},
    ),
    "activities": Probe(
        "summary",
        "Alice wrote this",
        "Carol wrote this",
        {"completed_at": cast.NOW},
        {"contact_id": CONTACT, "kind": "note", "summary": "x", "actor_id": PERSON},
    ),
    "drip_campaigns": Probe("id", FIRST, SECOND, {"description": "x"}, {"key": "z", "name": "z"}),
    "drip_campaign_templates": Probe(
        "id",
        FIRST,
        SECOND,
        {"subject": "x"},
        {"campaign_id": FIRST, "step": 9, "position": 9, "compiled": {}}
        | dict.fromkeys(("name", "subject", "body", "content_hash"), "x"),
    ),
    "contact_types": Probe(
        "key", "first", "second", {"label": "x"}, {"key": "z", "label": "z", "position": 9}
    ),
    "campaign_enrollments": Probe(
        "contact_id",
        ALICES_CONTACT,
        CAROLS_CONTACT,
        {"last_step": 1},
        {"contact_id": CONTACT, "campaign_id": SECOND, "status": "stopped", "ended_at": cast.NOW},
    ),
    "email_sends": Probe(
        "contact_id",
        ALICES_CONTACT,
        CAROLS_CONTACT,
        {"reason": "x"},
        {"contact_id": CONTACT, "to_email": "x@customer.example", "claimed_at": cast.NOW}
        | {"step": 9, "run": 1}
        | dict.fromkeys(("enrollment_id", "campaign_id", "template_id"), FIRST),
    ),
    "email_events": Probe(
        "contact_id",
        ALICES_CONTACT,
        CAROLS_CONTACT,
        {"reason": "x"},
        {"contact_id": CONTACT, "event": "click", "occurred_at": cast.NOW},
    ),
    "drip_decisions": Probe(
        "contact_id",
        ALICES_CONTACT,
        CAROLS_CONTACT,
        {"explanation": "x"},
        {"contact_id": CONTACT, "decided_at": cast.NOW, "reason": "holiday", "explanation": "x"},
    ),
    "projects": Probe(
        "id",
        FIRST,
        SECOND,
        {"name": "x"},
        {"contact_id": CONTACT, "name": "x", "owner_id": PERSON},
    ),
    "networking_events": Probe(
        "id",
        FIRST,
        SECOND,
        {"notes": "x"},
        {"name": "x", "held_on": "2026-03-01", "owner_id": PERSON},
    ),
    "networking_event_attendees": Probe(
        "event_id",
        FIRST,
        SECOND,
        {"notes": "x"},
        {"event_id": THIRD, "contact_id": CONTACT, "added_by": PERSON},
    ),
    "discovery_submissions": Probe(
        "id",
        FIRST,
        SECOND,
        {"status": "done"},
        {"email": "x@customer.example", "assigned_to": PERSON},
    ),
    "suppressions": Probe(
        "email",
        "first@customer.example",
        "second@customer.example",
        {"reason": "invalid"},
        {"email": "x@customer.example", "reason": "manual"},
    ),
    "webhook_endpoints": Probe(
        "id", FIRST, SECOND, {"description": "x"}, {"url": "https://x.example", "secret": "s"}
    ),
    "webhook_deliveries": Probe(
        "event",
        "first",
        "second",
        {"last_error": "x"},
        {"endpoint_id": FIRST, "event": "x", "payload": {}},
    ),
    "audit_log": Probe(
        "row_key",
        "first",
        "second",
        {"row_key": "x"},
        {"relation": "x", "row_key": "x", "operation": "INSERT"},
    ),
    "app_settings": Probe(
        "key",
        "mail_from_name",
        "mail_postal_address",
        {"value": '"x"'},
        {"key": "x", "value": '"x"'},
    ),
    "profiles": Probe(
        "id",
        cast.ALICE_ID,
        cast.CAROL_ID,
        {"phone": "x"},
        {"id": FOURTH, "email": "x@mpt.example", "full_name": "X"},
    ),
    "scheduler_runs": Probe(
        "host",
        "first",
        "second",
        {"error": "x"},
        {"started_at": cast.NOW, "trigger": "command"},
    ),
    "send_requests": Probe(
        "id",
        FIRST,
        SECOND,
        {"heard_of_count": 1},
        {"id": FOURTH, "scheduler_run_id": 1, "handed_over_at": cast.NOW},
    ),
    "quarantined_messages": Probe(
        "problem",
        "first",
        "second",
        {"payload": "x"},
        {"source": "events", "problem": "x", "payload": "x"},
    ),
    "breaker_counts": Probe(
        "campaign_id",
        FIRST,
        SECOND,
        {"bounced": 1},
        {"campaign_id": FIRST, "sent_on": "2026-03-09"},
    ),
    "account_days": Probe(
        "day", "2026-03-01", "2026-03-02", {"handed_over": 1}, {"day": "2026-03-09"}
    ),
    "former_addresses": Probe(
        "email",
        "first@customer.example",
        "second@customer.example",
        {"replaced_at": cast.NOW},
        {"email": "x@customer.example", "contact_id": CONTACT},
    ),
    "invitations": Probe(
        "email",
        "first@mpt.example",
        "second@mpt.example",
        {"role": "admin"},
        {"email": "x@mpt.example", "full_name": "X"},
    ),
}

STAGE = f"""
    insert into drip_campaigns (id, key, name) values
      ('{FIRST}', 'first', 'First'), ('{SECOND}', 'second', 'Second'),
      ('{THIRD}', 'third', 'Third');
    insert into drip_campaign_templates
      (id, campaign_id, step, position, name, subject, body, content_hash, compiled) values
      ('{FIRST}', '{FIRST}', 1, 1, 'x', 'x', 'x', 'x', '{{}}'),
      ('{SECOND}', '{SECOND}', 1, 1, 'x', 'x', 'x', 'x', '{{}}'),
      ('{THIRD}', '{THIRD}', 1, 1, 'x', 'x', 'x', 'x', '{{}}');
    insert into contact_types (key, label, position) values
      ('first', 'First', 7), ('second', 'Second', 8);
    insert into contacts (id, first_name, email, owner_id) values
      ('{ALICES_CONTACT}', 'A', 'a@customer.example', '{cast.ALICE_ID}'),
      ('{CAROLS_CONTACT}', 'C', 'c@customer.example', '{cast.CAROL_ID}');
    insert into activities (contact_id, kind, summary, actor_id) values
      ('{ALICES_CONTACT}', 'note', 'Alice wrote this', '{cast.ALICE_ID}'),
      ('{ALICES_CONTACT}', 'note', 'Carol wrote this', '{cast.CAROL_ID}');
    insert into campaign_enrollments (id, contact_id, campaign_id) values
      ('{FIRST}', '{ALICES_CONTACT}', '{THIRD}'), ('{SECOND}', '{CAROLS_CONTACT}', '{THIRD}');
    insert into email_sends
      (contact_id, enrollment_id, campaign_id, step, run, template_id, to_email, claimed_at)
      select contact_id, id, campaign_id, 1, 1, '{THIRD}', 'x@customer.example', now()
      from campaign_enrollments;
    insert into email_events (contact_id, event, occurred_at, email)
      select id, 'open', now(), email from contacts;
    insert into drip_decisions (contact_id, decided_at, reason, explanation)
      select id, now(), 'holiday', 'x' from contacts;
    insert into projects (id, contact_id, name, owner_id) values
      ('{FIRST}', '{ALICES_CONTACT}', 'x', '{cast.ALICE_ID}'),
      ('{SECOND}', '{CAROLS_CONTACT}', 'x', '{cast.CAROL_ID}');
    insert into networking_events (id, name, held_on, owner_id) values
      ('{FIRST}', 'x', '2026-03-01', '{cast.ALICE_ID}'),
      ('{SECOND}', 'x', '2026-03-01', '{cast.CAROL_ID}'),
      ('{THIRD}', 'x', '2026-03-01', null);
    insert into networking_event_attendees (event_id, contact_id, added_by) values
      ('{FIRST}', '{ALICES_CONTACT}', '{cast.ALICE_ID}'),
      ('{SECOND}', '{CAROLS_CONTACT}', '{cast.CAROL_ID}');
    insert into discovery_submissions (id, email, assigned_to) values
      ('{FIRST}', 'x@customer.example', '{cast.ALICE_ID}'),
      ('{SECOND}', 'x@customer.example', '{cast.CAROL_ID}');
    insert into suppressions (email, reason) values
      ('first@customer.example', 'manual'), ('second@customer.example', 'manual');
    insert into webhook_endpoints (id, url, secret) values
      ('{FIRST}', 'https://x.example', 's'), ('{SECOND}', 'https://y.example', 's');
    insert into webhook_deliveries (endpoint_id, event, payload) values
      ('{FIRST}', 'first', '{{}}'), ('{FIRST}', 'second', '{{}}');
    insert into audit_log (relation, row_key, operation) values
      ('x', 'first', 'INSERT'), ('x', 'second', 'INSERT');
    insert into scheduler_runs (started_at, trigger, host) values
      (now(), 'command', 'first'), (now(), 'command', 'second');
    insert into send_requests (id, scheduler_run_id, handed_over_at) values
      ('{FIRST}', 1, now()), ('{SECOND}', 1, now());
    insert into quarantined_messages (source, problem, payload) values
      ('events', 'first', 'x'), ('inbound', 'second', 'x');
    insert into breaker_counts (campaign_id, sent_on) values
      ('{FIRST}', '2026-03-01'), ('{SECOND}', '2026-03-01');
    insert into account_days (day) values ('2026-03-01'), ('2026-03-02');
    insert into former_addresses (email, contact_id) values
      ('first@customer.example', '{ALICES_CONTACT}'),
      ('second@customer.example', '{CAROLS_CONTACT}');
    insert into invitations (email, full_name) values
      ('first@mpt.example', 'First'), ('second@mpt.example', 'Second');
"""
