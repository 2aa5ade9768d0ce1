"""The contact page's answer to "why did (or didn't) an e-mail go?"."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import RunScheduler, shown

QUESTION = "Why did (or didn’t) an e-mail go?"


def _part(contact_id: str) -> None:
    """The part of the page by itself, as the session of this machine's person sees it."""
    from crm.ui import contact_explanations, session

    session.open_session()
    contact = session.current().db.contacts.get(contact_id)
    assert contact is not None
    contact_explanations.show(contact, contact_explanations.of(contact))


def _opened(contact: str) -> AppTest:
    return AppTest.from_function(_part, args=(contact,), default_timeout=30).run()


def _words(page: AppTest) -> str:
    """As a person reads it, without the backslashes that keep it plain text."""
    return shown(page).replace("\\", "")


def test_every_step_has_a_dot_and_a_sentence(
    admin: DbService,
    a_contact: AContact,
    published_steps: PublishedSteps,
    run_scheduler: RunScheduler,
) -> None:
    published_steps("lead", 3)
    contact = a_contact()
    run_scheduler()
    page = _opened(contact)
    assert [e.label for e in page.expander] == [f"{QUESTION} · Lead"]
    lines = _words(page).splitlines()
    assert lines[0] == ":green[●] **1 of 3 · Lead e-mail 1**  "
    assert lines[1].startswith("Written to the local outbox ")
    assert lines[2] == ":blue[●] **2 of 3 · Lead e-mail 2**  "
    assert lines[3].startswith("Due ")
    assert lines[5] == "Follows 7 days after e-mail 2."


def test_each_campaign_has_its_own_answer(
    admin: DbService, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    published_steps("client", 1)
    contact = a_contact()
    admin.contacts.change_type([contact], "client", now=NOW)
    page = _opened(contact)
    assert {e.label for e in page.expander} == {f"{QUESTION} · Client", f"{QUESTION} · Lead"}
    assert "because the contact's type changed" in _words(page)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"email": None}, "No campaign writes to this contact: the contact has no e-mail address."),
        ({"contact_type": "partner"}, "the type Partner has none."),
    ],
)
def test_a_contact_outside_any_campaign_is_told_why(
    admin: DbService,
    a_contact: AContact,
    published_steps: PublishedSteps,
    fields: dict[str, object],
    sentence: str,
) -> None:
    published_steps("lead", 1)
    page = _opened(a_contact(**fields))
    assert [e.label for e in page.expander] == [QUESTION]
    assert sentence in _words(page)


def test_what_a_provider_wrote_stays_text(
    admin: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    contact = a_contact()
    raw.execute("update drip_campaigns set status = 'paused', paused_reason = '<b>**now**</b>'")
    assert "\\<b\\>\\*\\*now\\*\\*\\</b\\>" in shown(_opened(contact))


def test_a_colleague_s_contact_keeps_what_was_sent_to_it_to_its_owner(
    admin: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    contact = a_contact()
    raw.execute("update profiles set role = 'sales' where full_name = 'Morgan Local'")
    page = _opened(contact)
    assert not page.expander
    assert "is for its owner and for admins to see" in _words(page)
