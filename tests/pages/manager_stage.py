"""What tests of the campaign manager share: e-mails with what came back, and reading tables."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from crm.records.events import IncomingEvent, IncomingReply
from crm.records.sends import Send
from db_service import DbService
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import RunScheduler

PAGE = "13_Campaign_Manager"
NOW = datetime.now(UTC)
CODES = re.compile(r"\bNone\b|\bnan\b|paused_by_user|\d{4}-\d\d-\d\dT|[0-9a-f]{8}-[0-9a-f]{4}-")


@pytest.fixture
def three(
    a_contact: AContact,
    published_steps: PublishedSteps,
    admin: DbService,
    run_scheduler: RunScheduler,
    raw: Raw,
) -> list[str]:
    """Ada, Bea and Cleo each got the first of two lead e-mails; Ada opened hers, a scanner Bea's,
    and Cleo answered. Their ids."""
    published_steps("lead", 2)
    contacts = [
        a_contact(first_name=name, last_name="", email=f"{name.lower()}@example.com")
        for name in ("Ada", "Bea", "Cleo")
    ]
    assert run_scheduler()["accepted"] == 3
    # The tick's clock is ahead of the page's.
    raw.execute("update email_sends set handed_over_at = handed_over_at - interval '1 hour'")
    _come_back(DbService.for_service(), admin)
    return contacts


def _come_back(service: DbService, admin: DbService) -> None:
    sends = {send.contact_name: send for send in admin.sends.sent(limit=3)}
    later = NOW - timedelta(minutes=20)
    events = [_event(send, "delivered", later) for send in sends.values()]
    events.append(_event(sends["Ada"], "open", later + timedelta(minutes=5)))
    events.append(replace(_event(sends["Bea"], "open", later), says_machine=True))
    service.events.record(events, now=NOW)
    reply = IncomingReply(
        message_id="<1@x>",
        sender="cleo@example.com",
        kind="person",
        subject="Re: lead 1",
        text="Call me",
        occurred_at=later,
    )
    service.events.record_reply(reply, now=NOW)


def _event(send: Send, kind: str, at: datetime) -> IncomingEvent:
    return IncomingEvent(
        event=kind,
        occurred_at=at,
        email=send.to_email,
        send_id=send.id,
        message_id=send.to_email,
        user_agent="Mozilla/5.0",
        payload={},
    )


Rows = list[dict[Hashable, Any]]


def rows_of(page: AppTest, column: str) -> Rows:
    """Of the table that has this column."""
    table = next(table for table in page.dataframe if column in table.value.columns)
    return table.value.to_dict("records")
