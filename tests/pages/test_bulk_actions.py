"""Many contacts at once: what is asked, what is done, who is left alone, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest
from streamlit.testing.v1 import AppTest

from crm.database.errors import DatabaseError, DatabaseUnreachableError
from crm.records.contact_changes import ContactChangeRecords, ContactOutcome
from crm.records.contact_search import ContactSearch
from crm.ui import bulk_job
from db_service import DbService
from tests import cast
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, shown


def _ask(page: AppTest, action: str, ids: Sequence[str] = (), **more: object) -> AppTest:
    """The dialog as the bar opens it."""
    page.session_state["open_dialog"] = ("bulk", {"action": action, "ids": tuple(ids), **more})
    return page.run()


def _go(page: AppTest) -> str:
    return shown(page.button(key="bulk_go").click().run())


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    published_steps("lead", 3)
    published_steps("prospect", 2)


def test_a_type_is_changed_for_many_and_who_has_it_already_is_left_alone(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    leads = [a_contact() for _ in range(3)]
    prospect = a_contact(contact_type="prospect")
    page = _ask(open_page(), "type", [*leads, prospect])
    assert page.button(key="bulk_go").disabled, "nothing is chosen yet"
    page.selectbox(key="bulk_type_chosen").set_value("prospect").run()
    text = _go(page)
    assert "3 contacts were changed." in text
    assert "1 was like that already" in text
    assert all(c.type_label == "Prospect" for c in admin.contact_changes.read(leads))
    page.button(key="bulk_done").click().run()
    assert not [b for b in page.button if b.key == "bulk_done"]


def test_an_owner_and_tags_are_changed(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    contact = a_contact(tags=["old"])
    page = _ask(open_page(), "owner", [contact])
    page.selectbox(key="bulk_owner_chosen").set_value(cast.CAROL_ID).run()
    assert "1 contact was handed over." in _go(page)
    page.button(key="bulk_done").click().run()
    _ask(page, "add_tags", [contact]).multiselect(key="bulk_add_tags").set_value(["vip"]).run()
    assert "1 contact was tagged." in _go(page)
    page.button(key="bulk_done").click().run()
    _ask(page, "remove_tags", [contact]).multiselect(key="bulk_remove_tags").set_value(
        ["old"]
    ).run()
    assert "1 contact lost the tags." in _go(page)
    [changed] = admin.contact_changes.read([contact])
    assert (changed.owner_name, changed.tags) == ("Carol Sales", ("vip",))


def test_enrolling_says_who_was_left_out_and_why(
    open_page: OpenPage, a_contact: AContact, raw: Raw
) -> None:
    running, without = a_contact(), a_contact(email=None)
    free = a_contact()
    raw.execute("delete from campaign_enrollments where contact_id = %s", (free,))
    text = _go(_ask(open_page(), "enroll", [running, without, free]))
    assert "1 contact was enrolled." in text
    assert "1 is in this campaign already" in text
    assert "1 has no e-mail address" in text


def test_pause_resume_and_stop_run_for_all(open_page: OpenPage, a_contact: AContact) -> None:
    contacts = [a_contact(), a_contact(), a_contact(email=None)]
    page = open_page()
    for action, told, left in (
        ("pause", "2 contacts were paused.", "1 has nothing running"),
        ("resume", "2 contacts go on.", "1 has nothing paused"),
        ("stop", "2 contacts were stopped.", "1 has nothing running"),
    ):
        text = _go(_ask(page, action, contacts))
        assert told in text
        assert left in text
        page.button(key="bulk_done").click().run()


def test_archiving_many_is_undone_exactly(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    contacts = [a_contact(), a_contact()]
    admin.contact_changes.change_campaigns(contacts[:1], "pause", now=cast.NOW)
    page = _ask(open_page(), "archive", contacts)
    assert "2 contacts were archived." in _go(page)
    page.button(key="bulk_done").click().run()
    assert "Archived 2 contacts; their campaigns stopped." in shown(page)
    page.button(key="undo_archive").click().run()
    assert "2 contacts taken out of the archive." in shown(page)
    back = admin.contact_changes.read(contacts)
    assert [c.enrollment_status for c in back] == ["paused", "active"]


def test_the_summary_of_an_archiving_offers_the_way_back(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    contact = a_contact()
    page = _ask(open_page(), "archive", [contact])
    _go(page)
    page.button(key="bulk_undo").click().run()
    assert "1 contact is back." in _go(page)
    [back] = admin.contact_changes.read([contact])
    assert (back.archived_at, back.enrollment_status) == (None, "active")


def test_the_archive_gives_back_but_not_who_was_merged(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    keep, drop, archived = a_contact(), a_contact(), a_contact()
    admin.contact_changes.merge(keep, drop, {}, now=cast.NOW)
    admin.contacts.archive([archived], now=cast.NOW)
    text = _go(_ask(open_page(), "unarchive", [drop, archived]))
    assert "1 contact was taken out of the archive." in text
    assert "1 was merged into another contact" in text


def test_all_that_were_found_are_meant_in_parts(
    open_page: OpenPage, a_contact: AContact, admin: DbService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_job, "PART", 2)
    monkeypatch.setattr(bulk_job, "_FOUND_AT_ONCE", 3)
    contacts = [a_contact(first_name="Ada") for _ in range(7)]
    others = [a_contact(first_name="Bea") for _ in range(2)]
    page = _ask(open_page(), "add_tags", search=ContactSearch(text="ada"))
    page.multiselect(key="bulk_add_tags").set_value(["x"]).run()
    assert page.button(key="bulk_go").label == "Tag 7 contacts"
    assert "7 contacts were tagged." in _go(page)
    assert {c.tags for c in admin.contact_changes.read(contacts)} == {("x",)}
    assert {c.tags for c in admin.contact_changes.read(others)} == {()}


def test_more_than_the_most_are_done_in_turns_and_it_says_so(
    open_page: OpenPage, a_contact: AContact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_job, "MOST_CONTACTS", 3)
    monkeypatch.setattr(bulk_job, "_FOUND_AT_ONCE", 2)
    for _ in range(5):
        a_contact()
    page = _ask(open_page(), "archive", search=ContactSearch())
    assert page.button(key="bulk_go").label == "Archive the newest 3 contacts found"
    text = _go(page)
    assert "3 contacts were archived." in text
    assert "At most 3 are changed at once." in text


def test_a_part_that_fails_is_told_and_the_others_go_on(
    open_page: OpenPage, a_contact: AContact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_job, "PART", 1)
    contacts = [a_contact() for _ in range(3)]
    _break_for(monkeypatch, contacts[1], DatabaseError("It broke."))
    text = _go(_ask(open_page(), "archive", contacts))
    assert "2 contacts were archived." in text
    assert "1: It broke." in text


def test_where_nobody_answers_the_rest_is_left_as_it_was(
    open_page: OpenPage, a_contact: AContact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_job, "PART", 1)
    contacts = [a_contact() for _ in range(4)]
    _break_for(monkeypatch, contacts[1], DatabaseUnreachableError("away"))
    text = _go(_ask(open_page(), "archive", contacts))
    assert "1 contact was archived." in text
    assert "The database does not answer" in text
    assert "before the other 2 contacts" in text


def _break_for(monkeypatch: pytest.MonkeyPatch, contact: str, error: DatabaseError) -> None:
    whole = ContactChangeRecords.change

    def change(
        records: ContactChangeRecords,
        ids: Sequence[str],
        changes: dict[str, object],
        *,
        now: datetime,
    ) -> list[ContactOutcome]:
        if contact in ids:
            raise error
        return whole(records, ids, changes, now=now)

    monkeypatch.setattr(ContactChangeRecords, "change", change)


def test_a_job_that_was_left_halfway_keeps_what_is_done(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    contacts = [a_contact() for _ in range(4)]
    moment = cast.NOW
    job = bulk_job.Job(
        "archive",
        lambda ids, now: admin.contact_changes.change(ids, {"archived": True}, now=now),
        moment,
        ids=contacts,
    )
    assert list(bulk_job.find(job)) == []
    job.ids, whole = contacts[:2], contacts
    assert list(bulk_job.go_on(job, succeeded=frozenset({"changed"}))) == [1.0]
    job.ids = whole
    bulk_job.stop(job)
    page = open_page()
    page.session_state["bulk_job"] = job
    text = shown(_ask(page, "archive", contacts))
    assert "2 contacts were archived." in text
    assert "before the other 2 contacts" in text


def test_export_offers_both_kinds_of_file(open_page: OpenPage, a_contact: AContact) -> None:
    page = _ask(open_page(), "export", [a_contact(), a_contact()])
    assert "2 contacts are in the file." in _go(page)
    offered = [str(b.proto) for b in page.get("download_button")]
    assert ["Download CSV" in offered[0], "Download Excel" in offered[1]] == [True, True]


def test_the_bar_offers_all_that_were_found_and_goes_back(
    open_page: OpenPage, a_contact: AContact
) -> None:
    for _ in range(3):
        a_contact()
    page = open_page()
    _select(page, 0)
    assert "**1 selected**" in shown(page)
    page.button(key="bulk_everybody").click()
    _select(page, 0)
    assert "All 3 found are selected" in shown(page)
    page.button(key="bulk_archive").click()
    _select(page, 0)
    assert page.button(key="bulk_go").label == "Archive 3 contacts"


def _select(page: AppTest, *rows: int) -> None:
    [table] = [t for t in page.dataframe if str(t.key).startswith("contacts_")]
    page.session_state[str(table.key)] = {"selection": {"rows": list(rows), "columns": []}}
    page.run()
