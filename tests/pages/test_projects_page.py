"""The projects page as people use it: board, dialogs, and what completing one means."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import db_service
from crm.records.projects import ProjectDraft
from crm.settings import Settings
from crm.ui import dialogs, session
from crm.ui.project_words import NotMoneyError, cents
from db_service import LOCAL_ADMIN_ID, DbService
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, shown
from tests.pages.test_contacts_page import CODES

PAGE = "04_Projects"


@pytest.fixture
def project(admin: DbService, a_contact: AContact, published_steps: PublishedSteps) -> str:
    published_steps("prospect", 2)
    published_steps("client", 2)
    contact = a_contact(first_name="Petra", last_name="Prospect", contact_type="prospect")
    draft = ProjectDraft(name="Web *shop*", value_cents=1_250_050, owner_id=LOCAL_ADMIN_ID)
    return admin.projects.add(contact, draft, now=session.now())


def onward(page: AppTest, project: str) -> AppTest:
    return page.button(key=f"onward_{project}").click().run()


def test_without_projects_the_page_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    assert "There are no projects yet" in shown(page)
    page.button(key="add_first_project").click().run()
    assert page.text_input(key="project_contact_search").label == "Contact"


def test_the_board_speaks_in_words(open_page: OpenPage, project: str) -> None:
    text = shown(open_page(PAGE))
    for words in ("Discovery", "Under way", "Completed", "$12,500.50", "Morgan Local", "Moved"):
        assert words in text
    assert "1 project · $12,500.50" in text
    assert "**1 open project, \\$12,500\\.50 together**" in text
    assert not CODES.search(text)


def test_a_project_is_added_for_a_contact_that_was_searched_for(
    open_page: OpenPage, a_contact: AContact
) -> None:
    a_contact(first_name="Ada", last_name="Byron", company_name="Harbor Precision")
    page = open_page(PAGE)
    page.button(key="add_project").click().run()
    assert page.button(key="project_save").disabled
    page.text_input(key="project_contact_search").set_value("byron").run()
    page.text_input(key="project_name").set_value("New roof")
    page.text_input(key="project_value").set_value("a lot")
    page.button(key="project_save").click().run()
    assert "Write an amount in dollars" in shown(page)
    page.text_input(key="project_value").set_value("12,500")
    page.button(key="project_save").click().run()
    text = shown(page)
    assert "“New roof” was added for Ada Byron." in text
    assert "$12,500" in text


def test_a_project_needs_a_name(open_page: OpenPage, project: str) -> None:
    page = open_page(PAGE)
    page.session_state[dialogs._KEY] = ("edit_project", {"project_id": project})
    page.run()
    assert page.text_input(key="project_value").value == "$12,500.50"
    page.text_input(key="project_name").set_value("  ")
    page.button(key="project_save").click().run()
    assert "Give the project a name." in shown(page)


def test_completing_asks_says_what_follows_and_does_it(
    open_page: OpenPage, project: str, admin: DbService
) -> None:
    admin.projects.move(project, "active", now=session.now())
    page = onward(open_page(PAGE), project)
    text = shown(page)
    assert "Petra Prospect becomes a client." in text
    assert "The Client campaign starts." in text
    found = admin.projects.get(project)
    assert found is not None
    assert found.stage == "active", "nothing happens before it is confirmed"
    page.button(key="complete_sure").click().run()
    assert "Petra Prospect is a client now. Client starts." in shown(page)


def test_completing_for_a_colleagues_contact_says_who_decides_about_its_type(
    open_page: OpenPage, project: str, admin: DbService, raw: Raw
) -> None:
    raw.execute("update profiles set role = 'sales' where id = %s", (LOCAL_ADMIN_ID,))
    admin.projects.move(project, "active", now=session.now())
    page = onward(open_page(PAGE), project)
    decides = "Petra Prospect stays Prospect: Alice Sales or an admin can change the type"
    assert decides in shown(page)
    page.button(key="complete_sure").click().run()
    text = shown(page)
    assert f"is completed. {decides}." in text
    done = admin.projects.get(project)
    assert done is not None
    assert (done.stage, done.contact_type) == ("completed", "prospect")


def test_a_move_onward_is_one_click(open_page: OpenPage, project: str, admin: DbService) -> None:
    page = onward(open_page(PAGE), project)
    assert "“Web \\*shop\\*” is proposal now." in shown(page), "typed text is no Markdown"
    found = admin.projects.get(project)
    assert found is not None
    assert found.stage == "proposal"


def test_why_a_project_was_lost_stands_on_its_card(
    open_page: OpenPage, project: str, admin: DbService
) -> None:
    admin.projects.move(project, "lost", reason="Chose another supplier", now=session.now())
    assert "Lost: Chose another supplier" in shown(open_page(PAGE))


def test_thousands_of_projects_are_shown_a_column_at_a_time(
    open_page: OpenPage, project: str, raw: Raw
) -> None:
    raw.execute(
        "insert into projects (contact_id, name, value_cents, owner_id)"
        " select contact_id, 'P' || n, 100, owner_id from projects, generate_series(1, 2000) n"
    )
    page = open_page(PAGE)
    assert "2,001 projects" in shown(page)
    assert sum(str(b.key).startswith("onward_") for b in page.button) == 25
    page.button(key="more_discovery").click().run()
    assert sum(str(b.key).startswith("onward_") for b in page.button) == 50


def test_a_database_that_is_away_is_told_calmly(
    open_page: OpenPage, project: str, settings: Settings, raw: Raw
) -> None:
    page = open_page(PAGE)
    connection = db_service.connect(settings)
    assert connection.direct is not None
    connection.direct.close()
    page.run()
    assert not page.exception
    assert "database does not answer" in shown(page)


@pytest.mark.parametrize(
    ("text", "value"),
    [("", 0), ("12,500", 1_250_000), ("$ 99.5", 9_950), ("0.05", 5), ("1,250,000.00", 125_000_000)],
)
def test_money_is_read_as_people_write_it(text: str, value: int) -> None:
    assert cents(text) == value


@pytest.mark.parametrize("text", ["-5", "12,50", "1.234,50", "ten", "1e9", "9" * 12])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(NotMoneyError):
        cents(text)
