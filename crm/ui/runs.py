"""The history of scheduler runs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from crm.records.scheduler_runs import SchedulerRun
from crm.ui import session, words
from crm.ui.moments import Moments

_SHOWN = 50


def show() -> None:
    runs = session.current().db.scheduler_runs.latest(limit=_SHOWN)
    if not runs:
        st.info("The scheduler has not run yet. It starts with the app; “Run now” asks for a run.")
        return
    moments = session.current().moments
    st.dataframe(
        pd.DataFrame([_row(run, moments) for run in runs]),
        hide_index=True,
        key="runs",
        alt="Scheduler runs, the latest first",
    )


def _row(run: SchedulerRun, moments: Moments) -> dict[str, str]:
    return {
        "Started": moments.when(run.started_at),
        "Why": words.RUN_TRIGGER.get(run.trigger, "Other"),
        "Took": _took(run),
        "Result": words.RUN_STATUS[run.status][0],
        "What it did": words.run_counts(run.counts) if run.finished_at else "",
        "Requests": words.number(run.counts.get("requests", 0)),
        "Error": run.error,
    }


def _took(run: SchedulerRun) -> str:
    if run.finished_at is None:
        return ""
    seconds = (run.finished_at - run.started_at).total_seconds()
    return f"{seconds / 60:.1f} min" if seconds >= 90 else f"{seconds:.1f} s"
