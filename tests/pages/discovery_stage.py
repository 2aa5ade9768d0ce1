"""What tests of the discovery page share: the form, submissions, and reading and pressing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from crm.records.discovery import FormSettings, SubmissionFilter
from db_service import DbService
from tests.conftest import PublishedSteps
from tests.pages.conftest import OpenPage, shown

PAGE = "03_Discovery"
NOW = datetime.now(UTC)
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def form(open_page: OpenPage, published_steps: PublishedSteps) -> AppTest:
    published_steps("lead", 2)
    return open_page(PAGE, call="new")


def read(page: AppTest) -> str:
    """The words of the page, without the escapes that keep them from being Markdown."""
    return shown(page).replace("\\", "")


def write(page: AppTest, **answers: str) -> AppTest:
    for key, text in answers.items():
        [field] = [
            widget
            for widget in (*page.text_input, *page.text_area)
            if (widget.key or "").endswith(f"_{key}") and (widget.key or "").startswith("call")
        ]
        field.set_value(text)
    return page.run()


def press(page: AppTest, key: str) -> AppTest:
    return page.button(key=key).click().run()


def submitted(admin: DbService, **answers: str) -> str:
    given = {"first_name": "Fiona", "email": "fiona@frost.example", **answers}
    draft = admin.discovery.save_draft(None, given, contact_id=None, now=NOW)
    sent = admin.discovery.submit(draft, given, contact_id=None, due_at=None, now=NOW)
    return sent.submission_id


def posted(admin: DbService, *, accept_first: bool = False) -> str:
    admin.discovery.change_form(FormSettings(True, accept_first), now=NOW)
    service = DbService.for_service()
    answers = {"first_name": "Vic *Tor*", "email": "vic@visit.example", "goals": "1 < 2"}
    assert service.discovery.post(answers, now=NOW) == "taken"
    service.discovery.post(answers | {"goals": "2 < 3"}, now=NOW)
    [new] = admin.discovery.page(SubmissionFilter(source="public")).submissions
    return new.id


def status(admin: DbService, submission_id: str) -> tuple[str, str | None]:
    found = admin.discovery.get(submission_id)
    assert found is not None
    return found.status, found.assigned_to
