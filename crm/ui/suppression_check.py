"""Our suppression list held against SendGrid's, and settling what differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from crm.suppression_sync import (
    Drift,
    SuppressionListsError,
    find_drift,
    settle_drift,
    suppression_client,
)
from crm.ui import calm, session, suppression_lift, suppression_list, words
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog, open_dialog
from crm.ui.feedback import say
from crm.ui.markup import counts
from db_service import connect

_DRIFT = "suppression_drift"
_LISTED = 200


def show() -> None:
    suppression_list.show()
    _compare_lists()


def _compare_lists() -> None:
    st.subheader("SendGrid’s lists", anchor=False)
    st.markdown(
        "Whoever unsubscribed, complained or bounced belongs on both suppression lists, ours and "
        "SendGrid’s. Comparing them changes nothing."
    )
    if not connect().settings.sends_for_real:
        st.info("Without a SendGrid key there is no list to compare with.")
        return
    if st.button("Compare with SendGrid", key="compare_suppressions"):
        _compare()
    drift = st.session_state.get(_DRIFT)
    if isinstance(drift, Drift):
        _show_drift(drift)


def _compare() -> None:
    st.session_state.pop(_DRIFT, None)
    line = st.empty()
    try:
        with suppression_client(connect().settings) as client:
            progress = _Progress(line.caption)
            st.session_state[_DRIFT] = find_drift(session.current().db, client, progress=progress)
    except SuppressionListsError as error:
        st.error(str(error))
    line.empty()


def _show_drift(drift: Drift) -> None:
    if not drift:
        st.success("Both lists agree.")
        return
    counts(
        [
            ("Only at SendGrid", words.number(len(drift.only_there)), bool(drift.only_there)),
            ("Only here", words.number(len(drift.only_here)), bool(drift.only_here)),
        ]
    )
    reasons = ", ".join(
        f"{words.number(count)} {words.SUPPRESSION_REASON[reason]}"
        for reason, count in drift.reasons_there().items()
    )
    if reasons:
        st.caption(f"Only at SendGrid: {reasons}.")
    with st.expander("Which addresses"):
        _list(drift)
    st.button(
        "Settle",
        key="settle_suppressions",
        type="primary",
        on_click=open_dialog,
        args=("settle_suppressions",),
    )


def _lifted_there(drift: Drift) -> dict[str, datetime]:
    """Addresses of the drift that somebody lifted here: only SendGrid still stops them."""
    lifted = session.current().db.audit.lifted_addresses()
    return {email: when for email, when in lifted.items() if email in drift.only_there}


def _list(drift: Drift) -> None:
    lifted, moments = _lifted_there(drift), session.current().moments

    def why(email: str, reason: str) -> str:
        told = words.SUPPRESSION_REASON[reason]
        return f"{told}; lifted here {moments.when(lifted[email])}" if email in lifted else told

    rows = [
        {"Address": email, "Only": "at SendGrid", "Reason": why(email, reason)}
        for email, reason in sorted(drift.only_there.items())
    ] + [{"Address": email, "Only": "here", "Reason": ""} for email in drift.only_here]
    st.dataframe(pd.DataFrame(rows[:_LISTED]), hide_index=True, key="drift_rows")
    if len(rows) > _LISTED:
        st.caption(f"The first {_LISTED} of {words.number(len(rows))} are shown.")


@st.dialog("Settle the lists?", on_dismiss=close_dialog)
@calm.section
def settle_suppressions() -> None:
    drift = st.session_state.get(_DRIFT)
    if not isinstance(drift, Drift):
        st.info("Compare the lists first.")
        return
    st.markdown(" ".join(_what_follows(drift)))
    with st.container(horizontal=True):
        sure = st.button("Settle", key="settle_sure", type="primary")
        cancel_button(key="settle_cancel")
    if sure:
        _settle(drift)


def _what_follows(drift: Drift) -> Sequence[str]:
    sentences = []
    if drift.only_there:
        addresses = words.counted(len(drift.only_there), "address", "addresses")
        sentences.append(
            f"**{addresses}** that only SendGrid knows will be suppressed here; campaigns of "
            "such contacts stop at once."
        )
    if lifted := len(_lifted_there(drift)):
        again = "One of them was" if lifted == 1 else f"{words.number(lifted)} of them were"
        sentences.append(
            f"**{again} lifted here**: settling stops mail to them again. To keep them free, take "
            "them off SendGrid’s list instead and compare once more."
        )
    if drift.only_here:
        addresses = words.counted(len(drift.only_here), "address", "addresses")
        sentences.append(f"**{addresses}** of ours will be added to SendGrid’s unsubscribes.")
    return [*sentences, "Nobody is taken off either list."]


def _settle(drift: Drift) -> None:
    bar = st.progress(0.0, text="Settling …")
    total = max(1, len(drift.only_there) + len(drift.only_here))

    def told(text: str) -> None:
        bar.progress(min(1.0, progress.done / total), text=text)

    progress = _Progress(told)
    try:
        with suppression_client(connect().settings) as client:
            settled = settle_drift(
                session.current().db, client, drift, session.now(), progress=progress
            )
    except SuppressionListsError as error:
        st.error(f"{error} What was added so far stays; settle again to go on.")
        return
    st.session_state.pop(_DRIFT, None)
    added_here = words.counted(settled.added_here, "address", "addresses")
    say(f"{added_here} added here and {words.number(settled.added_there)} at SendGrid.")
    close_dialog()
    st.rerun()


class _Progress:
    """Counts addresses, and shows "reading bounces: 1,500 addresses …"."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self.done = 0
        self._tell = tell

    def __call__(self, doing: str, addresses: int) -> None:
        self.done += addresses
        count = words.counted(self.done, "address", "addresses")
        self._tell(f"{doing.replace('_', ' ').capitalize()}: {count} so far …")


DIALOGS: Dialogs = {"settle_suppressions": settle_suppressions, **suppression_lift.DIALOGS}
