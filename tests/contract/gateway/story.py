"""One long story through every record class, with everything that each call answered.

Told over two adapters it must be the same story: `tell` returns what was called, and what came of
it, refusals included.
"""

from dataclasses import replace
from datetime import UTC, time, timedelta
from typing import Any

from crm.records.contacts import ContactDraft, ContactSearch
from crm.records.engine import ClaimedSend, Postponement, Settlement
from crm.records.events import IncomingReply
from crm.records.states import EmailStatus
from db_service import DbService
from tests import cast
from tests.cast import NOW
from tests.contract.gateway.story_of_changes import change_and_merge
from tests.contract.gateway.story_of_discovery import call_and_ask
from tests.contract.gateway.story_of_figures import count_it_all
from tests.contract.gateway.story_of_sales_work import win_and_meet
from tests.contract.gateway.story_of_staff import invite_and_promote
from tests.contract.gateway.story_of_switches import switch_and_send_as
from tests.contract.gateway.story_of_the_contact_page import look_after
from tests.contract.gateway.story_of_the_list import search_and_keep
from tests.contract.gateway.story_of_the_log import lift_and_audit
from tests.contract.gateway.story_of_the_manager import look_at_the_queue, manage
from tests.contract.gateway.telling import DRAFT, Teller, Told, event, imported, template

LEASE = "1ea5e000-0000-4000-8000-000000000001"
REQUESTS = [f"4e9e5700-0000-4000-8000-{n:012d}" for n in range(20)]
DAY = timedelta(days=1)


class Cast:
    """The people of the story, each behind a teller."""

    def __init__(self, service: DbService, alice: DbService, bob: DbService) -> None:
        self.told: Told = []
        self.service = Teller(service, self.told)
        self.alice = Teller(alice, self.told)
        self.bob = Teller(bob, self.told)

    def tell(self) -> Told:
        campaigns = self._campaigns_and_templates()
        contacts = self._contacts()
        self._enrollments(campaigns, contacts)
        self._settings_and_people()
        self._sending(campaigns["lead"])
        look_at_the_queue(self.alice, self.bob)
        self._what_came_back()
        self._looking_around(contacts)
        search_and_keep(self.alice, self.bob)
        look_after(self.alice, self.bob, contacts)
        count_it_all(self.service, self.alice, self.bob, campaigns["lead"])
        win_and_meet(self.service, self.alice, self.bob)
        switch_and_send_as(self.service, self.alice, self.bob, contacts)
        self._leaving(contacts)
        manage(self.alice, self.bob, campaigns)
        lift_and_audit(self.service, self.alice, self.bob, contacts)
        change_and_merge(self.alice, self.bob, contacts)
        call_and_ask(self.service, self.alice, self.bob)
        return self.told

    def _campaigns_and_templates(self) -> dict[str, str]:
        campaigns = {c.key: c.id for c in self.bob.campaigns.overview()}
        lead = campaigns["lead"]
        first = template(lead, 1)
        for step in (1, 2, 3, 4):
            self.bob.templates.publish(template(lead, step), now=NOW - 30 * DAY)
        published = self.bob.templates.publish(replace(first, subject="New"), now=NOW - 29 * DAY)
        self.alice.templates.publish(first, now=NOW)
        self.bob.templates.get(published.id)
        self.bob.templates.get(cast.ALICE_ID)
        self.bob.templates.reorder(lead, [1, 3, 2, 4], now=NOW - 28 * DAY)
        self.bob.templates.reorder(lead, [1], now=NOW)
        self.bob.templates.retire(lead, 4, now=NOW - 27 * DAY)
        self.alice.templates.published()
        self.alice.templates.ever_published()
        self.bob.campaigns.set_window(
            lead, days=[7, 1, 2], start=time(0), end=time(0), respect_holidays=False, now=NOW
        )
        self.bob.campaigns.pause(lead, reason="A pause, (briefly)", now=NOW)
        self.alice.campaigns.resume(lead, now=NOW)
        self.bob.campaigns.resume(lead, now=NOW)
        self.service.campaigns.all_rules()
        return campaigns

    def _contacts(self) -> list[str]:
        alice = self.alice.contacts
        ids = [alice.add(DRAFT, created_by=cast.ALICE_ID, now=NOW)]
        for n in range(16):
            draft = replace(DRAFT, email=f"n{n}@x.example", first_name=f"N{n}", tags=())
            ids.append(self.bob.contacts.add(draft, created_by=None, now=NOW))
        alice.add(DRAFT, created_by=None, now=NOW)
        alice.add(ContactDraft(), created_by=None, now=NOW)
        alice.change(ids[0], replace(DRAFT, city="Bath", time_zone="Europe/London"), now=NOW)
        alice.get(ids[0])
        alice.get(cast.ALICE_ID)
        alice.by_email("ada@customer.example")
        alice.merge_fields(ids[0])
        page = alice.page(size=3)
        alice.page(before=page.next_before, size=3)
        search = ContactSearch(text='o\'neil, "THE"', tag='a,"b"', contact_types=("lead",))
        alice.page(search)
        alice.count(search)
        alice.count()
        alice.count_all()
        alice.industries()
        alice.types()
        self.bob.contacts.archive(ids[5:7], now=NOW)
        self.bob.contacts.archive(ids[5:7], now=NOW)
        self.bob.contacts.unarchive(ids[5:6], now=NOW)
        self.bob.contacts.change_type(ids[5:6], "client", now=NOW)
        rows = [
            imported(1, email="n1@x.example", first_name="Again"),
            imported(2, email="fresh@x.example", first_name='Fré\\sh, "x"', tags=["a,b", 'c"']),
        ]
        self._import(rows)
        return ids

    def _import(self, rows: list[dict[str, Any]]) -> None:
        imports = self.bob.contact_imports
        imports.known_addresses([row["email"] for row in rows] + ["a b", "c,d", 'e"f'])
        imports.suppress(["stop@x.example", "n4@x.example"], now=NOW)
        imports.suppress(["stop@x.example"], now=NOW)
        imports.store(rows, source="file", on_duplicate="update", enroll=True, now=NOW)

    def _enrollments(self, campaigns: dict[str, str], contacts: list[str]) -> None:
        enrollments = self.bob.enrollments
        live = enrollments.of_contact(contacts[0])
        ids = [e.id for e in live]
        enrollments.change(ids, "pause", now=NOW)
        enrollments.change(ids, "resume", now=NOW)
        enrollments.enroll(
            contacts[:3], campaign_id=campaigns["networking"], source="bulk", now=NOW
        )
        enrollments.enroll(contacts, campaign_id=None, source="bulk", now=NOW)
        enrollments.stop_all(contacts[3], now=NOW)
        [stopped] = enrollments.of_contact(contacts[3])[:1]
        enrollments.restart(stopped.id, now=NOW)
        enrollments.restart(stopped.id, now=NOW)
        enrollments.count_due(now=NOW)

    def _settings_and_people(self) -> None:
        self.service.app_settings.sending_rules()
        self.alice.app_settings.sending_rules()
        limits = self.bob.app_settings.sending_limits()
        changed = replace(limits, contact_daily_cap=7, breaker_bounce_percent=7.5)
        self.bob.app_settings.change_limits(changed, now=NOW)
        self.alice.app_settings.change_limits(limits, now=NOW)
        self.bob.app_settings.change_limits(replace(changed, contact_daily_cap=None), now=NOW)
        self.bob.app_settings.change_limits(changed, now=NOW)
        self.service.engine.halt_sending('The key was refused (401), "stop"', now=NOW)
        self.alice.app_settings.resume_sending(now=NOW)
        self.bob.app_settings.resume_sending(now=NOW)
        self.service.app_settings.sending_rules()
        dave = {"person_id": "da7e0000-0000-4000-8000-000000000009", "full_name": "Dave, Sr."}
        self.bob.people.add(**dave, email="dave@mpt.example", role="sales", now=NOW)
        self.alice.people.add(**dave, email="dave@mpt.example", role="admin", now=NOW)
        self.alice.people.active()
        self.alice.people.get(cast.BOB_ID)
        invite_and_promote(self.service, self.alice, self.bob)
        self.bob.scheduler_runs.request(now=NOW)
        self.alice.scheduler_runs.request(now=NOW)

    def _sending(self, lead: str) -> None:
        engine = self.service.engine
        engine.take_run_request(now=NOW)
        engine.due_by_step(now=NOW)
        engine.batch_size(1000)
        sender = {"email": "mpt@x.example", "name": 'M "P" T, Ltd'}
        run = engine.start_run(trigger="command", host="here", sender=sender, now=NOW)
        engine.sweep(run, now=NOW)
        sends = self._claim(run)
        engine.give_back(run, [sends[0].send_id], now=NOW)
        late = Postponement(
            send_id=sends[1].send_id,
            until=NOW + DAY,
            reason="holiday",
            explanation="Sunday, {x}",
        )
        engine.postpone(run, [late, replace(late, send_id=sends[2].send_id, until=None)], now=NOW)
        engine.expire(run, {sends[3].send_id: 'Too late, by a "week"'}, now=NOW)
        rest = sends[4:] + self._claim(run)
        for send, request in zip(rest, REQUESTS, strict=False):
            values = {send.send_id: ['a,"b"', "NULL", "ü 🙂", "back\\slash {x}", ""]}
            engine.hand_over(
                LEASE,
                provider="sendgrid",
                request_id=request,
                values=values,
                leave_by=NOW + timedelta(minutes=5),
                now=NOW,
            )
        engine.still_wanted(LEASE, [send.send_id for send in rest], now=NOW)
        self._settle(run, rest)
        counts = {"claimed": len(sends), "accepted": 1}
        engine.finish_run(run, counts=counts, error="", next_run_at=NOW + DAY, now=NOW)
        self._decide_by_hand(lead)

    def _claim(self, run: int) -> list[ClaimedSend]:
        claimed: list[ClaimedSend] = self.service.engine.claim_due(
            run, LEASE, limit=1000, lease_seconds=300, now=NOW
        )
        return claimed

    def _settle(self, run: int, sends: list[ClaimedSend]) -> None:
        ids = [send.send_id for send in sends]
        settlements = [
            Settlement(
                send_id=ids[0],
                status="accepted",
                message_id="m, 1",
                next_step=3,
                next_send_at=NOW + DAY,
            ),
            Settlement(
                send_id=ids[1], status="failed", reason='550 "no", {really}', address_refused=True
            ),
            Settlement(send_id=ids[2], status="retry", reason="429", retry_at=NOW + DAY / 7),
            *(Settlement(send_id=i, status="unconfirmed", reason="timeout") for i in ids[3:5]),
            *(Settlement(send_id=i, status="failed", reason="400") for i in ids[5:]),
        ]
        self.service.engine.settle(run, LEASE, settlements, now=NOW)

    def _decide_by_hand(self, lead: str) -> None:
        later = NOW + 2 * DAY
        run = self.service.engine.start_run(trigger="interval", host="here", sender={}, now=later)
        self.service.engine.sweep(run, now=later)
        bob = self.bob.sends
        bob.sent(campaign_id=lead, limit=9)
        bob.held(limit=9)
        failed = bob.held(status="failed", limit=9)
        bob.unconfirmed_groups(limit=9)
        unconfirmed = [send.id for send in bob.unconfirmed(limit=9)]
        bob.unconfirmed()
        self.alice.sends.mark_as_sent(unconfirmed, now=later)
        bob.mark_as_sent(unconfirmed[:1], now=later)
        bob.send_again(unconfirmed[1:], now=later)
        bob.retry_failed([send.id for send in failed], now=later)
        self.alice.scheduler_runs.latest(limit=5)

    def _what_came_back(self) -> None:
        [send, *_] = self.bob.sends.sent(limit=1)
        self.bob.sends.content(send.id)
        events = self.service.events
        delivered = event(send.id, send.to_email, "delivered", NOW + timedelta(hours=1, seconds=1))
        opened = replace(delivered, event="open", occurred_at=NOW + timedelta(hours=3))
        stranger = replace(delivered, send_id="", email="nobody@x.example")
        events.record([opened, delivered, stranger, opened], now=NOW + DAY)
        events.record([delivered], now=NOW + DAY)
        events.rescore(since=NOW)
        reply = IncomingReply(
            message_id="<1@x>",
            sender="n1@x.example",
            kind="out_of_office",
            subject='Re: "x", y',
            text="Back on Monday\n* 100%",
            occurred_at=NOW + DAY,
            quiet_until=NOW + 5 * DAY,
        )
        events.record_reply(reply, now=NOW + DAY)
        events.record_reply(reply, now=NOW + DAY)
        events.record_reply(replace(reply, sender="nobody@x.example"), now=NOW + DAY)
        events.quarantine("events", [("not JSON", '{"a": [1,"'), ("odd", "\\ NULL {}")], now=NOW)
        self.bob.events.quarantined(limit=5)
        self.alice.events.quarantined(limit=5)
        events.health()
        self.alice.events.of_contact(send.contact_id, limit=9)
        self.service.app_settings.account_day(now=NOW)

    def _looking_around(self, contacts: list[str]) -> None:
        self.alice.activities.add_note(
            contacts[0], "2026-03-10 said: “yes”, *maybe*", actor_id=cast.ALICE_ID, now=NOW
        )
        self.alice.activities.add_note(contacts[0], "x", actor_id=cast.BOB_ID, now=NOW)
        for contact in contacts:
            self.alice.activities.timeline(contact)
            self.bob.explanations.of_contact(contact, now=NOW + DAY, zone=UTC)
            self.bob.explanations.why_not_enrolled(contact, zone=UTC)
        self.alice.campaigns.overview()

    def _leaving(self, contacts: list[str]) -> None:
        self.bob.contacts.set_email_status(
            contacts[1], EmailStatus.BOUNCED, reason="550, gone", now=NOW
        )
        self.service.contacts.prefer(contacts[0], "lead", "this_campaign", now=NOW)
        self.service.contacts.prefer(contacts[0], None, "pause", now=NOW)
        self.service.contacts.prefer(contacts[0], None, "fly", now=NOW)
        self.service.contacts.unsubscribe(contacts[2], now=NOW)
        self.service.contacts.unsubscribe(cast.ALICE_ID, now=NOW)
        self.bob.suppressions.add(
            ['odd,"one"@x.example', "n1@x.example"], ["manual", "complaint"], source="x", now=NOW
        )
        self.bob.suppressions.all()
        for contact in contacts:
            self.bob.contacts.get(contact)
            self.bob.enrollments.of_contact(contact)
