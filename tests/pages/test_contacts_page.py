"""The contacts page as people use it: list, form, contact, and what goes wrong."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

import db_service
from crm.settings import Settings
from crm.ui import session
from db_service import DbService
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, RunScheduler, shown

CODES = re.compile(
    r"\bNone\b|\bnan\b|type_changed|paused_by_user|\d{4}-\d\d-\d\dT|[0-9a-f]{8}-[0-9a-f]{4}-"
)


def test_an_empty_crm_says_what_to_do_first(open_page: OpenPage) -> None:
    page = open_page()
    assert "No contacts yet." in shown(page)
    assert page.button(key="add_first").label == "Add contact"


def test_the_list_speaks_in_words(
    open_page: OpenPage, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2)
    a_contact(first_name="Ada", last_name="Byron", email="ada@example.com")
    a_contact(first_name="Bea", last_name="", email=None, company_name="")
    text = shown(open_page())
    assert "2 contacts" in text
    assert "Ada Byron" in text
    assert "Lead, due now" in text
    assert "No address" in text
    assert not CODES.search(text)


def test_search_and_filters_narrow_the_list_and_can_be_cleared(
    open_page: OpenPage, a_contact: AContact
) -> None:
    a_contact(first_name="Ada", contact_type="lead")
    a_contact(first_name="Bea", contact_type="client")
    page = open_page()
    page.text_input(key="q").set_value("ada").run()
    assert "1 contact found" in shown(page)
    page.multiselect(key="type").set_value(["client"]).run()
    assert "Nobody fits these filters" in shown(page)
    page.button(key="clear_filters").click().run()
    assert "2 contacts" in shown(page)


def test_filters_come_from_the_address_line(open_page: OpenPage, a_contact: AContact) -> None:
    a_contact(first_name="Ada")
    a_contact(first_name="Bea")
    assert "1 contact found" in shown(open_page(q="bea"))


def test_twenty_five_a_page_and_back(open_page: OpenPage, a_contact: AContact) -> None:
    for number in range(26):
        a_contact(first_name=f"N{number}")
    page = open_page()
    assert "1–25 of 26" in shown(page)
    assert page.button(key="page_back").disabled
    page.button(key="page_on").click().run()
    assert "26–26 of 26" in shown(page)
    assert page.button(key="page_on").disabled
    page.button(key="page_back").click().run()
    assert "1–25 of 26" in shown(page)


def test_an_added_contact_is_enrolled_and_opened(
    open_page: OpenPage, published_steps: PublishedSteps, admin: DbService
) -> None:
    published_steps("lead", 6)
    page = open_page()
    page.button(key="add_contact").click().run()
    page.text_input(key="form_first_name").set_value("Ada")
    page.text_input(key="form_email").set_value("ADA@example.com")
    page.selectbox(key="form_type").set_value("lead")
    page.button(key="form_add").click().run()
    text = shown(page)
    assert "Ada was added. Lead starts." in text
    assert [title.value for title in page.title] == ["Ada"]
    added = admin.contacts.by_email("ada@example.com")
    assert added is not None
    assert (added.campaign_name, added.owner_name) == ("Lead", "Morgan Local")


def test_a_wrong_address_is_told_at_its_field_and_nothing_is_stored(
    open_page: OpenPage, admin: DbService
) -> None:
    page = open_page()
    page.button(key="add_contact").click().run()
    page.text_input(key="form_email").set_value("ada@@example")
    page.button(key="form_add").click().run()
    assert ":red[" in shown(page)
    assert admin.contacts.count() == 0


def test_an_address_that_is_taken_is_told_at_its_field(
    open_page: OpenPage, a_contact: AContact
) -> None:
    a_contact(email="ada@example.com")
    page = open_page()
    page.button(key="add_contact").click().run()
    page.text_input(key="form_email").set_value("ada@example.com")
    page.button(key="form_add").click().run()
    assert "has this e-mail address already." in shown(page)


def test_editing_keeps_what_was_not_touched(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    contact = a_contact(
        first_name="Ada", phone="+12125550142", tags=["vip"], time_zone="Asia/Tokyo"
    )
    page = open_page(contact=contact)
    page.button(key="edit").click().run()
    page.text_input(key="form_company_name").set_value("Analytical Engines")
    page.button(key="form_save").click().run()
    changed = admin.contacts.get(contact)
    assert changed is not None
    assert changed.company_name == "Analytical Engines"
    assert (changed.phone, changed.tags, changed.time_zone) == (
        "+12125550142",
        ("vip",),
        "Asia/Tokyo",
    )
    assert "Saved." in shown(page)


def test_the_contact_shows_how_far_along_it_is_and_the_next_email(
    open_page: OpenPage,
    a_contact: AContact,
    published_steps: PublishedSteps,
    run_scheduler: RunScheduler,
) -> None:
    published_steps("lead", 3)
    contact = a_contact(first_name="Ada")
    run_scheduler()
    page = open_page(contact=contact)
    text = shown(page).replace("\\", "")
    assert "“Lead e-mail 2”" in text
    assert "E-mail sent: lead 1" in text
    assert not CODES.search(text)
    _click(page, "Preview next e-mail")
    assert "**lead 2**" in shown(page)


def test_the_contact_answers_why_an_email_went_or_did_not(
    open_page: OpenPage, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 2)
    page = open_page(contact=a_contact())
    assert "Why did (or didn’t) an e-mail go? · Lead" in [e.label for e in page.expander]


def test_a_type_change_says_what_will_happen_and_does_it(
    open_page: OpenPage, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 3)
    published_steps("prospect", 3)
    page = open_page(contact=a_contact(contact_type="lead"))
    page.button(key="change_type").click().run()
    page.selectbox(key="new_type").set_value("prospect").run()
    assert "**Lead** stops. **Prospect** starts." in shown(page)
    page.button(key="confirm_type").click().run()
    text = shown(page)
    assert "Type changed from Lead to Prospect" in text
    assert "Lead stopped: the contact type changed" in text
    assert "Enrolled in Prospect" in text


def test_pause_resume_stop_and_restart_an_enrollment(
    open_page: OpenPage, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 3)
    page = open_page(contact=a_contact())
    _click(page, "Pause")
    assert "Lead paused." in shown(page)
    _click(page, "Resume")
    assert "Lead resumed." in shown(page)
    _click(page, "Stop it")
    assert "No campaign runs." in shown(page)
    _click(page, "Restart it")
    assert "Restarted in Lead" in shown(page)


def test_enroll_by_type_and_stop_all(
    open_page: OpenPage, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    contact = a_contact()
    published_steps("lead", 3)
    published_steps("networking", 1)
    page = open_page(contact=contact)
    page.button(key="enroll_type").click().run()
    assert "1 contact was enrolled." in shown(page)
    page.button(key="enroll_type").click().run()
    assert "1 contact is in this campaign already." in shown(page)
    assert "stop_all_sure" not in {button.key for button in page.button}, "one has its own Stop"
    _click(page, "Pause")
    page.button(key="enroll_networking").click().run()
    page.button(key="stop_all_sure").click().run()
    assert "2 campaign enrollments stopped." in shown(page)


def test_archiving_can_be_undone_and_the_campaign_goes_on(
    open_page: OpenPage, a_contact: AContact, published_steps: PublishedSteps, admin: DbService
) -> None:
    published_steps("lead", 3)
    contact = a_contact()
    page = open_page(contact=contact)
    page.menu_button(key="contact_more").click("Archive").run()
    assert "Archived 1 contact; their campaigns stopped." in shown(page)
    page.button(key="undo_archive").click().run()
    back = admin.contacts.get(contact)
    assert back is not None
    assert (back.archived_at, back.enrollment_status) == (None, "active")


def test_a_note_goes_to_the_timeline_with_its_author(
    open_page: OpenPage, a_contact: AContact
) -> None:
    page = open_page(contact=a_contact())
    page.text_area(key="note_text").set_value("Called; <b>likes</b> tea")
    page.button(key="add_note").click().run()
    text = shown(page)
    assert "Called; &lt;b&gt;likes&lt;/b&gt; tea" in text
    assert "Morgan Local" in text


@pytest.mark.parametrize("contact", ["nonsense", "00000000-0000-0000-0000-0000000000ff"])
def test_an_address_line_that_names_nobody_says_so(open_page: OpenPage, contact: str) -> None:
    assert "This contact is not there any more." in shown(open_page(contact=contact))


def test_an_unreachable_database_gives_a_calm_page_and_a_retry(
    open_page: OpenPage, a_contact: AContact, settings: Settings
) -> None:
    a_contact(first_name="Ada")
    page = open_page()
    direct = db_service.connect().direct
    assert direct
    direct.close()
    page.run()
    text = shown(page)
    assert "The database does not answer" in text
    assert "Contacts" not in text
    db_service.disconnect()
    db_service.connect(settings)
    page.button(key="try_again").click().run()
    assert "1 contact" in shown(page)


def test_a_local_admin_who_was_switched_off_reads_so_and_comes_back(
    open_page: OpenPage, raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page()
    raw.execute("update profiles set active = false where full_name = 'Morgan Local'")
    moment = session.now() + session.READ_AGAIN_AFTER
    monkeypatch.setattr(session, "now", lambda: moment)
    text = shown(page.run())
    assert "The local admin was switched off meanwhile." in text
    assert "Contacts" not in text
    assert "Contacts" in shown(page.button(key="try_again").click().run())


def _click(page: AppTest, label: str) -> AppTest:
    """The first button with this label: for keys that carry an id."""
    labels = [button.label for button in page.button]
    return page.button[labels.index(label)].click().run()
