"""Lifting what stops mail from the contact's page and the settings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

import db_service
from crm.settings import Settings
from db_service import LOCAL_ADMIN_ID, DbService, IncomingReply
from tests import cast
from tests.conftest import AContact, Raw
from tests.pages.conftest import OpenPage, shown
from tests.standins.sendgrid import SendGridStandIn

NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


def _stopped(admin: DbService, a_contact: AContact, reason: str = "unsubscribed") -> str:
    contact = a_contact(email="ada@customer.example")
    admin.suppressions.add(["ada@customer.example"], [reason], source="test", now=NOW)
    return contact


def _menu(page: AppTest) -> list[str]:
    """What the contact's menu offers."""
    return [option for menu in page.menu_button for option in menu.options]


def _choose(page: AppTest, what: str) -> AppTest:
    return page.menu_button(key="contact_more").click(what).run()


def test_an_admin_allows_mail_again_from_the_contact_with_a_reason(
    open_page: OpenPage, admin: DbService, a_contact: AContact
) -> None:
    contact = _stopped(admin, a_contact)
    page = _choose(open_page(contact=contact), "Allow mail again")
    text = shown(page)
    assert "Unsubscribed, " in text
    assert "SendGrid keeps a list of its own" in text
    assert "Only go on if the person told you" in text
    page.button(key="lift_sure").click().run()
    assert ":red[Say why" in shown(page)
    found = admin.contacts.get(contact)
    assert found is not None
    assert found.email_status == "unsubscribed"
    page.text_area(key="lift_reason").set_value("She called on Monday")
    page.button(key="lift_sure").click().run()
    text = shown(page)
    assert "The address may be written to again." in text
    assert "May be written to again: She called on Monday" in text
    found = admin.contacts.get(contact)
    assert found is not None
    assert found.email_status == "ok"
    assert "Allow mail again" not in _menu(page)


def test_an_address_is_found_and_freed_in_the_suppressions_tab(
    open_page: OpenPage, admin: DbService, a_contact: AContact
) -> None:
    _stopped(admin, a_contact, "hard_bounce")
    admin.suppressions.add(["bea@customer.example"], ["manual"], source="test", now=NOW)
    page = open_page("20_Settings", section="Suppressions")
    assert "bea@customer.example" in shown(page)
    page.text_input(key="suppression_search").set_value("ADA").run()
    assert "bea@customer.example" not in shown(page)
    [entry] = admin.suppressions.find("ada")
    page.button(key=f"lift_{entry.id}").click().run()
    assert "Only go on" not in shown(page), "a bounce is nobody's wish"
    page.text_area(key="lift_reason").set_value("The mailbox works again")
    page.button(key="lift_sure").click().run()
    assert "No address like this is stopped." in shown(page)


def test_sales_are_not_offered_to_lift(
    open_page: OpenPage, admin: DbService, a_contact: AContact, raw: Raw
) -> None:
    contact = _stopped(admin, a_contact)
    raw.execute("update profiles set role = 'sales' where full_name = 'Morgan Local'")
    assert "Allow mail again" not in _menu(open_page(contact=contact))


@pytest.mark.parametrize("owns", [True, False])
def test_the_owner_ends_an_out_of_office_hold(
    open_page: OpenPage, admin: DbService, a_contact: AContact, raw: Raw, *, owns: bool
) -> None:
    raw.execute("update profiles set role = 'sales' where full_name = 'Morgan Local'")
    owner = LOCAL_ADMIN_ID if owns else cast.ALICE_ID
    contact = a_contact(email="ada@customer.example", owner_id=owner)
    now = datetime.now(UTC)
    away = IncomingReply(
        message_id="<1@x>",
        sender="ada@customer.example",
        kind="out_of_office",
        subject="Away",
        text="",
        occurred_at=now,
        quiet_until=now.replace(year=now.year + 1),
    )
    DbService.for_service().events.record_reply(away, now=now)
    page = open_page(contact=contact)
    assert ("End the hold" in _menu(page)) is owns
    if not owns:
        return
    _choose(page, "End the hold")
    assert "is away, so nothing is sent before" in shown(page)
    page.button(key="end_quiet_sure").click().run()
    text = shown(page)
    assert "The hold is ended." in text
    assert "Back already" in text
    assert "Quiet until" not in text


def test_a_pause_somebody_asked_for_is_not_offered_to_be_ended(
    open_page: OpenPage, admin: DbService, a_contact: AContact
) -> None:
    contact = a_contact()
    service = DbService.for_service()
    service.contacts.prefer(contact, None, "pause", now=datetime.now(UTC))
    page = open_page(contact=contact)
    assert "asked for a pause" in shown(page)
    assert "End the hold" not in _menu(page)


@pytest.fixture
def sending(
    settings: Settings, sendgrid_standin: SendGridStandIn, monkeypatch: pytest.MonkeyPatch
) -> SendGridStandIn:
    key = SecretStr(sendgrid_standin.key)
    there = {"sendgrid_api_key": key, "sendgrid_base_url": sendgrid_standin.url}
    monkeypatch.setattr(db_service.connect(), "settings", settings.model_copy(update=there))
    return sendgrid_standin


def test_what_sendgrid_still_stops_is_shown_and_comes_back_only_by_a_persons_hand(
    open_page: OpenPage, admin: DbService, a_contact: AContact, sending: SendGridStandIn
) -> None:
    contact = _stopped(admin, a_contact)
    sending.suppressions.add("unsubscribes", ["ada@customer.example"])
    sending.suppressions.add("bounces", ["old@customer.example"])
    admin.suppressions.lift("ada@customer.example", reason="She called", now=NOW)
    page = open_page("20_Settings", section="Suppressions")
    page.button(key="compare_suppressions").click().run()
    assert "unsubscribed; lifted here Today" in shown(page)
    assert list(admin.suppressions.all()) == [], "comparing brings nothing back"
    page.button(key="settle_suppressions").click().run()
    assert "One of them was lifted here" in shown(page)
    assert "take them off SendGrid’s list instead" in shown(page)
    page.button(key="settle_cancel").click().run()
    found = admin.contacts.get(contact)
    assert found is not None
    assert found.email_status == "ok"
