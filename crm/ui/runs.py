"""The run monitor: what the scheduler did, run by run, and what to look at when it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pandas as pd
import streamlit as st

from crm.records.scheduler_runs import SchedulerRun
from crm.ui import charts, empty_states, live, session, words
from crm.ui.exports import MOST_ROWS, download_menu
from crm.ui.markup import as_text
from crm.ui.moments import Moments

_SHOWN = 50
# Their names stand side by side below them; more days are a line.
_MOST_BARS = 14
_CURSORS = "run_cursors"
_OVERDUE = timedelta(minutes=15)
_STUCK = timedelta(hours=2)


def show() -> None:
    with st.container(horizontal=True, horizontal_alignment="right"):
        download_menu("Scheduler runs", _export, key="runs_export", log=False)
    live.section(_runs)


def _runs() -> None:
    records = session.current().db.scheduler_runs
    cursors: list[int | None] = st.session_state.setdefault(_CURSORS, [None])
    found = records.latest(before=cursors[-1], limit=_SHOWN + 1)
    if not found:
        empty_states.nothing(
            "The scheduler has not run yet.",
            "It starts with the app; “Run now” asks for a run.",
            key="no_runs",
        )
        return
    runs, moments = found[:_SHOWN], session.current().moments
    if cursors == [None]:
        for hint in hints(runs, moments):
            st.warning(hint)
    _chart(runs, moments, until=moments.now if cursors == [None] else runs[0].started_at)
    st.dataframe(
        pd.DataFrame([_row(run, moments) for run in runs]),
        hide_index=True,
        key="runs",
        height="content" if len(runs) <= 12 else 480,
        alt="Scheduler runs, the latest first",
        column_config={
            "Started": st.column_config.TextColumn(width=150, help="In your time zone"),
            "What it did": st.column_config.TextColumn(width=520),
        },
    )
    _pager(cursors, last=runs[-1].id, more=len(found) > _SHOWN)


def hints(runs: Sequence[SchedulerRun], moments: Moments) -> list[str]:
    """What to look at, by the latest runs (the newest first), as Markdown."""
    last, found = runs[0], []
    if last.finished_at is None and moments.now - last.started_at > _STUCK:
        found.append(
            f"The last run began {moments.when(last.started_at)} and never ended: its process was "
            "stopped. What it had begun is taken up again by the next run."
        )
    due = last.next_run_at
    if last.finished_at and due and moments.now - due > _OVERDUE:
        found.append(
            f"The next run was planned for {moments.when(due)} and did not begin. Is the app or "
            "the scheduler running, and is DRIP_ENABLED on? “Run now” shows whether one listens."
        )
    if last.error:
        found.append(f"The last run ended early: {as_text(last.error)}")
    if last.counts.get("failed", 0) or last.counts.get("unconfirmed", 0):
        found.append("E-mails of the last run wait for a person: see the queue.")
    return found


def _chart(runs: Sequence[SchedulerRun], moments: Moments, *, until: datetime) -> None:
    """What the runs shown sent, by day of the viewer's calendar."""
    frame = by_day(runs, moments, until=until)
    if not int(frame["Sent"].sum()):
        return
    st.caption("E-mails sent by the runs below, day by day")
    if len(frame) > _MOST_BARS:
        charts.trend(frame, x="Day", y="Sent", alt_text="E-mails sent by day")
        return
    frame["Day"] = [f"{day.day} {day:%b}" for day in frame["Day"]]
    charts.bars(frame, x="Day", y="Sent", alt_text="E-mails sent by day")


def by_day(runs: Sequence[SchedulerRun], moments: Moments, *, until: datetime) -> pd.DataFrame:
    """Day and Sent, without a gap up to the day of `until` (aware): a day without a run has 0."""
    sent: Counter[date] = Counter()
    for run in runs:
        sent[run.started_at.astimezone(moments.zone).date()] += run.counts.get("accepted", 0)
    last = max(*sent, until.astimezone(moments.zone).date())
    days = pd.date_range(min(sent), last).date
    return pd.DataFrame({"Day": days, "Sent": [sent[day] for day in days]})


def _pager(cursors: list[int | None], *, last: int, more: bool) -> None:
    if len(cursors) == 1 and not more:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="runs_pager"):
        st.button(
            "Newer", key="runs_back", on_click=_turn, args=(None,), disabled=len(cursors) == 1
        )
        st.button("Older", key="runs_on", on_click=_turn, args=(last,), disabled=not more)


def _turn(before: int | None) -> None:
    if before is None:
        st.session_state[_CURSORS].pop()
    else:
        st.session_state[_CURSORS].append(before)


def _row(run: SchedulerRun, moments: Moments) -> dict[str, str]:
    return {
        "Started": moments.when(run.started_at),
        "Why": words.RUN_TRIGGER.get(run.trigger, "Other"),
        "Took": _took(run),
        "Result": words.RUN_STATUS[run.status][0],
        "What it did": _did(run),
    }


def _did(run: SchedulerRun) -> str:
    """What it came to, and before that why it ended early where it did."""
    if run.finished_at is None:
        return run.error
    counts = words.run_counts(run.counts)
    if not run.error:
        return counts
    did_something = any(n for name, n in run.counts.items() if name != "requests")
    return f"{run.error.rstrip('.')}. Until then: {counts}" if did_something else run.error


def _took(run: SchedulerRun) -> str:
    if run.finished_at is None:
        return ""
    seconds = (run.finished_at - run.started_at).total_seconds()
    return f"{seconds / 60:.1f} min" if seconds >= 90 else f"{seconds:.1f} s"


def _export() -> list[dict[str, object]]:
    moments = session.current().moments
    found = session.current().db.scheduler_runs.latest(limit=MOST_ROWS + 1)
    return [
        {
            **_row(run, moments),
            "Started": run.started_at,
            "Finished": run.finished_at,
            "Requests": run.counts.get("requests", 0),
        }
        for run in found
    ]
