"""Two years of a small CRM, drawn at random: what the analytics of the tests are counted from.

Raw rows where the past has to be made up (enrollments, sends), and the real doors for everything
that came back: the webhook's, the replies', the unsubscribe link's, the preference page's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from crm.records.events import IncomingEvent, IncomingReply
from tests import cast
from tests.database.analytics_past import BEGIN, BORDERS, CAMPAIGNS, DAY, END, PEOPLE, Past

_AGENTS = ("Mozilla/5.0", "Mozilla/5.0", "Mozilla/5.0", "BarracudaCentral")
_KINDS = ("open",) * 5 + ("click",) * 4 + ("delivered",) * 5
_TROUBLE = (
    "spamreport",
    "bounce",
    "dropped",
    "spamreport",
    "unsubscribe",
    "group_unsubscribe",
    "deferred",
)
_STOP = "update contacts set email_status = 'unsubscribed' where id = %s"
_STAFF = json.dumps({"sub": cast.ALICE_ID})


class Story(Past):
    """What came back, in any order; counted now and then while it goes on."""

    def tell(self) -> None:
        self.campaigns()
        *contacts, certain, dropped, kept = self.contacts()
        sends = self.mail(contacts)
        doings: list[Callable[[], object]] = [
            *self._events(sends),
            *self._replies(contacts),
            *self._wishes(contacts),
            *self._type_changes(contacts),
            *self._merges(contacts),
        ]
        self.chance.shuffle(doings)
        for do in doings:
            do()
            if self.chance.random() < 0.15:
                # Counted while it goes on, as pages do: never from the beginning again.
                self.service.analytics.catch_up()
        self._one_of_each(certain)
        self._a_merge_that_looks_like_a_step(kept, dropped)
        self.raw.execute(
            "delete from contacts where merged_into is null and id = any (%s)",
            (self.chance.sample(contacts, 2),),
        )
        self.raw.execute("update drip_campaigns set status = 'archived' where key = 'old_news'")

    def _one_of_each(self, contact: str) -> None:
        """What chance may leave out: a failed e-mail, one taken out of its sequence since that only
        a machine opened and answered, a wish that names an earlier e-mail than the last, an e-mail
        exactly where a period ends, and a step forward 120 days after it."""
        self.at(BEGIN, "update contacts set contact_type = 'lead' where id = %s", contact)
        enrollment = self.an_enrollment(contact, "lead", END - 160 * DAY)
        named = self.a_send(enrollment, 1, END - 158 * DAY)
        self.a_send(enrollment, 3, END - 155 * DAY, "failed")
        opened = self.a_send(enrollment, 4, END - 150 * DAY)
        self.a_send(enrollment, 2, BORDERS[1])
        wish = self._an_event("", named, "unsubscribe", END - 149 * DAY)
        scan = replace(self._an_event("", opened, "open", END - 149 * DAY), says_machine=True)
        self.service.events.record([wish, scan], now=END - 148 * DAY)
        away = self._a_reply(f"p{PEOPLE - 3}@customer.example", "automatic", END - 149 * DAY)
        self.service.events.record_reply(away, now=END - 148 * DAY)
        changed = "update contacts set contact_type = 'client' where id = %s"
        self.at(BORDERS[1] + 120 * DAY, changed, contact)

    def _a_merge_that_looks_like_a_step(self, kept: str, dropped: str) -> None:
        """The kept contact takes over a type further along, and a wish that a colleague wrote down;
        it was never in a campaign itself."""
        nobody = "update contacts set contact_type = 'networking', email = null where id = %s"
        self.at(BEGIN, nobody, kept)
        enrollment = self.an_enrollment(dropped, "newsletter", END - 30 * DAY)
        read = self.a_send(enrollment, 1, END - 20 * DAY)
        look = replace(self._an_event("", read, "open", END - 19 * DAY), says_machine=False)
        self.service.events.record([replace(look, user_agent="")], now=END - 19 * DAY)
        self.at(END - 15 * DAY, _STOP, dropped, claims=_STAFF)
        values = json.dumps({"contact_type": "client"})
        merged = self.raw.execute(
            "select merge_contacts(%s, %s, %s, %s) as outcome",
            (kept, dropped, values, END - 10 * DAY),
        ).fetchone()
        assert merged == {"outcome": "merged"}

    def _events(self, sends: Sequence[dict[str, Any]]) -> list[Callable[[], object]]:
        """In any order, some twice, cut into batches; also about people and not about an e-mail."""
        told = [e for send in sends if send["handed_over_at"] for e in self._told_about(send)]
        told += self.chance.sample(told, len(told) // 8)
        told += [self._an_event(self._anybody(), None, "unsubscribe", self.moment())]
        self.chance.shuffle(told)
        cuts = sorted(self.chance.sample(range(1, len(told)), 40))
        return [
            partial(self.service.events.record, told[a:b], now=self.moment())
            for a, b in pairwise([0, *cuts, len(told)])
        ]

    def _told_about(self, send: dict[str, Any]) -> list[IncomingEvent]:
        kinds = self.chance.choices(_KINDS, k=self.chance.choice((0, 1, 3, 5)))
        if self.chance.random() < 0.18:
            kinds.append(self.chance.choice(_TROUBLE))
        after = [timedelta(seconds=self.chance.choice((1, 3, 90, 4000, 900_000))) for _ in kinds]
        return [
            self._an_event(send["to_email"], send["id"], kind, send["handed_over_at"] + late)
            for kind, late in zip(kinds, after, strict=True)
        ]

    def _an_event(self, email: str, send: str | None, kind: str, moment: datetime) -> IncomingEvent:
        return IncomingEvent(
            event=kind,
            occurred_at=moment,
            email=email,
            send_id=send or "",
            message_id=f"message of {send}",
            url=f"https://mpt.example/{self.chance.randint(1, 3)}" if kind == "click" else "",
            reason="Invalid" if kind == "dropped" else "",
            user_agent=self.chance.choice(_AGENTS),
            says_machine=kind == "open" and self.chance.random() < 0.3,
            payload={"event": kind},
        )

    def _anybody(self) -> str:
        return f"p{self.chance.randrange(PEOPLE - 3)}@customer.example"

    def _replies(self, contacts: Sequence[str]) -> list[Callable[[], object]]:
        kinds = ("person",) * 5 + ("automatic", "out_of_office", "remove_me")
        replies = [
            self._a_reply(self._anybody(), self.chance.choice(kinds), self.moment())
            for _ in contacts
        ]
        return [
            partial(self.service.events.record_reply, reply, now=self.moment())
            for reply in [*replies, *replies[:5]]
        ]

    def _a_reply(self, sender: str, kind: str, moment: datetime) -> IncomingReply:
        return IncomingReply(
            message_id=f"{sender} {kind} {moment}",
            sender=sender,
            kind=kind,
            subject="Re: hello",
            text="",
            occurred_at=moment,
        )

    def _wishes(self, contacts: Sequence[str]) -> list[Callable[[], object]]:
        some = self.chance.sample(contacts, 12)
        desk = self.service.contacts
        return [
            *(partial(desk.unsubscribe, contact, now=self.moment()) for contact in some[:4]),
            *(
                partial(desk.prefer, contact, campaign, "this_campaign", now=self.moment())
                for contact in some[4:8]
                for campaign in CAMPAIGNS[:3]
            ),
            # Somebody told a colleague, who wrote it down: no e-mail's doing.
            *(
                partial(self.at, self.moment(), _STOP, contact, claims=_STAFF)
                for contact in some[8:]
            ),
        ]

    def _type_changes(self, contacts: Sequence[str]) -> list[Callable[[], object]]:
        """Some of them long after the last e-mail."""
        kinds = ("networking", "lead", "prospect", "client", "partner")
        return [
            partial(
                self.at,
                self.moment() + self.chance.choice((0, 0, 120)) * DAY,
                "update contacts set contact_type = %s where id = %s",
                self.chance.choice(kinds),
                self.chance.choice(contacts),
            )
            for _ in range(3 * len(contacts))
        ]

    def _merges(self, contacts: Sequence[str]) -> list[Callable[[], object]]:
        """Some are refused: merged already, or with an e-mail on its way."""
        merge = "select merge_contacts(%s, %s, %s, %s)"
        return [
            partial(self.raw.execute, merge, (kept, dropped, values, self.moment()))
            for _ in range(20)
            for kept, dropped in [self.chance.sample(contacts, 2)]
            for values in [json.dumps({"contact_type": self.chance.choice(("lead", "client"))})]
        ]
