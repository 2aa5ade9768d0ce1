"""E-mails that left, the newest first, each to be read exactly as it went out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd
import streamlit as st

from crm.records.sends import Send
from crm.ui import calm, email_view, live, session, words
from crm.ui.dialogs import Dialogs, close_dialog, open_dialog
from crm.ui.markup import as_text, facts, hover
from crm.ui.moments import Moments

_SHOWN = 100
_PROVIDER: Mapping[str, str] = {
    "sendgrid": "SendGrid",
    "outbox": "Local outbox (nothing left this machine)",
}


def show() -> None:
    sent = session.current().db.sends.sent(limit=_SHOWN)
    if not sent:
        st.info(
            "Nothing has been sent yet. E-mails appear here as the scheduler sends them; "
            "“Run now” starts it at once."
        )
        return
    st.caption("Click a subject to read the e-mail as it was delivered.")
    table(sent, key="outbox")
    if len(sent) == _SHOWN:
        st.caption(f"The latest {_SHOWN} are shown.")


def table(sent: Sequence[Send], *, key: str) -> None:
    """Sent e-mails; a click on a subject opens it."""
    moments = session.current().moments
    st.dataframe(
        pd.DataFrame([_row(send, moments) for send in sent]),
        hide_index=True,
        key=key,
        height="content" if len(sent) <= 12 else 480,
        alt="Sent e-mails, the newest first",
        column_config={
            "Subject": st.column_config.ButtonColumn(
                width=230,
                alignment="left",
                type="tertiary",
                key=f"{key}_click",
                on_click=_open_clicked,
                args=(tuple(sent), f"{key}_click"),
            )
        },
    )


def _row(send: Send, moments: Moments) -> dict[str, str]:
    return {
        "Subject": email_view.subject(send),
        "To": send.contact_name or send.to_email,
        "Status": _standing(send),
        "Sent": moments.when(send.handed_over_at),
        "Campaign": email_view.purpose(send),
        "Address": send.to_email,
    }


def of_one_contact(sent: Sequence[Send]) -> None:
    """The same where there is little room and the reader knows to whom they went."""
    moments = session.current().moments
    with st.container(key="contact_sent", gap="small"):
        for send in sent:
            with st.container(gap=None, key=f"sent_{send.id}"):
                st.button(
                    as_text(email_view.subject(send)),
                    key=f"read_{send.id}",
                    type="tertiary",
                    on_click=open_dialog,
                    args=("sent_email",),
                    kwargs={"send": send},
                )
                when = hover(moments.when(send.handed_over_at), moments.exact(send.handed_over_at))
                told = (escape(_standing(send)), when, escape(email_view.purpose(send)))
                st.html(f'<div class="quiet">{" · ".join(told)}</div>')


def _standing(send: Send) -> str:
    if send.status in {"accepted", "delivered"}:
        if send.first_clicked_at:
            return "Clicked"
        if send.first_opened_at:
            return "Opened"
        if send.provider == "outbox":
            return "Local only"
    return words.SEND_STATUS[send.status][0]


def _open_clicked(sent: Sequence[Send], click: str) -> None:
    open_dialog("sent_email", send=sent[st.session_state[click]["row"]])
    live.want_whole_page()


@st.dialog("Sent e-mail", width="large", on_dismiss=close_dialog)
@calm.section
def sent_email(send: Send) -> None:
    content = session.current().db.sends.content(send.id)
    if content is None:
        st.info("The content of this e-mail was not kept.")
        return
    email = email_view.as_sent(content)
    moments = session.current().moments
    st.markdown(f"**{as_text(email.subject)}**")
    sender = content.sender or {}
    facts(
        [
            ("From", escape(f"{sender.get('name', '')} <{sender.get('email', '')}>")),
            ("To", escape(f"{send.contact_name} <{send.to_email}>")),
            ("Campaign", escape(email_view.purpose(send))),
            ("Sent", hover(moments.when(send.handed_over_at), moments.exact(send.handed_over_at))),
            ("Status", escape(_standing(send) + (f": {send.reason}" if send.reason else ""))),
            ("Through", escape(_PROVIDER.get(send.provider, send.provider))),
            ("Provider id", escape(send.provider_message_id or "")),
        ]
    )
    email_view.show(email, key="sent")


DIALOGS: Dialogs = {"sent_email": sent_email}
