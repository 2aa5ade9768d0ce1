"""Pausing, resuming, stopping and restarting many enrollments at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import streamlit as st

from crm.records.campaign_enrollments import EnrollmentFilter, ListedEnrollment
from crm.records.campaigns import Campaign
from crm.ui import calm, live, session, words
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog, open_dialog
from crm.ui.markup import as_text

Deed = Literal["pause", "resume", "stop", "restart"]

_AT_ONCE = 200
"""Changed in one statement; so often does the progress bar move."""
_TURN, _SUMMARY = "enrollments_turn", "enrollments_summary"
_LABEL: Mapping[Deed, str] = {
    "pause": "Pause",
    "resume": "Resume",
    "stop": "Stop",
    "restart": "Restart",
}
_FOLLOWS: Mapping[Deed, str] = {
    "pause": "They receive nothing until resumed, and keep their place.",
    "resume": "They go on where they stopped. Whoever may not be written to any more stays paused.",
    "stop": "They receive no more e-mails of this campaign until enrolled again.",
    "restart": "The sequence begins again with its first e-mail, also those received before.",
}
_DONE: Mapping[str, str] = {
    "pause": "paused",
    "resume": "resumed",
    "stop": "stopped",
    "restart": "restarted",
    "unchanged": "left as before: ended, a colleague's, or not possible",
    "restarted": "restarted",
    "not_yours": "belong to colleagues",
    "not_the_latest": "were restarted before",
    "may_not_be_written_to": "may not be written to, or nothing is left to send",
    "in_another_type_campaign": "are active in another type's campaign",
}


def turn() -> int:
    """Part of the keys of what selects: rows move after a change, and no old selection may meet new
    rows."""
    return int(st.session_state.get(_TURN, 0))


def bar(
    selected: Sequence[ListedEnrollment],
    campaign: Campaign,
    wanted: EnrollmentFilter,
    total: str,
    *,
    many: bool,
) -> None:
    """What can be done with the selected rows, or with all that fit the filters."""
    with st.container(horizontal=True, vertical_alignment="center", key="enrollment_bulk"):
        everyone = many and st.checkbox(f"All {total} that fit", key=f"enrollments_all_{turn()}")
        if not selected and not everyone:
            st.caption("Select rows to pause, resume, stop or restart them.", width="content")
            return
        if not everyone:
            st.markdown(f"**{words.number(len(selected))} selected**", width="content")
        ids = () if everyone else tuple(enrollment.id for enrollment in selected)
        for deed, label in _LABEL.items():
            st.button(label, key=f"bulk_{deed}", on_click=_ask, args=(deed, campaign, wanted, ids))


def _ask(deed: Deed, campaign: Campaign, wanted: EnrollmentFilter, ids: tuple[str, ...]) -> None:
    open_dialog("change_enrollments", deed=deed, campaign=campaign, wanted=wanted, ids=ids)
    live.want_whole_page()


def _leave() -> None:
    """After the dialog, however it was closed."""
    st.session_state.pop(_SUMMARY, None)
    close_dialog()


def change_enrollments(
    deed: Deed, campaign: Campaign, wanted: EnrollmentFilter, ids: tuple[str, ...]
) -> None:
    """About `ids`, or without any about all that fit."""

    @st.dialog(f"{_LABEL[deed]} enrollments", on_dismiss=_leave)
    @calm.section
    def ask() -> None:
        if _SUMMARY not in st.session_state:
            body = st.empty()
            with body.container():
                sure = _sure(deed, campaign, ids)
            if not sure:
                return
            body.empty()
            st.session_state[_SUMMARY] = _change(deed, campaign, wanted, ids)
            st.session_state[_TURN] = turn() + 1
        for line in st.session_state[_SUMMARY]:
            st.markdown(line)
        if st.button("Done", key="bulk_done", type="primary"):
            _leave()
            st.rerun()

    ask()


def _sure(deed: Deed, campaign: Campaign, ids: tuple[str, ...]) -> bool:
    count = words.counted(len(ids), "enrollment") if ids else "All enrollments that fit the filters"
    st.markdown(f"**{count}** of **{as_text(campaign.name)}**. {_FOLLOWS[deed]}")
    with st.container(horizontal=True):
        sure = st.button(f"{_LABEL[deed]} them", key="bulk_sure", type="primary")
        cancel_button(key="bulk_cancel")
    return sure


def _change(
    deed: Deed, campaign: Campaign, wanted: EnrollmentFilter, ids: Sequence[str]
) -> list[str]:
    """Does it part by part under a progress bar, and returns the summary. What was done stays if
    the rest fails."""
    records = session.current().db.campaign_enrollments
    bar = st.progress(0.0, text="Looking them up …")
    chosen = list(ids) or records.ids(campaign.id, wanted)
    outcomes: Counter[str] = Counter()
    for start in range(0, len(chosen), _AT_ONCE):
        outcomes.update(_part(deed)(chosen[start : start + _AT_ONCE]))
        worked = min(start + _AT_ONCE, len(chosen))
        text = f"{words.number(worked)} of {words.counted(len(chosen), 'enrollment')} …"
        bar.progress(worked / len(chosen), text=text)
    bar.empty()
    return _summary(outcomes)


def _part(deed: Deed) -> Callable[[list[str]], Mapping[str, int]]:
    db, now = session.current().db, session.now()
    if deed == "restart":
        return lambda some: db.campaign_enrollments.restart(some, now=now)

    def change(some: list[str]) -> Mapping[str, int]:
        changed = db.enrollments.change(some, deed, now=now)
        return {deed: changed, "unchanged": len(some) - changed}

    return change


def _summary(outcomes: Mapping[str, int]) -> list[str]:
    lines = [
        f"**{words.counted(count, 'enrollment')}** {_DONE[outcome]}."
        for outcome, count in outcomes.items()
        if count
    ]
    return lines or ["Nobody was there to change any more."]


DIALOGS: Dialogs = {"change_enrollments": change_enrollments}
