"""Working with contacts in both roles: many at once, and one on its own page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from crm.records.contacts import ContactDraft
from tests.browser import steps
from tests.browser.team_site import TeamSite

pytestmark = pytest.mark.browser

SUBJECT = {"colleague": "alice", "chief": "bob"}
NAME = {"alice": "Alice Sales", "bob": "Bob"}
OTHER = {"alice": "bob", "bob": "alice"}


def _add(site: TeamSite, owner: str, draft: ContactDraft) -> str:
    with site.acting_as(owner) as db:
        return db.contacts.add(
            replace(draft, owner_id=site.id_of(owner)),
            created_by=site.id_of(owner),
            now=datetime.now(UTC),
        )


def _open(page: Page, contact_id: str, name: str) -> None:
    page.goto(f"/contacts?contact={contact_id}")
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def _do(page: Page, dialog: Locator, told: str, *, left_alone: str = "") -> None:
    steps.bulk_go(dialog, told)
    if left_alone:
        expect(dialog.get_by_text(left_alone)).to_be_visible()
    steps.bulk_done(page, dialog)


def _select_all(page: Page, number: int) -> None:
    page.get_by_role("button", name=f"Select all {number} found").click()
    expect(page.get_by_text(f"All {number} found are selected")).to_be_visible()


def _show(page: Page, which: str) -> None:
    """Of the contacts in use or of those in the archive."""
    steps.at_rest(page)
    page.locator(".st-key-more_filters button").first.click()
    steps.choose(page, page.get_by_test_id("stPopoverBody"), "Show", which)
    page.keyboard.press("Escape")


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_many_lose_a_tag_go_to_the_archive_and_back_and_to_another_owner(
    person: str, request: pytest.FixtureRequest, team_site: TeamSite
) -> None:
    page: Page = request.getfixturevalue(person)
    me = SUBJECT[person]
    company, tag = f"Relayworks {me}", f"relay of {me}"
    for number in range(4):
        draft = ContactDraft(
            first_name=f"R{number}",
            last_name=me,
            email=f"r{number}@{me}-relay.example",
            company_name=company,
            contact_type="partner",
            tags=(tag,),
        )
        _add(team_site, OTHER[me] if number == 0 else me, draft)
    # An admin changes everybody's contacts, a colleague only their own.
    many, other = (4, "") if person == "chief" else (3, "1 belongs to a colleague")
    table = page.get_by_test_id("stDataFrame")

    page.goto(f"/contacts?q={company.replace(' ', '+')}")
    _select_all(page, 4)
    dialog = steps.open_bulk(page, "Remove tags")
    steps.choose(page, dialog, "Tags to remove", tag)
    page.keyboard.press("Tab")  # away from the list of tags, which lies over the button
    _do(page, dialog, f"{many} contacts lost the tags.", left_alone=other)

    _do(page, steps.open_bulk(page, "Archive"), f"{many} contacts were archived.", left_alone=other)
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".st-key-undo_bar")).to_be_hidden()
    _show(page, "Archived")
    expect(page.get_by_text(f"{many} archived contacts found")).to_be_visible()
    _select_all(page, many)
    dialog = steps.open_bulk(page, "Take out of the archive")
    _do(page, dialog, f"{many} contacts were taken out of the archive.")
    _show(page, "In use")
    expect(page.get_by_text("4 contacts found", exact=True)).to_be_visible()

    # In the end the others have all of them.
    _select_all(page, 4)
    dialog = steps.open_bulk(page, "Change owner")
    expect(dialog.get_by_role("button", name="Hand over 4 contacts")).to_be_disabled()
    steps.choose(page, dialog, "New owner", NAME[OTHER[me]])
    _do(page, dialog, "3 contacts were handed over.", left_alone=other or "1 was like that already")
    steps.expect_cell(table, NAME[OTHER[me]])
    cells = table.locator("[data-testid^=glide-cell]")
    expect(cells.filter(has_text=re.compile(f"^{NAME[me]}$"))).to_have_count(0)
    with team_site.acting_as("bob") as db:
        for number in range(4):
            contact = db.contacts.by_email(f"r{number}@{me}-relay.example")
            assert contact is not None
            assert contact.owner_id == team_site.id_of(OTHER[me])
            assert contact.tags == ((tag,) if number == 0 and person == "colleague" else ())


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_two_campaigns_stop_at_once_that_of_the_type_begins_and_archiving_is_undone(
    person: str, request: pytest.FixtureRequest, team_site: TeamSite
) -> None:
    page: Page = request.getfixturevalue(person)
    me = SUBJECT[person]
    draft = ContactDraft(
        first_name="Doubly", last_name=me, email=f"doubly@{me}-work.example", contact_type="lead"
    )
    _open(page, _add(team_site, me, draft), f"Doubly {me}")
    cards = page.locator(".st-key-campaigns_live [class*=st-key-enrollment_]")

    cards.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_text("Lead paused.")).to_be_visible()
    expect(page.get_by_role("button", name="Stop campaigns")).to_be_hidden()
    enroll = page.get_by_role("button", name="Enroll", exact=True)
    steps.choose_behind(enroll, page.get_by_role("button", name="Networking", exact=True))
    expect(cards.filter(has_text="Networking")).to_be_visible()
    expect(cards.filter(has_text="paused by hand")).to_be_visible()
    steps.choose_behind(
        page.get_by_role("button", name="Stop campaigns"),
        page.get_by_role("button", name="Stop all", exact=True),
    )
    expect(page.get_by_text("2 campaign enrollments stopped.")).to_be_visible()
    expect(page.get_by_text("Earlier campaigns (2)")).to_be_visible()

    of_the_type = page.get_by_role("button", name="In the campaign of the type")
    steps.choose_behind(enroll, of_the_type)
    expect(page.get_by_text("1 contact was enrolled.")).to_be_visible()
    expect(cards.filter(has_text="Lead")).to_contain_text("E-mail 1 of 6 is next")

    steps.choose_behind(_more(page), page.get_by_role("menuitem", name="Archive", exact=True))
    expect(page.get_by_text("Archived 1 contact; their campaigns stopped.")).to_be_visible()
    expect(page.get_by_text("No campaign runs: the contact is archived.")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("1 contact taken out of the archive.")).to_be_visible()
    expect(cards.filter(has_text="Lead")).to_contain_text("E-mail 1 of 6 is next")
    # And without a way back in a hurry: later, from the archived contact's own page.
    steps.choose_behind(_more(page), page.get_by_role("menuitem", name="Archive", exact=True))
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_role("button", name="Take out of the archive").click()
    expect(page.get_by_text("No campaign starts by itself.")).to_be_visible()
    expect(page.get_by_role("button", name="Start Lead")).to_be_visible()


def _more(page: Page) -> Locator:
    return page.locator(".st-key-contact_actions").get_by_role("button", name="More", exact=True)


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_a_double_is_found_from_a_contacts_page_and_its_task_moved_and_reopened(
    person: str, request: pytest.FixtureRequest, team_site: TeamSite
) -> None:
    page: Page = request.getfixturevalue(person)
    me = SUBJECT[person]
    draft = ContactDraft(first_name="Tandem", last_name=me, contact_type="partner")
    kept = _add(team_site, me, replace(draft, email=f"tandem@{me}-home.example", city="Bath"))
    double = _add(team_site, me, replace(draft, email=f"tandem@{me}-work.example", city="York"))
    now = datetime.now(UTC)
    with team_site.acting_as(me) as db:
        db.activities.add_task(
            double,
            "Ask which address",
            due_on=(now - timedelta(days=3)).date(),
            assigned_to=team_site.id_of(me),
            actor_id=team_site.id_of(me),
            now=now,
        )

    _open(page, double, f"Tandem {me}")
    entry = page.get_by_role("menuitem", name="Merge duplicate", exact=True)
    steps.choose_behind(_more(page), entry)
    found = page.get_by_role("dialog", name="Who is the same person?")
    expect(found.get_by_text("Same name").first).to_be_visible()
    found.locator(f".st-key-compare_{kept} button").click()
    dialog = page.get_by_role("dialog", name="Merge two contacts")
    dialog.get_by_role("radiogroup", name="City").get_by_text("York").click()
    dialog.get_by_role("button", name="Merge for good").click()
    expect(page.get_by_text(f"Tandem {me} was merged into Tandem {me}.")).to_be_visible()
    expect(page).to_have_url(re.compile(kept))
    expect(page.get_by_text("York")).to_be_visible()
    _move_and_reopen(page, me)


def _move_and_reopen(page: Page, me: str) -> None:
    """The task came along with the double."""
    row = page.locator("[class*=st-key-task_row_]")
    expect(row).to_contain_text("Overdue since")
    steps.at_rest(page)
    row.get_by_role("button", name="Change").click()
    form = page.get_by_test_id("stPopoverBody")
    form.get_by_role("spinbutton", name="year, Due").click()
    page.keyboard.type(f"{datetime.now(UTC) + timedelta(days=40):%Y%m%d}")
    steps.choose(page, form, "Who does it", NAME[OTHER[me]])
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Task changed.")).to_be_visible()
    expect(row).to_contain_text(re.compile(rf"Due \d.* · {NAME[OTHER[me]]}"))
    expect(page.locator(".st-key-contact_next")).not_to_contain_text("Overdue")
    steps.at_rest(page)
    page.keyboard.press("Escape")
    row.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Everything is done.")).to_be_visible()
    page.get_by_text("Done lately").click()
    page.get_by_role("button", name="Reopen").click()
    expect(row).to_contain_text(re.compile(rf"Ask which address.*{NAME[OTHER[me]]}", re.DOTALL))


def test_the_keyboard_alone_finds_a_contact_and_leads_into_the_form_for_a_new_one(
    colleague: Page, team_site: TeamSite
) -> None:
    draft = ContactDraft(first_name="Keystroke", email="keystroke@work.example")
    _add(team_site, "alice", replace(draft, contact_type="partner"))
    page = colleague
    page.get_by_role("link", name="Contacts", exact=True).click()
    expect(page.get_by_role("heading", name="Contacts", exact=True)).to_be_visible()
    steps.at_rest(page)
    add = page.locator(".st-key-add_contact").get_by_role("button", name="Add contact")
    add.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Add contact")
    expect(dialog).to_be_focused()
    first, last = dialog.get_by_label("First name"), dialog.get_by_label("Last name")
    expect(first).to_be_visible()
    steps.at_rest(page)
    # The first stop is the cross that closes it.
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(first).to_be_focused()
    page.keyboard.type("Nobody")
    page.keyboard.press("Tab")
    expect(last).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(add).to_be_focused()

    steps.at_rest(page)
    find = page.get_by_label("Find a contact")
    find.click()
    page.keyboard.type("keystr")
    found = page.locator(".st-key-found_contacts").get_by_role("button", name="Keystroke")
    expect(found).to_be_visible()
    # Typing goes on where it was, whatever was found meanwhile.
    expect(find).to_be_focused()
    page.keyboard.type("oke")
    expect(find).to_have_value("keystroke")
    steps.at_rest(page)
    found.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Keystroke")).to_be_visible()
    expect(find).to_have_value("")
