"""Nothing that the database may hold reaches a sentence as a code."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from crm.records import explanation_words
from crm.records.explanations import StepFacts, explain
from tests.cast import NOW
from tests.conftest import Raw
from tests.database.sending import values
from tests.unit.step_facts import NEXT

NEW_YORK = ZoneInfo("America/New_York")
REAL = "Outside sending hours (Mon–Fri 09:00–17:00, America/New_York); contact.first_name"


def _codes(raw: Raw, table: str, column: str) -> set[str]:
    definition = values(
        raw,
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = %s::regclass and conname = %s",
        table,
        f"{table}_{column}_check",
    )[0]
    return set(re.findall(r"'([^']*)'::text", definition))


IN_WORDS = {
    ("campaign_enrollments", "reason"): explanation_words.ENROLLMENT_REASON,
    ("contacts", "email_status"): explanation_words.EMAIL_STATUS,
    ("contacts", "quiet_reason"): explanation_words.QUIET_REASON,
    ("drip_decisions", "reason"): explanation_words.DECISION_REASON,
}


@pytest.mark.parametrize("column", IN_WORDS, ids=".".join)
def test_every_code_the_database_allows_has_words(raw: Raw, column: tuple[str, str]) -> None:
    assert set(IN_WORDS[column]) == _codes(raw, *column)


def test_no_sentence_about_anything_the_database_allows_speaks_in_codes(raw: Raw) -> None:
    told = [
        explain(facts, now=NOW, zone=NEW_YORK).sentence for facts in _everything_the_sql_allows(raw)
    ]
    assert len(set(told)) > 80
    for sentence in set(told):
        assert "_" not in sentence, sentence
        assert not re.search(r"\bNone\b|\(\)|\s\s|\.\.| ,", sentence), sentence
        assert re.fullmatch(r"[A-Z][^\n]+\.", sentence), sentence


def _everything_the_sql_allows(raw: Raw) -> Iterator[StepFacts]:
    """Each place and send status with each enrollment, and with each of these every other code."""
    day = timedelta(days=1)
    for send, enrollment, place in product(
        [None, *sorted(_codes(raw, "email_sends", "status"))],
        sorted(_codes(raw, "campaign_enrollments", "status")),
        [None, 1, 2, 3],
    ):
        over = enrollment in {"completed", "stopped"}
        facts = replace(
            NEXT,
            place=place,
            send_status=send,
            enrollment_status=enrollment,
            ended_at=NOW - day if over else None,
            tried_at=NOW - day if send else None,
        )
        yield facts
        for reason in _codes(raw, "campaign_enrollments", "reason"):
            yield replace(facts, enrollment_reason=reason)
        for status in _codes(raw, "contacts", "email_status"):
            yield replace(facts, email_status=status, enrollment_reason="" if over else "replied")
        for status in _codes(raw, "drip_campaigns", "status"):
            yield replace(facts, campaign_status=status)
        for reason in _codes(raw, "contacts", "quiet_reason"):
            yield replace(facts, quiet_until=NOW + day, quiet_reason=reason)
        for reason in _codes(raw, "drip_decisions", "reason"):
            for until in (None, NOW + day):
                decided = replace(facts, decision_reason=reason, decided_at=NOW, decision=REAL)
                yield replace(decided, decision_until=until, next_send_at=until)
        for event in _codes(raw, "email_events", "event"):
            yield replace(facts, trouble=event, trouble_reason="")
