"""A scheduler that sends all that is due, and what the records of one person received together."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from db_service import DbService
from tests.cast import NOW
from tests.conftest import Raw
from tests.database.sending import SlowScheduler, accepted, one

WEEK = timedelta(days=7)


def send_everything_due(service: DbService, raw: Raw, now: datetime = NOW) -> None:
    """A tick as the real scheduler does it: each e-mail leads to the next of its campaign."""
    scheduler = SlowScheduler(service)
    while claimed := scheduler.claim(now):
        ids = [send.send_id for send in claimed]
        assert scheduler.hand_over(ids, now) == set(ids)
        following = one(
            raw,
            "select min(step) as step from drip_campaign_templates"
            " where campaign_id = %s and status = 'published' and step > %s",
            claimed[0].campaign_id,
            claimed[0].step,
        )["step"]
        due = now + WEEK if following else None
        scheduler.settle([accepted(i, next_step=following, next_send_at=due) for i in ids], now)


def received(raw: Raw, *contacts: str) -> list[tuple[str, int]]:
    """(campaign, step) of every e-mail these contacts received, in the order of sending."""
    rows = raw.execute(
        "select d.key, s.step from email_sends s join drip_campaigns d on d.id = s.campaign_id"
        " where s.contact_id = any (%s::uuid[]) and s.status = 'accepted'"
        " order by s.settled_at, d.key, s.step",
        (list(contacts),),
    ).fetchall()
    return [(row["key"], row["step"]) for row in rows]


class PeopleAsTheyAre:
    """Who is one person by now, and what reached them: kept apart from the database, to compare."""

    def __init__(self, raw: Raw, contacts: Sequence[str]) -> None:
        self._raw = raw
        self._person = {contact: contact for contact in contacts}
        self._had: dict[str, set[tuple[object, ...]]] = {contact: set() for contact in contacts}
        self._seen: set[object] = set()

    def merged(self, keep: str, drop: str) -> None:
        self._had[keep] |= self._had.pop(drop)
        self._person = {c: keep if p == drop else p for c, p in self._person.items()}

    def look(self) -> None:
        """Nothing that was sent since the last look had reached the person before in its run."""
        sent = self._raw.execute(
            "select id, contact_id::text as contact, campaign_id, step, run from email_sends"
            " where status = 'accepted'"
        )
        for send in sent.fetchall():
            if send["id"] in self._seen:
                continue
            self._seen.add(send["id"])
            had = self._had[self._person[send["contact"]]]
            email = (send["campaign_id"], send["step"], send["run"])
            assert email not in had, "an e-mail came twice"
            had.add(email)


# Live campaigns of somebody who said stop under any record, or that run under a merged one.
UNWANTED = """
    select e.id from campaign_enrollments e join contacts c on c.id = e.contact_id
    where e.status = 'active' and (c.merged_into is not null or exists (
      select from contacts f where coalesce(f.merged_into, f.id) = c.id
        and f.email_status in ('unsubscribed', 'complained')))"""
