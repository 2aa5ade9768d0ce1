"""Projects on their board, and what completing one makes of its contact."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from crm.database.postgres import PostgresDatabase
from crm.records.projects import ProjectDraft
from db_service import DbService, NotAllowedError
from tests import cast
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    published_steps("prospect", 2)
    published_steps("client", 2)


def draft(name: str = "Website", value_cents: int = 1_250_000) -> ProjectDraft:
    return ProjectDraft(name=name, value_cents=value_cents, owner_id=cast.ALICE_ID)


def told(raw: Raw, contact_id: str) -> list[str]:
    rows = raw.execute(
        "select summary from activities where contact_id = %s and kind = 'project' order by id",
        (contact_id,),
    )
    return [row["summary"] for row in rows]


def campaigns(desk: DbService, contact_id: str) -> dict[str, str]:
    return {e.campaign_key: e.status for e in desk.enrollments.of_contact(contact_id)}


def test_a_project_goes_along_the_board_and_the_timeline_tells_it(
    alice: DbService, a_contact: AContact, raw: Raw
) -> None:
    contact = a_contact(contact_type="prospect")
    project = alice.projects.add(contact, draft(), now=NOW)
    later = NOW + timedelta(days=2)
    assert alice.projects.move(project, "proposal", now=later) == "moved"
    assert alice.projects.move(project, "proposal", now=later) == "unchanged"
    assert alice.projects.move(project, "lost", reason="Too dear", now=later) == "moved"
    (shown,) = alice.projects.of_contact(contact)
    assert (shown.stage, shown.lost_reason, shown.stage_changed_at) == ("lost", "Too dear", later)
    assert alice.projects.move(project, "active", now=later) == "moved"
    found = alice.projects.get(project)
    assert found is not None
    assert (found.lost_reason, found.completed_at) == ("", None)
    assert told(raw, contact) == [
        "Project “Website” added: Discovery",
        "Project “Website” moved to Proposal",
        "Project “Website” lost: Too dear",
        "Project “Website” taken up again: Under way",
    ]


def test_completing_makes_a_client_and_starts_client(alice: DbService, a_contact: AContact) -> None:
    contact = a_contact(contact_type="prospect")
    project = alice.projects.add(contact, draft(), now=NOW)
    assert campaigns(alice, contact) == {"prospect": "active"}
    assert alice.projects.move(project, "completed", now=NOW) == "promoted"
    found = alice.contacts.get(contact)
    assert found is not None
    assert found.contact_type == "client"
    assert campaigns(alice, contact) == {"prospect": "stopped", "client": "active"}
    done = alice.projects.get(project)
    assert done is not None
    assert done.completed_at == NOW


def test_completing_twice_does_nothing_twice_and_reopening_takes_nothing_back(
    alice: DbService, a_contact: AContact, raw: Raw
) -> None:
    contact = a_contact(contact_type="lead")
    project = alice.projects.add(contact, draft(), now=NOW)
    assert alice.projects.move(project, "completed", now=NOW) == "promoted"
    assert alice.projects.move(project, "completed", now=NOW) == "unchanged"
    assert alice.projects.move(project, "active", now=NOW) == "moved"
    found = alice.contacts.get(contact)
    assert found is not None
    assert found.contact_type == "client", "promotion only ever goes forward"
    assert alice.projects.move(project, "completed", now=NOW) == "there_already"
    enrolled = raw.execute(
        "select count(*) as n from campaign_enrollments e join drip_campaigns d"
        " on d.id = e.campaign_id where d.key = 'client' and e.contact_id = %s",
        (contact,),
    ).fetchone()
    assert enrolled == {"n": 1}


@pytest.mark.parametrize(
    ("fields", "outcome", "kind", "running"),
    [
        ({"contact_type": "client"}, "there_already", "client", {"client"}),
        ({"contact_type": "partner"}, "further_along", "partner", set()),
        ({"contact_type": "other"}, "promoted", "client", {"client"}),
        ({"contact_type": "lead", "email_status": "unsubscribed"}, "promoted", "client", set()),
        ({"contact_type": "lead", "email": None}, "promoted", "client", set()),
        ({"contact_type": "lead", "archived_at": NOW}, "promoted", "client", set()),
    ],
    ids=["client", "partner", "other", "unsubscribed", "no address", "archived"],
)
def test_who_becomes_what_by_a_completion(
    alice: DbService,
    a_contact: AContact,
    fields: dict[str, object],
    outcome: str,
    kind: str,
    running: set[str],
) -> None:
    contact = a_contact(**fields)
    project = alice.projects.add(contact, draft(), now=NOW)
    assert alice.projects.move(project, "completed", now=NOW) == outcome
    found = alice.contacts.get(contact)
    assert found is not None
    assert found.contact_type == kind
    live = {key for key, status in campaigns(alice, contact).items() if status == "active"}
    assert live == running


def test_a_colleagues_project_stays_where_it_is(
    alice: DbService, carol: DbService, a_contact: AContact
) -> None:
    contact = a_contact(contact_type="lead", owner_id=cast.CAROL_ID)
    project = alice.projects.add(contact, draft(), now=NOW)
    assert carol.projects.move(project, "completed", now=NOW) == "gone"
    assert not carol.projects.change(project, draft("Taken"), now=NOW)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("lead", "not_yours"), ("client", "there_already"), ("partner", "further_along")],
)
def test_completing_for_a_colleagues_contact_leaves_the_contact_to_them(
    alice: DbService,
    carol: DbService,
    bob: DbService,
    a_contact: AContact,
    kind: str,
    outcome: str,
) -> None:
    contact = a_contact(contact_type=kind, owner_id=cast.CAROL_ID, created_by=cast.CAROL_ID)
    project = alice.projects.add(contact, draft(), now=NOW)
    before = campaigns(carol, contact)
    assert alice.projects.move(project, "completed", now=NOW) == outcome
    found, done = alice.contacts.get(contact), alice.projects.get(project)
    assert found is not None
    assert done is not None
    assert (done.stage, found.contact_type) == ("completed", kind)
    assert campaigns(carol, contact) == before
    # An admin who completes it takes the contact along.
    assert bob.projects.move(project, "active", now=NOW) == "moved"
    expected = "promoted" if kind == "lead" else outcome
    assert bob.projects.move(project, "completed", now=NOW) == expected


def test_who_brought_a_contact_in_promotes_it_too(alice: DbService, a_contact: AContact) -> None:
    contact = a_contact(contact_type="lead", owner_id=cast.CAROL_ID, created_by=cast.ALICE_ID)
    project = alice.projects.add(contact, draft(), now=NOW)
    assert alice.projects.move(project, "completed", now=NOW) == "promoted"


def test_strangers_see_no_projects_and_move_none(
    alice: DbService, a_contact: AContact, database: PostgresDatabase
) -> None:
    project = alice.projects.add(a_contact(), draft(), now=NOW)
    charlie = DbService(database.gateway(cast.CHARLIE), cast.CHARLIE)
    assert charlie.projects.get(project) is None
    assert charlie.projects.totals(owner_id=None, since=None) == {}
    with pytest.raises(NotAllowedError):
        charlie.projects.move(project, "lost", now=NOW)
    with pytest.raises(NotAllowedError):
        charlie.projects.add(a_contact(), draft(), now=NOW)


def test_whichever_program_completes_it_the_contact_follows(
    alice: DbService, a_contact: AContact, raw: Raw
) -> None:
    contact = a_contact(contact_type="prospect")
    project = alice.projects.add(contact, draft(), now=NOW)
    raw.execute("update projects set stage = 'completed' where id = %s", (project,))
    found = alice.contacts.get(contact)
    assert found is not None
    assert found.contact_type == "client"


def test_several_completing_at_once_promote_once(
    alice: DbService, a_contact: AContact, database: PostgresDatabase, raw: Raw
) -> None:
    contact = a_contact(contact_type="lead")
    projects = [alice.projects.add(contact, draft(f"P{n}"), now=NOW) for n in range(2)] * 4
    desks = [DbService(database.gateway(cast.ALICE), cast.ALICE) for _ in projects]
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(
            threads.map(
                lambda pair: pair[0].projects.move(pair[1], "completed", now=NOW),
                zip(desks, projects, strict=True),
            )
        )
    assert sorted(outcomes) == ["promoted", "there_already"] + ["unchanged"] * 6
    changed = raw.execute("select count(*) as n from type_changes").fetchone()
    assert changed == {"n": 1}


def test_totals_and_columns_agree_whatever_the_filter(
    alice: DbService, a_contact: AContact, raw: Raw
) -> None:
    contact = a_contact()
    raw.execute(
        "insert into projects (contact_id, name, stage, value_cents, owner_id)"
        " select %s, 'P' || n,"
        " (array['discovery','proposal','active','completed','lost'])[1 + n %% 5],"
        " n * 100, case when n %% 2 = 0 then %s::uuid else %s::uuid end"
        " from generate_series(1, 60) n",
        (contact, cast.ALICE_ID, cast.CAROL_ID),
    )
    raw.execute(
        "update projects set stage_changed_at = %s - value_cents * interval '1 hour'", (NOW,)
    )
    since = NOW - timedelta(days=90)
    for owner_id in (None, cast.ALICE_ID):
        totals = alice.projects.totals(owner_id=owner_id, since=since)
        for stage in ("discovery", "proposal", "active", "completed", "lost"):
            over = stage in {"completed", "lost"}
            shown = alice.projects.in_stage(
                stage, owner_id=owner_id, since=since if over else None, limit=100
            )
            total = totals.get(stage)
            assert (total.projects if total else 0) == len(shown)
            assert (total.value_cents if total else 0) == sum(p.value_cents for p in shown)
            moments = [p.stage_changed_at for p in shown]
            assert moments == sorted(moments, reverse=True)
