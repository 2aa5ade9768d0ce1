"""The scheduler at a glance: last run, next run, what it did, and asking it to run at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import streamlit as st

from crm.records.scheduler_runs import SchedulerRun
from crm.ui import calm, live, session, words
from crm.ui.feedback import say
from crm.ui.markup import as_text, status
from db_service import DatabaseError, connect

_ASKED = "run_asked"
# More than one: several schedulers may run, and another's run can have begun since.
_LOOKED_AT = 5
_WAIT = timedelta(seconds=90)
_POLL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Request:
    """When somebody asked for a run (aware UTC), and the newest run there was by then."""

    at: datetime
    newest_run: int


def show() -> None:
    _halt_banner()
    live.section(
        _status, every=_POLL_SECONDS if _ASKED in st.session_state else live.REFRESH_SECONDS
    )


def _halt_banner() -> None:
    here = session.current()
    halted = here.db.app_settings.sending_rules().halted_because
    if halted is None:
        return
    with st.container(border=True, key="halted"):
        st.error(f"**All sending is stopped.** {as_text(halted)}")
        if here.is_admin:
            st.caption("Mend the cause first; then let the scheduler go on where it stopped.")
            st.button("Resume sending", key="resume_sending", on_click=_resume_sending)


def _resume_sending() -> None:
    try:
        session.current().db.app_settings.resume_sending(now=session.now())
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    say("Sending goes on with the next run.")


def _status() -> None:
    here = session.current()
    runs = here.db.scheduler_runs.latest(limit=_LOOKED_AT)
    last = runs[0] if runs else None
    _settle_request(runs)
    with st.container(border=True, key="scheduler"):
        facts, button = st.columns([5, 1], vertical_alignment="center")
        with facts:
            status(_facts(last))
        with button:
            waiting = _ASKED in st.session_state
            if here.is_admin:
                st.button(
                    "Running …" if waiting else "Run now",
                    key="run_now",
                    type="primary",
                    disabled=waiting,
                    on_click=_ask,
                    width="stretch",
                )
        if last and last.error:
            st.error(as_text(f"The last run ended early: {last.error}"))
        if not connect().settings.sends_for_real:
            st.badge("Test mode: e-mails stay on this machine.", color="orange")
        _full_day()


def _full_day() -> None:
    day = session.current().db.app_settings.account_day(now=session.now())
    if day.limit is not None and day.is_full:
        st.caption(
            f"Today's limit of {words.counted(day.limit, 'e-mail')} is reached; "
            "the rest goes tomorrow."
        )


def _facts(last: SchedulerRun | None) -> list[tuple[str, str, str]]:
    here = session.current()
    moments = here.moments
    due = here.db.enrollments.count_due(now=moments.now)
    waiting = ("Due now", words.counted(due, "e-mail"), "Also those outside their sending hours")
    if last is None:
        return [("Last run", "Not yet", ""), ("Next run", "When the app starts", ""), waiting]
    return [
        ("Last run", moments.ago(last.started_at), moments.exact(last.started_at)),
        ("Result", _result(last), ""),
        ("Next run", _next_run(last), moments.exact(last.next_run_at)),
        waiting,
    ]


def _result(run: SchedulerRun) -> str:
    if run.finished_at is None:
        return words.RUN_STATUS[run.status][0]
    return words.run_counts(run.counts)


def _next_run(run: SchedulerRun) -> str:
    here = session.current()
    if run.next_run_at is None:
        return "Not planned"
    if run.next_run_at <= here.moments.now:
        return "Any moment"
    return here.moments.when(run.next_run_at)


def _ask() -> None:
    """on_click of Run now."""
    now, records = session.now(), session.current().db.scheduler_runs
    try:
        newest = records.latest(limit=1)
        records.request(now=now)
    except DatabaseError as error:
        say(calm.words_for(error))
    else:
        st.session_state[_ASKED] = _Request(now, newest[0].id if newest else 0)
    live.want_whole_page()


def _settle_request(runs: Sequence[SchedulerRun]) -> None:
    """Ends the waiting once the run that was asked for has finished, or nobody came. A run on
    schedule that was under way, or began meanwhile, is not the one that was asked for."""
    asked: _Request | None = st.session_state.get(_ASKED)
    if asked is None:
        return
    done = (
        run
        for run in runs
        if run.id > asked.newest_run and run.trigger == "requested" and run.finished_at
    )
    if run := next(done, None):
        say(f"Run finished: {words.run_counts(run.counts)}.")
    elif session.now() - asked.at > _WAIT:
        say("No scheduler took the request. Is the drip thread switched on (DRIP_ENABLED)?")
    else:
        return
    del st.session_state[_ASKED]
    st.rerun()
