"""Finding contacts by every filter, which combine and stay, and by what else is known of them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from crm.records.contacts import ContactDraft
from tests.browser import steps
from tests.browser.team_site import TeamSite

pytestmark = pytest.mark.browser

SUBJECT = {"colleague": "alice", "chief": "bob"}
NAME = {"alice": "Alice Sales", "bob": "Bob"}
OTHER = {"alice": "bob", "bob": "alice"}
PHONE = {"alice": "+16145550181", "bob": "+16145550182"}


def _company(me: str) -> str:
    return f"Sievewright {me}"


@pytest.fixture(scope="module", autouse=True)
def sieves(team_site: TeamSite) -> None:
    """Seven people of one company for each of the two who look for them."""
    for me in SUBJECT.values():
        _seven_who_differ(team_site, me)


def _seven_who_differ(site: TeamSite, me: str) -> None:
    """The first fits every filter, and each of the others misses another one."""
    now, mine = datetime.now(UTC), site.id_of(me)
    fits = ContactDraft(
        first_name="Fits",
        last_name=me,
        company_name=_company(me),
        industry=f"Sieves of {me}",
        contact_type="lead",
        owner_id=mine,
    )
    drafts = {
        "Fits": replace(fits, phone=PHONE[me]),
        "Foreign": replace(fits, owner_id=site.id_of(OTHER[me])),
        "Stopped": fits,
        "Baker": replace(fits, industry=f"Bread of {me}", tags=(f"mesh of {me}",)),
        "Prospect": replace(fits, contact_type="prospect"),
        "Silent": fits,
        "Old": fits,
    }
    # An admin may add for everybody.
    with site.acting_as("bob") as db:
        for name, draft in drafts.items():
            contact = db.contacts.add(
                replace(draft, first_name=name, email=f"{name.lower()}@{me}-sieve.example"),
                created_by=mine,
                now=now - timedelta(days=100 if name == "Old" else 0),
            )
            if name != "Silent":
                db.activities.add_note(contact, "Called", actor_id=site.id_of("bob"), now=now)
    with site.acting_as_service() as db:
        stopped = f"stopped@{me}-sieve.example"
        db.suppressions.add([stopped], ["unsubscribed"], source="test", now=now)


def _found(page: Page, number: int) -> None:
    noun = "contact" if number == 1 else "contacts"
    expect(page.get_by_text(f"{number} {noun} found", exact=True)).to_be_visible()


def _more_filters(page: Page) -> None:
    """Opens them; a click on the page closes them again."""
    steps.at_rest(page)
    page.locator(".st-key-more_filters button").first.click()
    expect(page.get_by_test_id("stPopoverBody")).to_be_visible()


def _narrow_down(page: Page, me: str) -> None:
    """Each filter leaves out one of those found."""
    steps.choose(page, page, "Owner", NAME[me])
    _found(page, 6)
    steps.choose(page, page, "E-mail status", "OK to e-mail")
    page.keyboard.press("Escape")
    _found(page, 5)
    _more_filters(page)
    popover = page.get_by_test_id("stPopoverBody")
    for number, (label, option) in zip(
        (4, 3, 2, 1),
        (
            ("Industry", f"Sieves of {me}"),
            ("Campaign", "Lead"),
            ("Last activity", "In the last 7 days"),
            ("Added", "In the last 30 days"),
        ),
        strict=True,
    ):
        steps.choose(page, popover, label, option)
        _found(page, number)


def _open_the_list(page: Page) -> None:
    page.get_by_role("link", name="Contacts", exact=True).click()
    expect(page.get_by_role("heading", name="Contacts", exact=True)).to_be_visible()
    steps.at_rest(page)


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_every_filter_narrows_down_further_and_all_of_them_outlast_a_reload(
    person: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(person)
    me = SUBJECT[person]
    _open_the_list(page)
    page.get_by_label("Search contacts").fill(_company(me))
    _found(page, 7)
    _narrow_down(page, me)
    for part in ("q", "owner", "status", "industry", "campaign", "activity", "created"):
        expect(page).to_have_url(re.compile(rf"[?&]{part}="))

    page.reload()
    _found(page, 1)
    steps.expect_cell(page.get_by_test_id("stDataFrame"), f"Fits {me}")
    expect(page.get_by_role("button", name="More filters (4)")).to_be_visible()
    page.get_by_label("Search contacts").fill("nobody is called so")
    page.get_by_role("button", name="Clear all filters").click()
    expect(page.get_by_role("button", name="More filters", exact=True)).to_be_visible()
    expect(page).not_to_have_url(re.compile("owner=|campaign="))


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_a_contact_is_found_by_phone_tag_and_company_and_by_why_nobody_may_write(
    person: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(person)
    me = SUBJECT[person]
    _open_the_list(page)
    search, table = page.get_by_label("Search contacts"), page.get_by_test_id("stDataFrame")
    area, exchange, line = PHONE[me][2:5], PHONE[me][5:8], PHONE[me][8:]
    for text, name in (
        (PHONE[me], "Fits"),
        (f"mesh of {me}", "Baker"),
        (f"({area}) {exchange}-{line}", "Fits"),
    ):
        search.fill(text)
        steps.expect_cell(table, f"{name} {me}")
        _found(page, 1)
    search.fill(_company(me))
    _found(page, 7)
    steps.choose(page, page, "E-mail status", "Unsubscribed")
    _found(page, 1)
    steps.expect_cell(table, f"Stopped {me}")
    steps.choose(page, page, "E-mail status", "OK to e-mail")
    page.keyboard.press("Escape")
    _found(page, 7)
    _more_filters(page)
    steps.choose(page, page.get_by_test_id("stPopoverBody"), "Campaign", "In none at the moment")
    _found(page, 1)
    steps.expect_cell(table, f"Stopped {me}")
