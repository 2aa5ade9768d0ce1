"""import_contacts: every row of a file gets its outcome; the same file again changes nothing."""

from dataclasses import asdict
from typing import Any, Literal

import pytest

from crm.imports.contact_rows import CleanContact
from db_service import DbService, NotAllowedError
from tests.cast import ALICE_ID, CAROL_ID, NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import live, one, values


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    published_steps("lead", 1)


def _row(number: int, **fields: Any) -> dict[str, Any]:
    contact = CleanContact(
        row_number=number,
        first_name="Ada",
        last_name=f"Row {number}",
        email=f"row{number}@customer.example",
        phone="",
        company_name="Customer Ltd",
        job_title="",
        industry="",
        contact_type="lead",
        owner_name="",
        city="",
        state="",
        country="",
        time_zone=None,
        opted_out=False,
        profile_url="",
        website="",
        tags=(),
        notes="",
    )
    return asdict(contact) | fields


def _store(
    desk: DbService,
    *rows: dict[str, Any],
    on_duplicate: Literal["update", "skip"] = "update",
    enroll: bool = True,
) -> dict[int, str]:
    answers = desk.contact_imports.store(
        rows, source="HubSpot", on_duplicate=on_duplicate, enroll=enroll, now=NOW
    )
    return {a.row_number: a.outcome for a in answers}


def test_new_people_are_imported_and_enrolled(raw: Raw, service: DbService) -> None:
    assert _store(service, _row(1), _row(2)) == {1: "imported", 2: "imported"}
    assert values(raw, "select source from campaign_enrollments") == ["import", "import"]
    assert "Imported from HubSpot" in values(raw, "select summary from activities")


def test_without_enroll_nobody_is_enrolled(raw: Raw, service: DbService) -> None:
    assert _store(service, _row(1), enroll=False) == {1: "imported"}
    assert values(raw, "select count(*) from campaign_enrollments") == [0]


def test_importing_again_changes_nothing(raw: Raw, service: DbService) -> None:
    rows = [
        _row(1, tags=("b", "a"), notes="Hello"),
        _row(2, email=None),
        _row(3, opted_out=True),
        _row(4, email=None, opted_out=True),
    ]
    _store(service, *rows)
    tables = ("contacts", "suppressions", "campaign_enrollments", "activities")
    before = [raw.execute(f"select * from {t} order by id").fetchall() for t in tables]
    again = _store(service, *rows)
    assert set(again.values()) == {"unchanged"}
    assert [raw.execute(f"select * from {t} order by id").fetchall() for t in tables] == before


def test_known_people_are_updated_with_what_the_file_knows_better(
    raw: Raw, service: DbService
) -> None:
    _store(service, _row(1, phone="+1 555 0100", job_title="CTO", tags=("a",), notes="First"))
    newer = _row(1, phone="", job_title="CEO", tags=("b",), notes="Second")
    assert _store(service, newer) == {1: "updated"}
    row = one(raw, "select phone, job_title, tags, notes from contacts")
    assert (row["phone"], row["job_title"]) == ("+1 555 0100", "CEO")
    assert row["tags"] == ["a", "b"]
    assert row["notes"] == "First", "notes are not overwritten by a file"


def test_known_people_are_skipped_on_request(raw: Raw, service: DbService) -> None:
    _store(service, _row(1))
    assert _store(service, _row(1, job_title="CEO"), on_duplicate="skip") == {1: "skipped"}
    assert values(raw, "select job_title from contacts") == [""]


def test_opted_out_people_become_suppressions_and_are_never_enrolled(
    raw: Raw, service: DbService
) -> None:
    assert _store(service, _row(1, opted_out=True)) == {1: "suppressed"}
    suppression = one(raw, "select email, reason, source from suppressions")
    assert tuple(suppression.values()) == ("row1@customer.example", "opted_out", "import")
    assert values(raw, "select email_status from contacts") == ["unsubscribed"]
    assert values(raw, "select count(*) from campaign_enrollments") == [0]


def test_a_known_contact_who_opted_out_is_stopped(
    raw: Raw, service: DbService, a_contact: AContact
) -> None:
    contact = a_contact(email="row1@customer.example")
    assert live(raw, contact) == [("lead", "active")]
    assert _store(service, _row(1, opted_out=True)) == {1: "suppressed"}
    assert live(raw, contact) == []


def test_a_suppressed_address_does_not_come_back_through_a_file(
    raw: Raw, service: DbService
) -> None:
    raw.execute(
        "insert into suppressions (email, reason) values ('row1@customer.example', 'complaint')"
    )
    assert _store(service, _row(1)) == {1: "suppressed"}
    assert values(raw, "select email_status from contacts") == ["complained"]
    assert values(raw, "select count(*) from campaign_enrollments") == [0]


def test_an_archived_contact_stays_archived_and_untouched(
    raw: Raw, service: DbService, a_contact: AContact
) -> None:
    contact = a_contact(email="row1@customer.example", archived_at=NOW)
    before = one(raw, "select * from contacts")
    assert _store(service, _row(1, job_title="CEO")) == {1: "archived"}
    assert one(raw, "select * from contacts") == before
    assert live(raw, contact) == []


def test_people_without_an_address_are_matched_by_name_and_company(
    raw: Raw, service: DbService
) -> None:
    person = {"email": None, "first_name": "Ada", "last_name": "Byron"}
    assert _store(service, _row(1, **person)) == {1: "imported"}
    shouted = person | {"last_name": "BYRON", "phone": "+44 20 7946 0000"}
    assert _store(service, _row(2, **shouted)) == {2: "updated"}
    assert _store(service, _row(3, **person, company_name="Elsewhere")) == {3: "imported"}
    assert values(raw, "select count(*) from contacts") == [2]


@pytest.mark.parametrize("email", ["twice@customer.example", None])
def test_a_person_who_stands_in_the_file_twice_is_added_once(
    raw: Raw, service: DbService, email: str | None
) -> None:
    twice = {"email": email, "last_name": "Twice"}
    outcomes = _store(service, _row(1, **twice), _row(2, **twice), _row(3, **twice, phone="+1 5"))
    assert outcomes[1] == "imported"
    assert {outcomes[2], outcomes[3]} <= {"unchanged", "updated"}
    assert values(raw, "select count(*) from contacts") == [1]


def test_a_person_listed_twice_and_opted_out_once_is_suppressed(
    raw: Raw, service: DbService
) -> None:
    twice = {"email": "twice@customer.example"}
    outcomes = _store(service, _row(1, **twice), _row(2, **twice, opted_out=True))
    assert outcomes == {1: "suppressed", 2: "suppressed"}
    assert values(raw, "select count(*) from campaign_enrollments") == [0]


@pytest.mark.parametrize(
    "text", ["=1+1", "@SUM(A1)", "<b>x</b>", "{{ 7*7 }}", "'; drop table x --"]
)
def test_formulas_and_markup_are_stored_as_text(raw: Raw, service: DbService, text: str) -> None:
    _store(service, _row(1, first_name=text, company_name=text, notes=text))
    row = one(raw, "select first_name, company_name, notes from contacts")
    assert set(row.values()) == {text}


def test_the_owner_is_found_by_name_and_is_else_the_one_who_imports(
    raw: Raw, alice: DbService
) -> None:
    _store(alice, _row(1, owner_name="carol SALES"), _row(2, owner_name="Nobody"))
    owners = values(raw, "select owner_id::text from contacts order by email")
    assert owners == [CAROL_ID, ALICE_ID]


def test_sales_people_update_and_enroll_only_their_own(
    raw: Raw, alice: DbService, a_contact: AContact
) -> None:
    others = a_contact(email="row1@customer.example", owner_id=CAROL_ID, contact_type="other")
    raw.execute("set session_replication_role = replica")
    raw.execute("update contacts set contact_type = 'lead'")
    assert _store(alice, _row(1, job_title="CEO")) == {1: "unchanged"}
    assert values(raw, "select job_title from contacts") == [""]
    assert live(raw, others) == []


def test_outsiders_import_nothing(raw: Raw, charlie: DbService) -> None:
    with pytest.raises(NotAllowedError):
        _store(charlie, _row(1))
    assert values(raw, "select count(*) from contacts") == [0]


def test_the_outcomes_of_a_large_chunk_add_up(raw: Raw, service: DbService) -> None:
    rows = [_row(n, opted_out=n % 10 == 0) for n in range(1, 2001)]
    outcomes = _store(service, *rows)
    assert len(outcomes) == 2000
    assert sorted(set(outcomes.values())) == ["imported", "suppressed"]
    assert values(raw, "select count(*) from contacts") == [2000]
    assert values(raw, "select count(*) from campaign_enrollments") == [1800]


def test_two_chunks_of_one_connection_do_not_disturb_each_other(service: DbService) -> None:
    assert _store(service, _row(1)) == {1: "imported"}
    assert _store(service, _row(2), enroll=False) == {2: "imported"}
    assert _store(service, _row(3)) == {3: "imported"}


def test_known_addresses_are_told_for_the_preview(service: DbService, a_contact: AContact) -> None:
    a_contact(email="known@customer.example")
    asked = ["known@customer.example", *(f"n{n}@customer.example" for n in range(250))]
    assert service.contact_imports.known_addresses(asked) == {"known@customer.example"}
