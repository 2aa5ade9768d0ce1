"""Who is in a campaign, with pause, resume and stop for many at once."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from crm.records.enrollments import Action, Enrollment
from crm.ui import calm, contact_links, session, words
from crm.ui.feedback import say
from crm.ui.moments import Moments
from db_service import DatabaseError

_SHOWN = 200
_DONE: dict[Action, str] = {"pause": "paused", "resume": "resumed", "stop": "stopped"}


def show() -> None:
    campaigns = {c.id: c.name for c in session.current().db.campaigns.overview()}
    if not campaigns:
        return
    left, right = st.columns([1, 2])
    campaign = left.selectbox(
        "Campaign", list(campaigns), format_func=campaigns.__getitem__, key="enrollments_campaign"
    )
    statuses = right.pills(
        "Status",
        list(words.ENROLLMENT_STATUS),
        selection_mode="multi",
        default=["active", "paused"],
        format_func=lambda code: words.ENROLLMENT_STATUS[code][0],
        key="enrollments_status",
    )
    enrollments = session.current().db.enrollments.of_campaign(
        campaign, statuses=statuses, limit=_SHOWN
    )
    if not enrollments:
        st.info("Nobody in this campaign fits. Enroll contacts on the Contacts page.")
        return
    bar = st.container()
    selected = _table(enrollments, key=f"enrollments_{campaign}_{'_'.join(statuses)}")
    with bar:
        _bulk_bar(selected)
    if len(enrollments) == _SHOWN:
        st.caption(f"The latest {_SHOWN} are shown.")


def _table(enrollments: Sequence[Enrollment], *, key: str) -> list[Enrollment]:
    moments = session.current().moments
    event = st.dataframe(
        pd.DataFrame([_row(enrollment, moments) for enrollment in enrollments]),
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        alt="Enrollments of the campaign, the newest first",
        column_config={
            "Contact": st.column_config.ButtonColumn(
                alignment="left",
                type="tertiary",
                key="enrollments_click",
                on_click=contact_links.row_clicked,
                args=(tuple(e.contact_id for e in enrollments), "enrollments_click"),
            ),
            "Progress": st.column_config.ProgressColumn(
                min_value=0, max_value=max(e.step_count for e in enrollments) or 1, format="%d sent"
            ),
        },
    )
    return [enrollments[row] for row in event["selection"]["rows"] if row < len(enrollments)]


def _row(enrollment: Enrollment, moments: Moments) -> dict[str, str | int]:
    status = words.ENROLLMENT_STATUS[enrollment.status][0]
    reason = words.enrollment_reason(enrollment.reason)
    runs = enrollment.status == "active"
    return {
        "Contact": enrollment.contact_name or enrollment.email or "",
        "Company": enrollment.company_name,
        "Status": f"{status}: {reason}" if reason else status,
        "Progress": enrollment.sent_count,
        "Next e-mail": (enrollment.next_template_name or "") if runs else "",
        "When": moments.due(enrollment.next_send_at) if runs else "",
        "Enrolled": moments.when(enrollment.enrolled_at),
    }


def _bulk_bar(selected: Sequence[Enrollment]) -> None:
    ids = [enrollment.id for enrollment in selected]
    with st.container(horizontal=True, vertical_alignment="center", key="enrollment_bulk"):
        if not ids:
            st.caption("Select rows to pause, resume or stop them.")
            return
        st.markdown(f"**{words.number(len(ids))} selected**", width="content")
        st.button("Pause", key="bulk_pause", on_click=_act, args=(ids, "pause"))
        st.button("Resume", key="bulk_resume", on_click=_act, args=(ids, "resume"))
        with st.popover("Stop", key="bulk_stop_enrollments"):
            st.markdown("They receive no more e-mails of this campaign until enrolled again.")
            st.button(
                "Stop them", key="bulk_stop_sure", type="primary", on_click=_act, args=(ids, "stop")
            )


def _act(enrollment_ids: list[str], action: Action) -> None:
    try:
        changed = session.current().db.enrollments.change(enrollment_ids, action, now=session.now())
    except DatabaseError as error:
        say(calm.words_for(error))
        return
    left_alone = len(enrollment_ids) - changed
    text = f"{words.counted(changed, 'enrollment')} {_DONE[action]}."
    if left_alone:
        text += (
            f" {words.number(left_alone)} left as before: ended, a colleague's, or not possible."
        )
    say(text)
