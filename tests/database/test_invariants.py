"""The seven invariants the database itself holds: each attacked with raw SQL as the superuser.

Row-level security does not apply to a superuser, so what refuses here are constraints and triggers.
"""

from typing import Any

import pytest
from psycopg import errors

from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, one, refused, values


@pytest.fixture
def sent(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps, raw: Raw
) -> dict[str, Any]:
    """An accepted e-mail, first of two, to one contact."""
    published_steps("lead", 2)
    a_contact()
    SlowScheduler(service).send_all(next_step=2)
    return one(raw, "select * from email_sends")


# 1. One e-mail at most per (contact, campaign, step, run); `run` grows only by an explicit restart.

_COPY_OF_SEND = """
    insert into email_sends
      (contact_id, enrollment_id, campaign_id, step, run, template_id, to_email, claimed_at)
    select contact_id, enrollment_id, campaign_id, step + %s, run + %s, template_id, to_email,
           claimed_at
    from email_sends where id = %s"""


def test_a_second_e_mail_of_the_same_step_and_run_is_refused(
    raw: Raw, sent: dict[str, Any]
) -> None:
    with pytest.raises(errors.UniqueViolation, match="one_email_a_step_and_run"):
        raw.execute(_COPY_OF_SEND, (0, 0, sent["id"]))
    raw.execute(_COPY_OF_SEND, (1, 0, sent["id"]))  # another step is another e-mail


@pytest.mark.parametrize("column", ["step", "run"])
def test_a_sent_e_mail_cannot_be_renumbered_to_make_room(
    raw: Raw, sent: dict[str, Any], column: str
) -> None:
    refused(raw, "MP005", f"update email_sends set {column} = {column} + 1")


@pytest.mark.parametrize("status", ["claimed", "handed_over", "failed", "retry", "unconfirmed"])
@pytest.mark.parametrize("was", ["accepted", "delivered", "bounced", "dropped"])
def test_an_accepted_e_mail_never_becomes_one_to_send(
    raw: Raw, sent: dict[str, Any], was: str, status: str
) -> None:
    raw.execute("update email_sends set status = %s", (was,))
    refused(raw, "MP005", "update email_sends set status = %s", status)


def _insert_enrollment(**fields: Any) -> tuple[str, list[Any]]:
    row = {"status": "stopped", "ended_at": NOW} | fields
    return (
        f"insert into campaign_enrollments ({', '.join(row)})"
        f" values ({', '.join(['%s'] * len(row))})",
        list(row.values()),
    )


def test_the_run_grows_by_a_restart_and_no_other_way(
    raw: Raw, sent: dict[str, Any], a_contact: AContact, service: DbService
) -> None:
    own = {"contact_id": sent["contact_id"], "campaign_id": sent["campaign_id"]}
    stranger = values(
        raw, "select id from campaign_enrollments where contact_id = %s", a_contact()
    )[0]
    attempts: list[dict[str, Any]] = [
        own | {"run": 2},
        own | {"run": 7, "restarted_from": sent["enrollment_id"]},
        own | {"run": 1, "restarted_from": sent["enrollment_id"]},
        own | {"run": 2, "restarted_from": stranger},
        own | {"run": 9, "restarted_from": stranger},
    ]
    for attempt in attempts:
        query, parameters = _insert_enrollment(**attempt)
        refused(raw, "MP004", query, *parameters)
    query, parameters = _insert_enrollment(**own, run=1)
    raw.execute(query, parameters)
    service.enrollments.restart(str(sent["enrollment_id"]), now=NOW)
    assert values(
        raw, "select max(run) from campaign_enrollments where contact_id = %s", own["contact_id"]
    ) == [2]


def test_two_rows_of_one_statement_cannot_vouch_for_each_others_run(
    raw: Raw, sent: dict[str, Any], a_contact: AContact
) -> None:
    newcomer = a_contact(contact_type="other")
    refused(
        raw,
        "MP004",
        "insert into campaign_enrollments (contact_id, campaign_id, run, status, ended_at)"
        " select %s, %s, 7, 'stopped', now() from generate_series(1, 2)",
        newcomer,
        sent["campaign_id"],
    )


@pytest.mark.parametrize(
    "change",
    ["run = run + 1", "contact_id = gen_random_uuid()", "campaign_id = gen_random_uuid()"],
)
def test_an_enrollment_keeps_its_contact_campaign_and_run(
    raw: Raw, sent: dict[str, Any], change: str
) -> None:
    refused(raw, "MP004", f"update campaign_enrollments set {change}")


# 2. One live enrollment per (contact, campaign); one active type campaign per contact.


@pytest.mark.parametrize("status", ["active", "paused"])
def test_a_second_live_enrollment_in_a_campaign_is_refused(
    raw: Raw, sent: dict[str, Any], status: str
) -> None:
    raw.execute("update campaign_enrollments set status = 'paused'")
    with pytest.raises(errors.UniqueViolation, match="one_live_enrollment_a_campaign"):
        raw.execute(
            "insert into campaign_enrollments (contact_id, campaign_id, status)"
            " values (%s, %s, %s)",
            (sent["contact_id"], sent["campaign_id"], status),
        )


def test_a_second_active_type_campaign_is_refused_and_another_kind_is_not(
    raw: Raw, sent: dict[str, Any]
) -> None:
    query = (
        "insert into campaign_enrollments (contact_id, campaign_id, is_type_campaign)"
        " select %s, id, is_type_campaign from drip_campaigns where key = 'client'"
    )
    with pytest.raises(errors.UniqueViolation, match="one_active_type_campaign"):
        raw.execute(query, (sent["contact_id"],))
    raw.execute("update drip_campaigns set is_type_campaign = false where key = 'client'")
    raw.execute(query, (sent["contact_id"],))


def test_an_enrollment_cannot_pretend_not_to_be_of_a_type_campaign(
    raw: Raw, sent: dict[str, Any]
) -> None:
    with pytest.raises(errors.ForeignKeyViolation):
        raw.execute(
            "insert into campaign_enrollments (contact_id, campaign_id, is_type_campaign)"
            " select %s, id, false from drip_campaigns where key = 'client'",
            (sent["contact_id"],),
        )


# 3. A published template version never changes; a send keeps its version and its merge values.


@pytest.mark.parametrize("status", ["published", "retired"])
@pytest.mark.parametrize(
    "change",
    [
        "subject = 'x'",
        "body = 'x'",
        "compiled = '{}'",
        "delay_days = 99",
        "version = 9",
        "content_hash = 'x'",
        "status = 'draft'",
        "published_at = null",
    ],
)
def test_a_published_version_never_changes(
    raw: Raw, sent: dict[str, Any], status: str, change: str
) -> None:
    raw.execute("update drip_campaign_templates set status = %s where step = 1", (status,))
    refused(raw, "MP003", f"update drip_campaign_templates set {change} where step = 1")


def test_a_published_version_may_move_and_retire(raw: Raw, sent: dict[str, Any]) -> None:
    raw.execute(
        "update drip_campaign_templates set position = 9, status = 'retired' where step = 1"
    )


def test_a_version_that_was_sent_cannot_be_deleted(raw: Raw, sent: dict[str, Any]) -> None:
    refused(raw, "MP003", "delete from drip_campaign_templates where step = 1")
    raw.execute("delete from drip_campaign_templates where step = 2")


@pytest.mark.parametrize(
    "change",
    [
        "template_id = gen_random_uuid()",
        "merge_values = '[\"forged\"]'",
        "merge_values = null",
        "to_email = 'other@customer.example'",
        "contact_id = gen_random_uuid()",
        "campaign_id = gen_random_uuid()",
    ],
)
@pytest.mark.parametrize("status", ["handed_over", "accepted", "unconfirmed"])
def test_a_send_keeps_what_was_sent(
    raw: Raw,
    service: DbService,
    a_contact: AContact,
    published_steps: PublishedSteps,
    status: str,
    change: str,
) -> None:
    published_steps("lead", 1)
    a_contact()
    scheduler = SlowScheduler(service)
    send = scheduler.claim()[0].send_id
    scheduler.hand_over([send])
    raw.execute("update email_sends set status = %s", (status,))
    refused(raw, "MP005", f"update email_sends set {change}")
    content = service.sends.content(send)
    assert content is not None
    assert list(content.merge_values) == ["value"]


# 4. No claim for a contact that may not be written to: tests/database/test_claim.py. Suppressions
#    outlive the contact and block its return.


def test_a_suppression_outlives_its_contact_and_meets_it_on_return(
    raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    contact = a_contact(email="gone@customer.example")
    raw.execute("update contacts set email_status = 'unsubscribed' where id = %s", (contact,))
    raw.execute("delete from contacts where id = %s", (contact,))
    assert values(raw, "select reason from suppressions") == ["unsubscribed"]
    back = a_contact(email="gone@customer.example")
    assert values(raw, "select email_status from contacts where id = %s", back) == ["unsubscribed"]
    assert values(raw, "select count(*) from campaign_enrollments") == [0]


def test_a_contact_added_as_stopped_is_remembered_beyond_its_row(
    raw: Raw, a_contact: AContact
) -> None:
    a_contact(email="never@customer.example", email_status="complained")
    raw.execute("delete from contacts")
    assert values(raw, "select reason from suppressions") == ["complaint"]


def test_a_suppressed_address_cannot_be_set_to_ok(raw: Raw, a_contact: AContact) -> None:
    contact = a_contact()
    raw.execute("update contacts set email_status = 'unsubscribed' where id = %s", (contact,))
    raw.execute("update contacts set email_status = 'ok' where id = %s", (contact,))
    assert values(raw, "select email_status from contacts") == ["unsubscribed"]
    raw.execute(
        "update contacts set email_status = 'ok', email = 'other@customer.example' where id = %s",
        (contact,),
    )
    assert values(raw, "select email_status from contacts") == ["unsubscribed"], "the person asked"


@pytest.mark.parametrize("email", ["Upper@customer.example", " spaced@customer.example"])
def test_an_address_that_is_not_normalised_is_refused(
    raw: Raw, a_contact: AContact, email: str
) -> None:
    """Otherwise it would slip past its own suppression."""
    with pytest.raises(errors.CheckViolation):
        a_contact(email=email)
    with pytest.raises(errors.CheckViolation):
        raw.execute("insert into suppressions (email, reason) values (%s, 'manual')", (email,))


# 5. Stops by whichever program: tests/database/test_enrollment_rules.py.
# 6. Events once, and never backwards: tests/database/test_email_events.py.
# 7. Append-only tables: tests/database/test_append_only.py.
