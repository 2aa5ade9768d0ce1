"""Every figure of every dataclass, against pandas over the raw tables of a drawn story."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm.records.figures import CampaignFigures, Period
from db_service import DbService
from tests.conftest import PublishedSteps, Raw
from tests.database.analytics_in_pandas import InPandas
from tests.database.analytics_past import BEGIN, BORDERS, END
from tests.database.analytics_story import Story

PERIODS = {
    "everything": Period(BEGIN - timedelta(days=30), END + timedelta(days=300)),
    "to a border": Period(BEGIN, BORDERS[1]),
    "between borders": Period(BORDERS[1], BORDERS[2]),
    "over both clock changes": Period(BORDERS[2], BORDERS[3] + timedelta(days=1)),
    "an empty one": Period(datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 3, 1, tzinfo=UTC)),
}
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu")
# Each changes one rule of a function of the database: the comparison has to see it.
BROKEN = {
    "private.judge_emails": {
        "machines open": ("s.first_opened_at is not null", "true"),
        "automatic replies answer": (
            "'reply', 'spamreport'",
            "'reply', 'auto_reply', 'spamreport'",
        ),
        "what colleagues wrote counts": ("and a.actor_id is null", ""),
        "an event counts twice": (
            "t.received_at from told t where",
            "t.received_at from told t where false and",
        ),
        "backwards converts": ("where h.is_forward and", "where"),
        "half a year converts": ("2160 hours", "4320 hours"),
        "every e-mail earns it": ("m.next_at > g.at", "true"),
        "unsent counts": ("'bounced', 'dropped')", "'bounced', 'dropped', 'failed')"),
        "a merge is a step": (
            "h.changed_at) not in",
            "h.changed_at) is not null or (null, null) in",
        ),
        "the merged are strangers": ("c.id, c.merged_into from", "c.id, c.id from"),
    },
    "private.judge_people": {
        "the merged were nowhere": ("or f.merged_into = c.id", ""),
        "machines open": ("bool_or(y.opened)", "bool_or(y.opened_raw)"),
    },
    "public.campaign_figures": {
        "the end belongs to it": ("o.sent_at < p_until", "o.sent_at <= p_until"),
        "ended is begun": ("e.ended_at >= p_since", "e.enrolled_at >= p_since"),
        "restarts are one": ("count(*) as enrolled", "count(distinct e.contact_id) as enrolled"),
        "days since the e-mail": ("o.converted_at - o.enrolled_at", "o.converted_at - o.sent_at"),
    },
    "public.step_figures": {"the first version names it": ("t.version desc", "t.version")},
    "public.day_figures": {"days are those of UTC": ("at time zone p_zone", "at time zone 'UTC'")},
    "public.cohort_figures": {
        "months are those of UTC": (
            "a.enrolled_at at time zone p_zone",
            "a.enrolled_at at time zone 'UTC'",
        )
    },
    "public.type_figures": {"the archive counts": ("not o.archived", "true")},
}


@pytest.fixture
def tell(raw: Raw, service: DbService, published_steps: PublishedSteps) -> Callable[[int], None]:
    def one(seed: int) -> None:
        Story(raw, service, published_steps, seed).tell()

    return one


@dataclass(frozen=True)
class Question:
    """A method of the analytics with its arguments, and what pandas answered."""

    method: str
    asked: dict[str, Any]
    expected: list[Any]

    def differences(self, person: DbService) -> list[tuple[Any, Any]]:
        """The database's answer beside the one of pandas, where they are not the same."""
        answer = getattr(person.analytics, self.method)(**self.asked)
        pairs = zip(answer, self.expected, strict=True)
        return [(one, other) for one, other in pairs if one != other and not _nearly(one, other)]


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(more, marks=pytest.mark.faults) for more in (2, 3))]
)
def test_every_figure_is_what_pandas_counts(
    raw: Raw, service: DbService, alice: DbService, tell: Callable[[int], None], seed: int
) -> None:
    tell(seed)
    _count_all(service)
    questions = _questions(InPandas.read(raw))
    assert [d for question in questions for d in question.differences(alice)] == []
    # Counted again from the beginning they are the same: nothing drifted on the way.
    _count_from_the_beginning(raw, service)
    assert [d for question in questions for d in question.differences(alice)] == []


def test_the_story_has_something_of_everything(
    raw: Raw, service: DbService, tell: Callable[[int], None]
) -> None:
    tell(1)
    _count_all(service)
    for table in (
        "contacts where merged_into is not null",
        "drip_campaigns where status = 'archived'",
    ):
        assert raw.execute(f"select from {table}".encode()).fetchall(), table
    told = [asdict(figures) for figures in service.analytics.campaigns(PERIODS["everything"])]
    assert [name for name in told[0] if not any(figures[name] for figures in told)] == []


def test_a_broken_rule_is_noticed(
    raw: Raw, service: DbService, tell: Callable[[int], None]
) -> None:
    tell(2)
    questions = _questions(InPandas.read(raw))
    unnoticed = []
    for function, rules in BROKEN.items():
        for name, (rule, other) in rules.items():
            with _broken(raw, function, rule, other):
                _count_from_the_beginning(raw, service)
                if not any(question.differences(service) for question in questions):
                    unnoticed.append(name)
    assert unnoticed == []


@contextmanager
def _broken(raw: Raw, function: str, rule: str, other: str) -> Iterator[None]:
    row = raw.execute("select pg_get_functiondef(%s::regproc) as text", (function,)).fetchone()
    assert row is not None
    assert rule in row["text"], f"{function} has no {rule}"
    raw.execute(row["text"].replace(rule, other).encode())
    yield
    raw.execute(row["text"].encode())


def _count_all(service: DbService) -> None:
    assert service.analytics.catch_up(parts=100) == 0


def _count_from_the_beginning(raw: Raw, service: DbService) -> None:
    raw.execute("truncate private.email_outcomes, private.contact_outcomes")
    raw.execute("select recount_outcomes()")
    _count_all(service)


def _questions(pandas: InPandas) -> list[Question]:
    ids = pandas.tables["drip_campaigns"]["id"].tolist()
    asked: list[tuple[str, dict[str, Any]]] = [("funnel_by_type", {})]
    for period in PERIODS.values():
        asked.append(("campaigns", {"period": period}))
        asked += [("steps", {"campaign_id": c, "period": period}) for c in ids]
        asked += [
            ("by_day", {"campaign_id": campaign, "period": period, "zone": zone})
            for campaign in (None, ids[1])
            for zone in ZONES
        ]
    asked += [
        ("cohorts", {"campaign_id": campaign, "months": 9, "now": END, "zone": zone})
        for campaign in ids[:3]
        for zone in ZONES
    ]
    return [
        Question(method, question, getattr(pandas, method)(**question))
        for method, question in asked
    ]


def _nearly(one: Any, other: Any) -> bool:
    """The same but for the last digits of a median."""
    days = other.median_days_to_conversion if isinstance(other, CampaignFigures) else None
    return (
        days is not None
        and one == replace(other, median_days_to_conversion=one.median_days_to_conversion)
        and one.median_days_to_conversion == pytest.approx(days)
    )
