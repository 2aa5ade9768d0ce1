"""Opens and clicks of machines are kept and marked, and never count as a person."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.reporting import event_about, the_send
from tests.database.sending import SlowScheduler, one, values

HIDDEN = "https://crm.mpt.example/unsubscribe/token/hidden"
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"


@dataclass(frozen=True)
class Said:
    """An event so many seconds after the delivery at NOW."""

    kind: str
    second: float = 600
    url: str = ""
    ip: str = "198.51.100.7"
    agent: str = BROWSER
    machine: bool = False


@dataclass(frozen=True)
class Case:
    said: list[Said]
    reasons: list[str] = field(default_factory=list)


DELIVERED = Said("delivered", 0, ip="", agent="")


def _clicks(*seconds: float, **fields: Any) -> list[Said]:
    """Clicks on different links."""
    return [
        Said("click", s, url=f"https://mpt.example/{n}", **fields) for n, s in enumerate(seconds)
    ]


CASES = {
    "a person opens": Case([DELIVERED, Said("open", 30)], [""]),
    "the provider says it was a machine": Case(
        [DELIVERED, Said("open", 900, machine=True)], ["machine_open"]
    ),
    "a security gateway names itself": Case(
        [DELIVERED, *_clicks(90, agent="Mozilla/5.0 (compatible; ProofPoint URL Defense)")],
        ["security_gateway"],
    ),
    "a program": Case(
        [DELIVERED, Said("open", 90, agent="python-requests/2.32")], ["security_gateway"]
    ),
    "a crawler": Case([DELIVERED, Said("open", 90, agent="Examplebot/2.1")], ["security_gateway"]),
    "a person whose telephone is called like a robot": Case(
        [DELIVERED, Said("open", 90, agent="Mozilla/5.0 (Linux; Android 9; CUBOT NOTE)")], [""]
    ),
    "the link no person sees": Case(
        [DELIVERED, Said("click", 90, url=HIDDEN), *_clicks(100, 150)],
        ["honeypot"] * 3,
    ),
    "an open beside the hidden link": Case(
        [DELIVERED, Said("click", 90, url=HIDDEN), Said("open", 60)], ["honeypot"] * 2
    ),
    "another machine at the same time is another reader": Case(
        [DELIVERED, Said("click", 90, url=HIDDEN), *_clicks(95, ip="203.0.113.9")],
        ["", "honeypot"],
    ),
    "the same reader long after": Case(
        [DELIVERED, Said("click", 90, url=HIDDEN), *_clicks(151)], ["", "honeypot"]
    ),
    "three links within seconds of the delivery": Case(
        [DELIVERED, *_clicks(20, 24, 30)], ["click_burst"] * 3
    ),
    "two links are a curious person": Case([DELIVERED, *_clicks(20, 24)], [""] * 2),
    "three links in a minute": Case([DELIVERED, *_clicks(10, 31, 52)], [""] * 3),
    "three links within seconds, but a day later": Case(
        [DELIVERED, *_clicks(86400, 86404, 86408)], [""] * 3
    ),
    "one link three times": Case(
        [DELIVERED, *(Said("click", s, url="https://mpt.example/") for s in (20, 24, 28))], [""] * 3
    ),
    "faster than anybody reads": Case(
        [DELIVERED, Said("open", 2), *_clicks(1)], ["faster_than_people"] * 2
    ),
    "three seconds are quick, but possible": Case([DELIVERED, Said("open", 3)], [""]),
    "without a delivery nothing is too fast": Case([Said("open", 1)], [""]),
}


@pytest.fixture
def send(
    service: DbService, a_contact: AContact, published_steps: PublishedSteps, raw: Raw
) -> dict[str, Any]:
    published_steps("lead", 2)
    a_contact()
    SlowScheduler(service).send_all(next_step=2)
    return the_send(raw)


def _tell(service: DbService, send: dict[str, Any], said: Sequence[Said], *, at_once: bool) -> None:
    events = [
        event_about(
            send,
            s.kind,
            at=NOW + timedelta(seconds=s.second),
            url=s.url,
            ip=s.ip,
            user_agent=s.agent,
            says_machine=s.machine,
        )
        for s in said
    ]
    for batch in [events] if at_once else [[event] for event in events]:
        service.events.record(batch, now=NOW + timedelta(days=2))


def _reasons(raw: Raw) -> list[str]:
    query = "select machine_reason from email_events where event in ('open', 'click') order by 1"
    return values(raw, query)


def _people(raw: Raw) -> tuple[Any, Any]:
    send = the_send(raw)
    return send["first_opened_at"], send["first_clicked_at"]


def _first(said: Sequence[Said], reasons: Sequence[str], kind: str) -> Any:
    """When the first person did so, if all of a case are people."""
    assert not any(reasons)
    moments = [NOW + timedelta(seconds=s.second) for s in said if s.kind == kind]
    return min(moments, default=None)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_each_rule_judges_alike_in_every_order_of_arrival(
    service: DbService, raw: Raw, send: dict[str, Any], name: str, at_once: bool
) -> None:
    case = CASES[name]
    for order in permutations(case.said):
        with raw.transaction():
            raw.execute("delete from email_events")
        _tell(service, send, order, at_once=at_once)
        assert _reasons(raw) == case.reasons
        assert values(raw, "select count(*) from email_events where is_machine") == [
            sum(bool(reason) for reason in case.reasons)
        ]
        if all(case.reasons):
            assert _people(raw) == (None, None)
        elif not any(case.reasons):
            expected = (_first(case.said, case.reasons, k) for k in ("open", "click"))
            assert _people(raw) == tuple(expected)


def test_a_person_beside_a_machine_counts_from_their_own_first_open(
    service: DbService, raw: Raw, send: dict[str, Any]
) -> None:
    said = [
        DELIVERED,
        Said("open", 5, machine=True),
        Said("open", 90),
        Said("open", 40, ip="203.0.113.9"),
    ]
    _tell(service, send, said, at_once=False)
    assert _people(raw) == (NOW + timedelta(seconds=40), None)


def _with_rule(raw: Raw, gateway: str, *, replaced_by: str) -> None:
    """Another program name in the rules, wherever they stand."""
    definition = one(
        raw,
        "select pg_get_functiondef(oid) as text from pg_proc where prosrc like %s",
        f"%|{gateway}|%",
    )["text"]
    raw.execute(definition.replace(f"|{gateway}|", f"|{replaced_by}|").encode())


def test_better_rules_judge_the_past_again(
    service: DbService, raw: Raw, send: dict[str, Any]
) -> None:
    _tell(
        service,
        send,
        [DELIVERED, Said("open", 90, agent="NewShield/1"), *_clicks(90)],
        at_once=True,
    )
    known = _people(raw)
    assert None not in known
    assert service.events.rescore(since=NOW) == 0, "the same rules say the same"
    _with_rule(raw, "proofpoint", replaced_by="newshield")
    assert service.events.rescore(since=NOW + timedelta(days=1)) == 0, "older ones stay as they are"
    assert service.events.rescore(since=NOW) == 1
    assert _people(raw) == (None, known[1])
    _with_rule(raw, "newshield", replaced_by="proofpoint")
    assert service.events.rescore(since=NOW) == 1
    assert _people(raw) == known


def test_many_e_mails_are_judged_again_part_by_part(
    service: DbService, raw: Raw, send: dict[str, Any]
) -> None:
    raw.execute(
        "insert into email_sends (contact_id, enrollment_id, campaign_id, step, run, template_id,"
        " to_email, claimed_at, handed_over_at, status, first_opened_at)"
        " select contact_id, enrollment_id, campaign_id, 1, n, template_id, to_email, claimed_at,"
        " claimed_at, 'accepted', claimed_at from email_sends, generate_series(2, 10050) n"
    )
    raw.execute("set session_replication_role = replica")
    raw.execute(
        "insert into email_events"
        " (send_id, contact_id, event, occurred_at, message_id, says_machine)"
        " select id, contact_id, 'open', %s, id::text, true from email_sends",
        (NOW,),
    )
    assert service.events.rescore(since=NOW) == 10050
    assert values(raw, "select count(*) from email_sends where first_opened_at is not null") == [0]
