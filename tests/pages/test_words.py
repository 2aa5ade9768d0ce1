"""Nothing that the database may hold reaches a page as a code."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.records.states import (
    CampaignStatus,
    EmailStatus,
    EnrollmentReason,
    EnrollmentStatus,
    RunStatus,
    SendStatus,
)
from crm.ui import words
from crm.ui.moments import Moments, zone_or_utc
from tests.conftest import Raw

NEW_YORK = Moments(ZoneInfo("America/New_York"), datetime(2026, 11, 21, 15, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("states", "in_words"),
    [
        (EmailStatus, words.EMAIL_STATUS),
        (CampaignStatus, words.CAMPAIGN_STATUS),
        (EnrollmentStatus, words.ENROLLMENT_STATUS),
        (EnrollmentReason, words.ENROLLMENT_REASON),
        (SendStatus, words.SEND_STATUS),
        (RunStatus, words.RUN_STATUS),
    ],
)
def test_every_state_has_words(states: type[StrEnum], in_words: dict[str, Any]) -> None:
    assert set(in_words) == set(states)


def test_every_kind_of_activity_and_trigger_the_database_allows_has_words(raw: Raw) -> None:
    assert set(words.ACTIVITY_KIND) == _allowed(raw, "activities", "kind")
    assert set(words.RUN_TRIGGER) == _allowed(raw, "scheduler_runs", "trigger")


@pytest.mark.parametrize(
    ("in_words", "table", "column"),
    [
        (words.EVENT, "email_events", "event"),
        (words.MACHINE_REASON, "email_events", "machine_reason"),
        (words.QUIET_REASON, "contacts", "quiet_reason"),
        (words.QUARANTINE_SOURCE, "quarantined_messages", "source"),
        (words.SUPPRESSION_REASON, "suppressions", "reason"),
    ],
)
def test_every_code_about_delivery_has_words(
    raw: Raw, in_words: dict[str, str], table: str, column: str
) -> None:
    # An empty code stands for "nothing to say" and has no words.
    assert {code for code in in_words if code} == _allowed(raw, table, column)
    assert all(text for code, text in in_words.items() if code)


def test_every_outcome_of_enrolling_has_words(raw: Raw) -> None:
    row = raw.execute(
        "select pg_get_functiondef(oid) as text from pg_proc"
        " where oid = 'private.enroll(uuid[],uuid,text,timestamptz,uuid[])'::regprocedure"
    ).fetchone()
    assert row is not None
    outcomes = set(re.findall(r"(?:then|else) '([a-z_]+)'", row["text"]))
    outcomes -= {"active", "paused", "waits_for_other"}  # what an enrollment is, not an outcome
    assert {"opted_out", "enrolled", "suppressed"} <= outcomes
    for outcome in outcomes | set(EmailStatus) - {"ok"}:
        assert "left alone" not in words.enroll_outcomes([outcome]), outcome


def _allowed(raw: Raw, table: str, column: str) -> set[str]:
    rows = raw.execute(
        "select (regexp_matches(pg_get_constraintdef(oid), '''([a-z_]+)''::text', 'g'))[1] as code"
        " from pg_constraint where conrelid = %s::regclass and conname = %s",
        (table, f"{table}_{column}_check"),
    )
    return {str(row["code"]) for row in rows}


@pytest.mark.parametrize(
    ("days", "start", "end", "told"),
    [
        ([1, 2, 3, 4, 5], time(9), time(17), "Mon–Fri, 09:00–17:00"),
        ([1, 3, 5], time(9), time(12, 30), "Mon, Wed, Fri, 09:00–12:30"),
        ([6, 7, 1, 2], time(0), time(0), "Mon–Tue, Sat–Sun, 00:00–24:00"),
        (range(1, 8), time(8), time(20), "Every day, 08:00–20:00"),
    ],
)
def test_a_send_window_reads_as_people_write_it(
    days: list[int], start: time, end: time, told: str
) -> None:
    assert words.send_window(days, start, end) == told


def test_outcomes_of_enrolling_make_sentences() -> None:
    outcomes = ["enrolled"] * 1200 + ["unsubscribed"]
    assert words.enroll_outcomes(outcomes) == (
        "1,200 contacts were enrolled. 1 contact has unsubscribed."
    )


def test_a_run_that_found_nothing_says_so() -> None:
    assert words.run_counts({"claimed": 0}) == "Nothing was due"
    assert words.run_counts({"accepted": 1204, "failed": 2}) == "1,204 sent, 2 failed"
    swept = {"confirmed": 1, "resent": 2, "held": 3, "expired": 4}
    assert words.run_counts(swept) == (
        "1 proven sent, 2 proven unsent and due again, 3 waiting for evidence, 4 too late to send"
    )


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (datetime(2026, 11, 21, 14, 0, tzinfo=UTC), "Today, 09:00"),
        (datetime(2026, 11, 22, 4, 59, tzinfo=UTC), "Today, 23:59"),
        (datetime(2026, 11, 22, 5, 0, tzinfo=UTC), "Tomorrow, 00:00"),
        (datetime(2026, 11, 23, 14, 0, tzinfo=UTC), "Mon 23 Nov, 09:00"),
        (datetime(2027, 1, 4, 14, 0, tzinfo=UTC), "Mon 4 Jan 2027, 09:00"),
        (None, "–"),
    ],
)
def test_moments_are_told_in_the_viewers_zone(moment: datetime | None, told: str) -> None:
    assert NEW_YORK.when(moment) == told


def test_an_email_whose_time_has_come_is_due_now() -> None:
    assert NEW_YORK.due(NEW_YORK.now) == "Due now"
    assert NEW_YORK.due(datetime(2026, 11, 23, 14, 0, tzinfo=UTC)) == "Mon 23 Nov, 09:00"


def test_a_zone_nobody_knows_falls_back_to_utc() -> None:
    assert zone_or_utc("Mars/Olympus").key == "UTC"
    assert zone_or_utc(None).key == "UTC"
