"""Suppressions on the settings page: our list, and SendGrid's held against it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from db_service import DbService
from tests.conftest import AContact, Raw
from tests.pages.conftest import OpenPage, shown
from tests.pages.test_settings_page import SetUp, set_up
from tests.standins.sendgrid import SendGridStandIn

__all__ = ["set_up"]

PAGE = "20_Settings"
NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


@pytest.fixture
def sending(set_up: SetUp, sendgrid_standin: SendGridStandIn) -> SendGridStandIn:
    set_up(sendgrid_api_key=sendgrid_standin.key, sendgrid_base_url=sendgrid_standin.url)
    return sendgrid_standin


def test_drift_is_compared_shown_and_settled_both_ways(
    open_page: OpenPage, sending: SendGridStandIn, admin: DbService, a_contact: AContact
) -> None:
    contact = a_contact(email="ada@example.com")
    sending.suppressions.add("unsubscribes", ["ada@example.com"])
    sending.suppressions.add("bounces", ["old@example.com"])
    admin.suppressions.add(["bea@example.com"], ["manual"], source="test", now=NOW)
    page = open_page(PAGE, section="Suppressions")
    page.button(key="compare_suppressions").click().run()
    text = shown(page)
    assert "<b>2</b><span>Only at SendGrid</span>" in text
    assert "<b>1</b><span>Only here</span>" in text
    assert "1 unsubscribed, 1 bounced" in text
    page.button(key="settle_suppressions").click().run()
    assert "**2 addresses** that only SendGrid knows" in shown(page)
    assert sending.suppressions["unsubscribes"] == ["ada@example.com"]
    page.button(key="settle_sure").click().run()
    assert "2 addresses added here and 1 at SendGrid." in shown(page)
    assert "bea@example.com" in sending.suppressions["unsubscribes"]
    stopped = admin.contacts.get(contact)
    assert stopped is not None
    assert stopped.email_status == "unsubscribed"
    page.button(key="compare_suppressions").click().run()
    assert "Both lists agree." in [element.value for element in page.success]


def test_a_key_sendgrid_refuses_is_told_in_words(
    open_page: OpenPage, set_up: SetUp, sendgrid_standin: SendGridStandIn
) -> None:
    set_up(sendgrid_api_key="SG.wrong", sendgrid_base_url=sendgrid_standin.url)
    page = open_page(PAGE, section="Suppressions")
    page.button(key="compare_suppressions").click().run()
    text = shown(page)
    assert "SENDGRID_API_KEY: SendGrid refuses it" in text
    assert "SG.wrong" not in text


def test_of_thousands_of_suppressions_the_newest_are_listed_and_any_is_found(
    open_page: OpenPage, raw: Raw
) -> None:
    raw.execute(
        "insert into suppressions (email, reason) select 'n' || n || '@example.com', 'manual'"
        " from generate_series(1, 5000) n"
    )
    page = open_page(PAGE, section="Suppressions")
    assert _liftable(page) == 20
    assert "The newest 20 are shown" in shown(page)
    page.text_input(key="suppression_search").set_value("n4321@").run()
    assert _liftable(page) == 1
    assert "n4321@example.com" in shown(page)


def _liftable(page: AppTest) -> int:
    return sum(str(button.key).startswith("lift_") for button in page.button)


def test_of_a_drift_of_thousands_two_hundred_are_listed(
    open_page: OpenPage, sending: SendGridStandIn, raw: Raw
) -> None:
    sending.suppressions.add("bounces", [f"b{n}@example.com" for n in range(1000)])
    raw.execute(
        "insert into suppressions (email, reason) select 'n' || n || '@example.com', 'manual'"
        " from generate_series(1, 1000) n"
    )
    page = open_page(PAGE, section="Suppressions")
    page.button(key="compare_suppressions").click().run()
    text = shown(page)
    assert "<b>1,000</b><span>Only at SendGrid</span>" in text
    assert "<b>1,000</b><span>Only here</span>" in text
    assert "The first 200 of 2,000 are shown." in text
    [table] = page.dataframe
    assert len(table.value) == 200
