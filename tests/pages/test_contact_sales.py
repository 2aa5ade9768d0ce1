"""A contact's projects and events, on its page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crm.records.networking import EventDraft
from crm.records.projects import ProjectDraft
from db_service import LOCAL_ADMIN_ID, DbService
from tests.conftest import AContact, PublishedSteps
from tests.pages.conftest import OpenPage, shown

TODAY = datetime.now(UTC).date()


@pytest.fixture
def contact(a_contact: AContact, published_steps: PublishedSteps) -> str:
    published_steps("lead", 3)
    return a_contact(first_name="Ada", last_name="King", email="ada@king.example")


def test_a_contact_s_projects_and_events_stand_beside_it(
    open_page: OpenPage, contact: str, admin: DbService
) -> None:
    now = datetime.now(UTC)
    page = open_page(contact=contact)
    assert "Projects" not in [heading.value for heading in page.subheader]
    assert "Events" not in [heading.value for heading in page.subheader]
    draft = ProjectDraft(name="New *site*", value_cents=1_250_000, owner_id=LOCAL_ADMIN_ID)
    project = admin.projects.add(contact, draft, now=now)
    admin.projects.move(project, "proposal", now=now)
    event = admin.networking.add(EventDraft(name="Fair", held_on=TODAY), now=now)
    admin.networking.capture(event, [{"row_number": 1, "email": "ada@king.example"}], now=now)
    page = open_page(contact=contact)
    text = shown(page)
    for words in ("Proposal", "$12,500", "Moved just now"):
        assert words in text, words
    links = [link.proto.label for link in page.get("page_link")]
    assert {"Open the board", "Fair"} <= set(links)
    page.button(key=f"edit_project_{project}").click().run()
    assert page.text_input(key="project_name").value == "New *site*"


def test_a_project_starts_on_the_contact_s_page(
    open_page: OpenPage, contact: str, admin: DbService
) -> None:
    page = open_page(contact=contact)
    page.button(key="start_project").click().run()
    page.text_input(key="project_name").set_value("New site")
    page.button(key="project_save").click().run()
    assert "“New site” was added for Ada King." in shown(page)
    [project] = admin.projects.of_contact(contact)
    assert (project.name, project.stage) == ("New site", "discovery")
    assert "Discovery" in shown(page)
