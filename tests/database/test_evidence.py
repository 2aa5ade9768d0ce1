"""The evidence rule: when silence means "not accepted", case by case."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.cast import NOW
from tests.conftest import Raw
from tests.database.reporting import GRACE, MINUTE, a_request
from tests.database.sending import values


@dataclass(frozen=True)
class Request:
    """A request by its minute after the silent e-mail; `after` None: nothing was heard of it."""

    minute: float
    accepted: int = 2
    heard: int | None = None
    after: float | None = 1


@dataclass(frozen=True)
class Case:
    requests: list[Request]
    alive: bool
    minutes_later: float = 600
    grace: timedelta = field(default=GRACE)


def _heard(*minutes: float, **fields: Any) -> list[Request]:
    return [Request(minute, **fields) for minute in minutes]


SILENT: dict[str, Any] = {"after": None}

CASES = {
    "later requests heard of over a whole grace": Case(_heard(5, 35, 66), alive=True),
    "a grace to the minute": Case(_heard(5, 35, 65), alive=True),
    "the reports span a minute less than the grace": Case(_heard(5, 35, 64), alive=False),
    "nothing was sent later": Case([], alive=False),
    "four e-mails are too few": Case(_heard(5, 66), alive=False),
    "five are enough": Case([Request(5, accepted=3), Request(66)], alive=True),
    "a control group that left before it": Case(_heard(-80, -50, -20, -10), alive=False),
    "an earlier neighbour that was heard of does not lengthen the chain": Case(
        _heard(-14, 20, 47), alive=False
    ),
    "earlier requests do not lengthen the chain": Case(_heard(-55, -25, 5, 35), alive=False),
    "a silent request in between": Case(
        [*_heard(5, 30), Request(45, **SILENT), *_heard(60, 90)], alive=False
    ),
    "a whole grace after the silent one": Case(
        [*_heard(5, 30), Request(45, **SILENT), *_heard(60, 90, 120)], alive=True
    ),
    "a request heard of in part breaks the chain as well": Case(
        [*_heard(5, 30), Request(45, accepted=5, heard=4), *_heard(60, 90)], alive=False
    ),
    "a longer pause than the grace and a quarter": Case(_heard(5, 81, 82), alive=False),
    "a pause just as long": Case(_heard(5, 80, 81), alive=True),
    "a silent neighbour a little later": Case(
        [Request(15, **SILENT), *_heard(40, 70, 110, 170)], alive=False
    ),
    "a silent neighbour at the same moment": Case(
        [Request(0, **SILENT), *_heard(5, 35, 66)], alive=False
    ),
    "a silent neighbour a little earlier": Case(
        [Request(-14, **SILENT), *_heard(5, 35, 66)], alive=False
    ),
    "a neighbour heard of in part": Case(
        [Request(5, accepted=9, heard=8), *_heard(40, 70, 110, 170)], alive=False
    ),
    "a silent request long before": Case([Request(-15, **SILENT), *_heard(5, 35, 66)], alive=True),
    "an outage, then an hour alive": Case(
        [Request(20, **SILENT), Request(40, **SILENT), *_heard(61, 91, 121)], alive=True
    ),
    "an outage, then less than an hour": Case(
        [Request(20, **SILENT), Request(40, **SILENT), *_heard(61, 91, 120)], alive=False
    ),
    "what an outage held back, delivered all at once": Case(
        [Request(m, after=100 - m) for m in (5, 35, 65, 95)], alive=False
    ),
    "requests that nobody answered for, proven by events": Case(
        _heard(5, 35, 66, accepted=0, heard=3), alive=False
    ),
    "a request proven by events does not lengthen the chain": Case(
        [Request(5, accepted=0, heard=3), *_heard(35, 66, 70)], alive=False
    ),
    "a request that nobody answered for does not bridge a pause": Case(
        [*_heard(5), Request(45, accepted=0, **SILENT), *_heard(81, 82)], alive=False
    ),
    "more events than accepted e-mails count as those": Case(_heard(5, 66, heard=50), alive=False),
    "the youngest may still be heard of": Case(
        [*_heard(5, 35, 66), Request(70, **SILENT)], alive=True, minutes_later=80
    ),
    "a later silence does not undo the proof": Case(
        [*_heard(5, 35, 66), Request(90, **SILENT)], alive=True
    ),
    "a longer grace asks for a longer chain": Case(
        _heard(5, 35, 66, 96), alive=False, grace=2 * GRACE
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_whether_silence_is_proof(raw: Raw, name: str) -> None:
    case = CASES[name]
    for r in case.requests:
        a_request(raw, r.minute, accepted=r.accepted, heard=r.heard, after=r.after)
    assert _alive(raw, case.grace, NOW + case.minutes_later * MINUTE) is case.alive


def _alive(raw: Raw, grace: timedelta, now: datetime) -> bool:
    answer = values(raw, "select private.webhook_was_alive(%s, %s, %s)", NOW, grace, now)
    return bool(answer[0])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_requests_of_the_same_moment_are_judged_in_any_order_alike(
    raw: Raw, order: tuple[int, int]
) -> None:
    twins = [Request(35), Request(35, **SILENT)]
    for r in (Request(5), *(twins[i] for i in order), Request(66), Request(90)):
        a_request(raw, r.minute, accepted=r.accepted, heard=r.heard, after=r.after)
    assert _alive(raw, GRACE, NOW + GRACE * 9) is False
