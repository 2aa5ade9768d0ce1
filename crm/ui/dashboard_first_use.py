"""What somebody sees who has no contacts yet: the three steps to the first e-mail."""

from __future__ import annotations

import streamlit as st

from crm.ui import places, session

_STEPS = (
    (
        "Bring in your contacts",
        "Add one by hand, or import a file from HubSpot, LinkedIn, Google Contacts, Outlook or "
        "Salesforce.",
        places.CONTACTS,
        "Bring them in",
    ),
    (
        "Look at the campaigns",
        "Each type of contact has its e-mails, which begin by themselves as soon as a contact has "
        "that type.",
        places.CAMPAIGN_MANAGER,
        "See what they write",
    ),
)
_SENDER = (
    "Say who writes",
    "Name, address and postal address of the sender stand in every e-mail. Without a SendGrid key "
    "e-mails stay in the local outbox.",
    places.SETTINGS,
    "Fill it in",
)


def show() -> None:
    st.subheader("The way to the first e-mail", anchor=False)
    steps = (*_STEPS, _SENDER) if session.current().is_admin else _STEPS
    for number, (title, text, page, label) in enumerate(steps, start=1):
        with st.container(border=True, key=f"first_step_{number}"):
            st.markdown(f"**{number}. {title}**  \n{text}")
            st.page_link(page, label=label)
