"""Random wanderings between types under random policies, with the scheduler in between."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.records.states import SwitchPolicy
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import SlowScheduler, accepted, values

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
STEPS = {"lead": 3, "prospect": 2, "client": 2}
TYPES = (*STEPS, "other")
PAIRS = [(old, new) for old in STEPS for new in STEPS if old != new]


@pytest.fixture(autouse=True)
def library(published_steps: PublishedSteps) -> None:
    for campaign, steps in STEPS.items():
        published_steps(campaign, steps)


@dataclass(frozen=True, slots=True)
class Policy:
    pair: tuple[str, str]
    policy: SwitchPolicy


@dataclass(frozen=True, slots=True)
class Become:
    contact_type: str


@dataclass(frozen=True, slots=True)
class ByHand:
    action: str  # pause, resume, stop, start: of the newest enrollment it applies to


@dataclass(frozen=True, slots=True)
class Tick:
    days: int


Deed = Policy | Become | ByHand | Tick
DEEDS = st.lists(
    st.one_of(
        st.builds(Policy, st.sampled_from(PAIRS), st.sampled_from(list(SwitchPolicy))),
        st.builds(Become, st.sampled_from(TYPES)),
        st.builds(ByHand, st.sampled_from(["pause", "resume", "stop", "start"])),
        st.builds(Tick, st.integers(1, 9)),
    ),
    min_size=4,
    max_size=16,
)


class Wanderer:
    """One contact, what is done to it, and the day it is."""

    def __init__(self, raw: Raw, service: DbService, bob: DbService, contact: str) -> None:
        self.raw, self.service, self.bob, self.contact = raw, service, bob, contact
        self.now = NOW
        self.kept_both = False

    def does(self, deed: Deed) -> None:
        self.raw.execute("select set_config('mpt.now', %s, false)", (str(self.now),))
        match deed:
            case Policy(pair, policy):
                self.bob.type_switches.change({pair: policy}, now=self.now)
                self.kept_both |= policy is SwitchPolicy.KEEP_BOTH
            case Become(contact_type):
                self.bob.contacts.change_type([self.contact], contact_type, now=self.now)
            case ByHand("start"):
                ids = self._enrollments("reason = 'waits_for_other'")
                self.bob.type_switches.start_waiting(ids[:1], now=self.now)
            case ByHand("pause" | "stop" as action):
                ids = self._enrollments("status = 'active'")
                self.bob.enrollments.change(ids[:1], action, now=self.now)
            case ByHand(_):
                ids = self._enrollments("status = 'paused'")
                self.bob.enrollments.change(ids, "resume", now=self.now)
            case Tick(days):
                self.now += days * DAY
                self.send_what_is_due()

    def send_what_is_due(self) -> None:
        scheduler = SlowScheduler(self.service)
        while claimed := scheduler.claim(self.now):
            ids = [c.send_id for c in claimed]
            scheduler.hand_over(ids, self.now)
            key = values(
                self.raw, "select key from drip_campaigns where id = %s", claimed[0].campaign_id
            )[0]
            step = claimed[0].step + 1 if claimed[0].step < STEPS[key] else None
            due = self.now + WEEK if step else None
            scheduler.settle([accepted(i, next_step=step, next_send_at=due) for i in ids], self.now)

    def check(self) -> None:
        active = self._enrollments("status = 'active' and is_type_campaign")
        assert len(active) <= 1 or self.kept_both, "nobody asked for two at once"
        stranded = values(
            self.raw,
            "select w.id::text from campaign_enrollments w"
            " join campaign_enrollments e on e.id = w.waits_for"
            " where w.contact_id = %s and w.reason = 'waits_for_other'"
            "   and e.status not in ('active', 'paused')",
            self.contact,
        )
        assert stranded == [], "it waits for one that has ended"
        for campaign in STEPS:
            steps = self.received(campaign)
            assert steps == list(range(1, len(steps) + 1)), "an e-mail was repeated or missed"

    def received(self, campaign: str) -> list[int]:
        return values(
            self.raw,
            "select s.step from email_sends s join drip_campaigns d on d.id = s.campaign_id"
            " where s.contact_id = %s and d.key = %s and s.status = 'accepted'"
            " order by s.settled_at",
            self.contact,
            campaign,
        )

    def runs_to_its_end(self) -> None:
        """Everything paused by hand goes on; then time passes."""
        for _ in range(12):
            self.does(ByHand("resume"))
            self.does(Tick(8))
            self.check()

    def _enrollments(self, which: str) -> list[str]:
        return values(
            self.raw,
            f"select id::text from campaign_enrollments where contact_id = %s and {which}"
            " order by id desc",
            self.contact,
        )


@pytest.mark.faults
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(deeds=DEEDS)
def test_no_wandering_under_any_policy_repeats_loses_or_strands_an_e_mail(
    raw: Raw, service: DbService, bob: DbService, a_contact: AContact, deeds: list[Deed]
) -> None:
    raw.execute("update contacts set archived_at = now() where archived_at is null")
    raw.execute("delete from type_switches")
    raw.execute("select set_config('mpt.now', %s, false)", (str(NOW),))
    wanderer = Wanderer(raw, service, bob, a_contact())
    for deed in deeds:
        wanderer.does(deed)
        wanderer.check()
    wanderer.runs_to_its_end()
    left = values(
        raw,
        "select count(*) from campaign_enrollments"
        " where contact_id = %s and status in ('active', 'paused')",
        wanderer.contact,
    )
    assert left == [0], "each campaign that was to run has run, and what waited has begun"
    last_type = values(raw, "select contact_type from contacts where id = %s", wanderer.contact)[0]
    stopped = values(
        raw,
        "select e.reason from campaign_enrollments e join drip_campaigns d on d.id = e.campaign_id"
        " where e.contact_id = %s and d.key = %s order by e.id desc limit 1",
        wanderer.contact,
        last_type,
    )
    if last_type in STEPS and stopped == [""]:
        assert len(wanderer.received(last_type)) == STEPS[last_type]
