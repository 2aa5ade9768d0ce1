"""Many contacts at once, and two that are one person: in both roles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from crm.records.contacts import ContactDraft
from tests.browser import steps
from tests.browser.team_site import TeamSite

SUBJECT = {"colleague": "alice", "chief": "bob"}
OTHER = {"alice": "bob", "bob": "alice"}


def _add(site: TeamSite, subject: str, **fields: str) -> str:
    """A contact that this person owns."""
    draft = replace(
        ContactDraft(contact_type="lead", owner_id=site.id_of(subject)),
        **fields,  # type: ignore[arg-type]
    )
    with site.acting_as(subject) as db:
        return db.contacts.add(draft, created_by=site.id_of(subject), now=datetime.now(UTC))


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_all_that_were_found_are_changed_together_with_a_summary(
    person: str, request: pytest.FixtureRequest, team_site: TeamSite
) -> None:
    page: Page = request.getfixturevalue(person)
    me = SUBJECT[person]
    company = f"Bulkworks {person}"
    for n in (1, 2, 3):
        _add(
            team_site, me, first_name=f"B{n}", email=f"b{n}@{me}-bulk.example", company_name=company
        )
    _add(team_site, OTHER[me], first_name="B4", email=f"b4@{me}-bulk.example", company_name=company)
    # An admin changes everybody's contacts, a colleague only their own.
    many = 4 if person == "chief" else 3

    page.goto(f"/contacts?q={company.replace(' ', '+')}")
    page.get_by_role("button", name="Select all 4 found").click()
    expect(page.get_by_text("All 4 found are selected")).to_be_visible()

    dialog = steps.open_bulk(page, "Change type")
    steps.choose(page, dialog, "New type", "Prospect")
    steps.bulk_go(dialog, f"{many} contacts were changed.")
    if person == "colleague":
        expect(dialog.get_by_text("1 belongs to a colleague")).to_be_visible()
        with page.expect_download() as left_alone:
            dialog.get_by_role("button", name="Download who was left alone").click()
        assert "belongs to a colleague" in Path(left_alone.value.path()).read_text("utf-8-sig")
    steps.bulk_done(page, dialog)

    for action, told in (
        ("Pause campaigns", f"{many} contacts were paused."),
        ("Resume campaigns", f"{many} contacts go on."),
        ("Stop campaigns", f"{many} contacts were stopped."),
        ("Enroll", f"{many} contacts were enrolled."),
    ):
        dialog = steps.open_bulk(page, action)
        steps.bulk_go(dialog, told)
        steps.bulk_done(page, dialog)

    dialog = steps.open_bulk(page, "Add tags")
    field = dialog.get_by_role("combobox", name="Tags to add")
    field.fill("fair")
    field.press("Enter")
    field.press("Tab")  # away from the list of tags, which lies over the button
    steps.bulk_go(dialog, f"{many} contacts were tagged.")
    steps.bulk_done(page, dialog)

    dialog = steps.open_bulk(page, "Export")
    steps.bulk_go(dialog, "4 contacts are in the file.")
    with page.expect_download() as file:
        dialog.get_by_role("button", name="Download CSV").click()
    assert Path(file.value.path()).read_text("utf-8-sig").count("bulk.example") == 4
    steps.bulk_done(page, dialog)

    dialog = steps.open_bulk(page, "Archive")
    steps.bulk_go(dialog, f"{many} contacts were archived.")
    steps.bulk_done(page, dialog)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"{many} contacts taken out of the archive.")).to_be_visible()
    steps.expect_cell(page.get_by_test_id("stDataFrame"), "Prospect, due now")


@pytest.mark.parametrize("person", ["colleague", "chief"])
def test_two_records_are_merged_side_by_side(
    person: str, request: pytest.FixtureRequest, team_site: TeamSite
) -> None:
    page: Page = request.getfixturevalue(person)
    me = SUBJECT[person]
    name = {"first_name": "Mergia", "last_name": f"Twin {person}"}
    kept = _add(team_site, me, **name, email=f"mergia@{me}-home.example", city="Bath")
    _add(
        team_site, me, **name, email=f"mergia@{me}-work.example", city="York", phone="+12125550177"
    )
    foreign = {"first_name": "Foreign", "last_name": f"Twin {person}"}
    mine = _add(team_site, me, **foreign, email=f"foreign@{me}-home.example")
    _add(team_site, OTHER[me], **foreign, email=f"foreign@{me}-work.example")

    page.goto("/contacts")
    page.get_by_role("button", name="Duplicates").click()
    found = page.get_by_role("dialog", name="Find duplicates")
    expect(found.get_by_text("Same name").first).to_be_visible()
    page.locator(f"[class*=st-key-compare_{kept}] button").click()
    dialog = page.get_by_role("dialog", name="Merge two contacts")
    expect(dialog.get_by_text("This cannot be undone.")).to_be_visible()
    dialog.get_by_role("radiogroup", name="City").get_by_text("York").click()
    dialog.get_by_role("button", name="Merge for good").click()
    expect(page.get_by_text("was merged into")).to_be_visible()
    expect(found).to_be_visible()

    page.locator(f"[class*=st-key-compare_{mine}] button").click()
    if person == "colleague":
        expect(dialog.get_by_text("belongs to a colleague")).to_be_visible()
        expect(dialog.get_by_role("button", name="Merge for good")).to_be_hidden()
    else:
        expect(dialog.get_by_role("button", name="Merge for good")).to_be_visible()
    page.goto(f"/contacts?contact={kept}")
    expect(page.get_by_role("heading", name=f"Mergia Twin {person}")).to_be_visible()
    expect(page.get_by_text("York")).to_be_visible()
    expect(page.get_by_text("+12125550177").first).to_be_visible()
