"""How each campaign stands: who is under way, what comes next, pause and resume, sending hours."""

from __future__ import annotations

import streamlit as st

from crm.records.campaigns import Campaign
from crm.ui import calm, campaign_links, empty_states, live, session, words
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog, open_dialog
from crm.ui.feedback import say
from crm.ui.markup import as_text, counts, hover, line, paragraph
from db_service import DatabaseError

_A_ROW = 4
_LONGEST_REASON = 200
_MEANS = {
    "Active": "Contacts with an e-mail of this campaign to come.",
    "Paused": "Contacts whose e-mails wait: paused by a person, or for another campaign to end.",
    "Held": "E-mails that wait for a person, because they failed or nobody knows whether they"
    " arrived.",
}


def show() -> None:
    campaigns = session.current().db.campaigns.overview()
    if not campaigns:
        empty_states.nothing(
            "There are no campaigns yet.",
            "The command scripts/populate_drip_templates.py adds the four that come with MPT-CRM.",
            key="no_campaigns",
        )
    for start in range(0, len(campaigns), _A_ROW):
        columns = st.columns(_A_ROW)
        for column, campaign in zip(columns, campaigns[start : start + _A_ROW], strict=False):
            with column:
                _card(campaign)


def _card(campaign: Campaign) -> None:
    with st.container(border=True, key=f"campaign_{campaign.key}", height="stretch", gap="small"):
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
        ):
            st.subheader(as_text(campaign.name), anchor=False, width="content")
            badge(campaign)
        why_paused(campaign)
        counts(_figures(campaign), means=_MEANS)
        line(next_line(campaign))
        with st.container(horizontal=True):
            st.button(
                "Open",
                key=f"open_{campaign.key}",
                on_click=campaign_links.go_to,
                args=(campaign.key,),
            )
            if session.current().is_admin:
                _pause_or_resume(campaign)


def badge(campaign: Campaign) -> None:
    text, tone = words.CAMPAIGN_STATUS[campaign.status]
    st.badge(text, color=tone)


def why_paused(campaign: Campaign) -> None:
    """Nothing for one that runs."""
    if campaign.stopped_itself:
        st.warning(as_text(campaign.paused_reason))
    elif campaign.paused_reason:
        paragraph(campaign.paused_reason, style="quiet")


def hours(campaign: Campaign) -> str:
    window = words.send_window(campaign.window_days, campaign.window_start, campaign.window_end)
    return f"{words.counted(campaign.step_count, 'e-mail')} · {window}, each contact's time"


def buttons(campaign: Campaign) -> None:
    """What an admin may do with the campaign itself."""
    with st.container(horizontal=True):
        _pause_or_resume(campaign)
        st.button(
            "Sending hours",
            key=f"window_{campaign.key}",
            on_click=_open,
            args=("send_window", campaign),
        )


def _figures(campaign: Campaign) -> list[tuple[str, str, bool]]:
    return [
        ("Active", words.number(campaign.active_count), False),
        ("Paused", words.number(campaign.paused_count), False),
        ("Held", words.number(campaign.held_count), campaign.held_count > 0),
    ]


def next_line(campaign: Campaign) -> str:
    """HTML."""
    moments = session.current().moments
    if campaign.step_count == 0:
        return "No e-mails yet; nothing is sent."
    if campaign.status == "paused":
        return "Nothing is sent while it is paused."
    if campaign.next_send_at is None:
        return "Nobody waits for an e-mail."
    at = campaign.next_send_at
    return f"Next e-mail: {hover(moments.due(at), moments.exact(at))}"


def _pause_or_resume(campaign: Campaign) -> None:
    if campaign.status == "paused":
        st.button(
            "Resume",
            key=f"resume_{campaign.key}",
            type="primary",
            on_click=_open if campaign.stopped_itself else _resume,
            args=("resume_campaign", campaign) if campaign.stopped_itself else (campaign,),
        )
    else:
        st.button(
            "Pause",
            key=f"pause_{campaign.key}",
            on_click=_open,
            args=("pause_campaign", campaign),
        )


def _open(name: str, campaign: Campaign) -> None:
    open_dialog(name, campaign=campaign)
    live.want_whole_page()


def _resume(campaign: Campaign) -> None:
    try:
        session.current().db.campaigns.resume(campaign.id, now=session.now())
    except DatabaseError as error:
        say(calm.words_for(error))
    else:
        say(f"{campaign.name} goes on; every contact kept the place.")
    live.want_whole_page()


@st.dialog("Resume campaign", on_dismiss=close_dialog)
@calm.section
def resume_campaign(campaign: Campaign) -> None:
    """Asked only after a breaker stopped it."""
    st.warning(as_text(campaign.paused_reason))
    st.markdown(
        "Mend the cause first, such as a list of old addresses. Resuming forgives what was counted "
        f"so far: the next e-mails of **{as_text(campaign.name)}** are judged afresh, and it stops "
        "again if they fare no better. Every contact kept the place."
    )
    with st.container(horizontal=True):
        sure = st.button(f"Resume {as_text(campaign.name)}", key="resume_sure", type="primary")
        cancel_button(key="resume_not", label="Not yet")
    if sure:
        _resume(campaign)
        close_dialog()
        st.rerun()


@st.dialog("Pause campaign", on_dismiss=close_dialog)
@calm.section
def pause_campaign(campaign: Campaign) -> None:
    st.markdown(
        f"No e-mail of **{as_text(campaign.name)}** leaves until it is resumed. "
        f"{words.counted(campaign.active_count, 'active contact')} keep their place."
    )
    with st.form("pause_campaign", border=False):
        reason = st.text_input(
            "Reason, for colleagues", max_chars=_LONGEST_REASON, key="pause_reason"
        )
        submitted = st.form_submit_button(
            f"Pause {as_text(campaign.name)}", key="pause_sure", type="primary"
        )
    if submitted:
        here = session.current()
        why = f"Paused by {here.person.full_name}{': ' + reason.strip() if reason.strip() else ''}"
        here.db.campaigns.pause(campaign.id, reason=why, now=session.now())
        say(f"{campaign.name} is paused.")
        close_dialog()
        st.rerun()


@st.dialog("Sending hours", on_dismiss=close_dialog)
@calm.section
def send_window(campaign: Campaign) -> None:
    st.markdown(
        f"When e-mails of **{as_text(campaign.name)}** may arrive, in each contact's own time zone."
    )
    with st.form("send_window", border=False):
        days = st.pills(
            "Days",
            range(1, 8),
            selection_mode="multi",
            default=list(campaign.window_days),
            format_func=lambda day: words.DAY_NAMES[day - 1][:3],
            key="window_days",
        )
        left, right = st.columns(2)
        start = left.time_input("From", value=campaign.window_start, key="window_start")
        end = right.time_input(
            "Until (00:00 is midnight)", value=campaign.window_end, key="window_end"
        )
        holidays = st.checkbox(
            "Keep public holidays of the contact's country free",
            value=campaign.respect_holidays,
            key="window_holidays",
        )
        submitted = st.form_submit_button("Save", key="window_save", type="primary")
    if not submitted:
        return
    if not days:
        st.error("Choose at least one day.")
        return
    session.current().db.campaigns.set_window(
        campaign.id, days=days, start=start, end=end, respect_holidays=holidays, now=session.now()
    )
    say(f"{campaign.name}: {words.send_window(days, start, end)}.")
    close_dialog()
    st.rerun()


DIALOGS: Dialogs = {
    "pause_campaign": pause_campaign,
    "resume_campaign": resume_campaign,
    "send_window": send_window,
}
