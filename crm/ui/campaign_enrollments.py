"""Who is in a campaign: filters, a page of 50 at a time, and what is done to many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from crm.records.campaign_enrollments import EnrollmentFilter, ListedEnrollment
from crm.records.campaigns import Campaign
from crm.ui import calm, contact_links, empty_states, enrollment_bulk, live, session, words
from crm.ui.exports import MOST_ROWS, download_menu
from crm.ui.moments import Moments

PAGE_SIZE = 50
_COUNTED = 10_001
_CURSORS, _LISTED = "enrollment_cursors", "enrollments_listed"
_CLICK = "enrollments_click"


@st.fragment
@calm.section
def choose() -> None:
    """Of any campaign."""
    live.give_way()
    campaigns = {one.id: one for one in session.current().db.campaigns.overview()}
    if not campaigns:
        return
    wanted = st.selectbox(
        "Campaign",
        list(campaigns),
        format_func=lambda one: campaigns[one].name,
        key="enrollments_campaign",
        width=260,
    )
    _listed(campaigns[wanted])


@st.fragment
@calm.section
def show(campaign: Campaign) -> None:
    live.give_way()
    _listed(campaign)


def _listed(campaign: Campaign) -> None:
    wanted = _filters(campaign)
    records = session.current().db.campaign_enrollments
    cursors = _cursors_of(campaign.id, wanted)
    page = records.page(campaign.id, wanted, before=cursors[-1], size=PAGE_SIZE + 1)
    if not page:
        empty_states.nothing(
            "Nobody in this campaign fits.",
            "Choose other filters, or enroll contacts on the Contacts page.",
            key="no_enrollments",
        )
        return
    shown = page[:PAGE_SIZE]
    total = records.count(campaign.id, wanted, most=_COUNTED)
    bar = st.container()
    key = f"enrollments_{hash((campaign.id, wanted, cursors[-1]))}_{enrollment_bulk.turn()}"
    selected = _table(shown, key=key)
    with bar:
        enrollment_bulk.bar(selected, campaign, wanted, _number(total), many=total > len(shown))
    further = shown[-1].id if len(page) > PAGE_SIZE else None
    with st.container(horizontal=True, vertical_alignment="center", key="enrollments_pager"):
        _pager(len(cursors), shown=len(shown), total=total, further=further)
        download_menu(
            f"Enrollments of {campaign.name}",
            lambda: _export(campaign.id, wanted),
            key="enrollments_export",
            relation="campaign_enrollments",
        )


def _filters(campaign: Campaign) -> EnrollmentFilter:
    db = session.current().db
    steps = {
        step.step: f"{step.position}. {step.name}" for step in db.campaigns.sequence(campaign.id)
    }
    names = {person.id: person.full_name for person in db.people.active()}
    text = st.text_input(
        "Search enrollments",
        key="enrollments_search",
        type="search",
        placeholder="Search by name, company or e-mail",
        label_visibility="collapsed",
        live="300ms",
    )
    statuses = st.pills(
        "Status",
        list(words.ENROLLMENT_STATUS),
        selection_mode="multi",
        default=["active", "paused"],
        format_func=lambda code: words.ENROLLMENT_STATUS[code][0],
        key="enrollments_status",
    )
    first, second, third = st.container(key="enrollment_filters").columns(3)
    chosen_steps = first.multiselect(
        "Next e-mail",
        list(steps),
        format_func=lambda step: steps.get(step, ""),
        key=f"enrollments_step_{campaign.key}",
        placeholder="Any",
    )
    reasons = second.multiselect(
        "Reason",
        [code for code in words.ENROLLMENT_REASON if code],
        format_func=_reason,
        key="enrollments_reason",
        placeholder="Any",
    )
    owner = third.selectbox(
        "Contact's owner",
        list(names),
        index=None,
        format_func=lambda person: names.get(person, ""),
        key="enrollments_owner",
        placeholder="Everybody",
    )
    return EnrollmentFilter(
        statuses=tuple(statuses),
        reasons=tuple(reasons),
        steps=tuple(chosen_steps),
        owner_id=owner,
        text=text or "",
    )


def _reason(code: str) -> str:
    reason = words.enrollment_reason(code)
    return reason[:1].upper() + reason[1:]


def _cursors_of(campaign_id: str, wanted: EnrollmentFilter) -> list[str | None]:
    if st.session_state.get(_LISTED) != (campaign_id, wanted):
        st.session_state[_LISTED] = (campaign_id, wanted)
        st.session_state[_CURSORS] = [None]
    cursors: list[str | None] = st.session_state[_CURSORS]
    return cursors


def _table(enrollments: Sequence[ListedEnrollment], *, key: str) -> list[ListedEnrollment]:
    moments = session.current().moments
    event = st.dataframe(
        pd.DataFrame([_row(enrollment, moments) for enrollment in enrollments]),
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        height="content" if len(enrollments) <= 12 else 480,
        alt="Enrollments of the campaign, the newest first",
        column_config=_columns(tuple(e.contact_id for e in enrollments)),
    )
    return [enrollments[row] for row in event["selection"]["rows"] if row < len(enrollments)]


def _columns(contact_ids: tuple[str, ...]) -> dict[str, Any]:
    return {
        "Contact": st.column_config.ButtonColumn(
            width=165,
            alignment="left",
            type="tertiary",
            key=_CLICK,
            on_click=contact_links.row_clicked,
            args=(contact_ids, _CLICK),
        ),
        "Company": st.column_config.TextColumn(width=150),
        "Status": st.column_config.TextColumn(width=175),
        "Progress": st.column_config.TextColumn(width=95),
        "Next e-mail": st.column_config.TextColumn(width=260),
        "When": st.column_config.TextColumn(width=140, help="In your time zone"),
        "Owner": st.column_config.TextColumn(width=110),
        "Enrolled": st.column_config.TextColumn(width=140, help="In your time zone"),
    }


def _row(enrollment: ListedEnrollment, moments: Moments) -> dict[str, str]:
    runs = enrollment.status == "active"
    return {
        "Contact": enrollment.contact_name or enrollment.email or "Nameless",
        "Company": enrollment.company_name,
        "Status": _standing(enrollment),
        "Progress": _progress(enrollment),
        "Next e-mail": (enrollment.next_template_name or "") if runs else "",
        "When": moments.due(enrollment.next_send_at) if runs else "",
        "Owner": enrollment.owner_name or "",
        "Enrolled": moments.when(enrollment.enrolled_at),
    }


def _standing(enrollment: ListedEnrollment) -> str:
    status = words.ENROLLMENT_STATUS[enrollment.status][0]
    reason = words.enrollment_reason(enrollment.reason)
    return f"{status}: {reason}" if reason else status


def _progress(enrollment: ListedEnrollment) -> str:
    if enrollment.status in {"active", "paused"} and enrollment.next_position:
        return f"{enrollment.next_position} of {enrollment.step_count} next"
    return "All e-mails" if enrollment.status == "completed" else ""


def _number(total: int) -> str:
    return f"more than {words.number(_COUNTED - 1)}" if total >= _COUNTED else words.number(total)


def _pager(page_number: int, *, shown: int, total: int, further: str | None) -> None:
    first = (page_number - 1) * PAGE_SIZE + 1
    st.caption(
        f"{words.number(first)}–{words.number(first + shown - 1)} of {_number(total)}",
        width="content",
    )
    back, on = "enrollments_back", "enrollments_on"
    st.button("Previous", key=back, on_click=_turn, args=(None,), disabled=page_number == 1)
    st.button("Next", key=on, on_click=_turn, args=(further,), disabled=further is None)


def _turn(before: str | None) -> None:
    if before is None:
        st.session_state[_CURSORS].pop()
    else:
        st.session_state[_CURSORS].append(before)


def _export(campaign_id: str, wanted: EnrollmentFilter) -> list[dict[str, object]]:
    records = session.current().db.campaign_enrollments
    return [_export_row(one) for one in records.all(campaign_id, wanted, most=MOST_ROWS + 1)]


def _export_row(enrollment: ListedEnrollment) -> dict[str, object]:
    return {
        "Contact": enrollment.contact_name,
        "Address": enrollment.email,
        "Company": enrollment.company_name,
        "Owner": enrollment.owner_name,
        "Status": words.ENROLLMENT_STATUS[enrollment.status][0],
        "Reason": _reason(enrollment.reason),
        "Place": enrollment.next_position,
        "Next e-mail": enrollment.next_template_name,
        "When": enrollment.next_send_at,
        "Last e-mail": enrollment.last_sent_at,
        "Enrolled": enrollment.enrolled_at,
        "Ended": enrollment.ended_at,
    }
