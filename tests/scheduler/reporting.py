"""Events of mail the stand-in accepted, as the webhook would record them."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from crm.mail.provider_events import parse_batch
from crm.records.events import IncomingEvent
from db_service import DbService
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_events import body_of, event_of
from tests.standins.sendgrid_records import AcceptedMail


def report(
    service: DbService, mails: Iterable[AcceptedMail], *, now: datetime, kind: str = "delivered"
) -> None:
    """One event for each of these e-mails, through the same parser as SendGrid's own."""
    batch = parse_batch(body_of([event_of(mail, kind, at=now) for mail in mails]))
    assert batch.problems == ()
    events = [IncomingEvent(**asdict(event)) for event in batch.events]
    service.events.record(events, now=now)


def to(standin: SendGridStandIn, start: str) -> list[AcceptedMail]:
    """What the stand-in accepted for addresses that begin so."""
    return [mail for mail in standin.accepted if mail.to.startswith(start)]
