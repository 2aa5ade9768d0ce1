"""An e-mail as its reader sees it: one that went out, exactly, or the next one before it goes."""

from __future__ import annotations

from html import escape
from typing import cast

import streamlit as st

from crm.drip.compile import CompiledTemplate, bind_shared
from crm.drip.compose import DueContact, merge_values
from crm.drip.render import MissingMergeValue, RenderedEmail, Renderer, fill
from crm.records.activities import Happening
from crm.records.sends import Send, SendContent
from crm.scheduler.desk import sender_fields, with_saved_sender
from crm.ui import campaign_sequence, session
from db_service import connect

_HEIGHT = 640


def as_sent(content: SendContent) -> RenderedEmail:
    """From the version, the sender and the values kept with the send: nothing is made anew."""
    compiled = bind_shared(CompiledTemplate.from_json(content.compiled), content.sender or {})
    return fill(compiled, content.merge_values)


def subject(email: Send | Happening) -> str:
    """As the person got it; where that is not known, as written: "First steps for [company]"."""
    if email.subject is not None:
        return email.subject
    written = campaign_sequence.subject_in_words(email.template_subject or "")
    return written or email.template_name or "E-mail"


def purpose(email: Send | Happening) -> str:
    """ "Lead · Introduction": what an e-mail was written for."""
    return " · ".join(filter(None, (email.campaign_name, email.template_name)))


def as_it_would_be_sent(contact_id: str, template_id: str) -> RenderedEmail | str:
    """The e-mail filled for this contact, or a sentence on why it cannot be."""
    db = session.current().db
    settings = with_saved_sender(connect().settings, db)
    version, fields = db.templates.get(template_id), db.contacts.merge_fields(contact_id)
    if version is None or fields is None:
        return "This e-mail is no longer part of the campaign."
    compiled = bind_shared(CompiledTemplate.from_json(version.compiled), sender_fields(settings))
    # The fields of a due contact that have to do with sending are not merge values.
    recipient = merge_values(cast("DueContact", fields))
    try:
        # A live link would let whoever previews the e-mail unsubscribe the contact.
        values = Renderer(compiled).values(recipient, settings.public_url)
    except MissingMergeValue as error:
        return f"This e-mail waits: {error}"
    return fill(compiled, values)


def show(email: RenderedEmail, *, key: str) -> None:
    designed, plain = st.tabs(["As delivered", "Plain text"], key=f"{key}_tabs")
    with designed:
        st.iframe(_framed(email.html), height=_HEIGHT, alt=f"E-mail: {email.subject}")
    with plain:
        st.code(email.text, language=None, wrap_lines=True, height=_HEIGHT)


def _framed(html: str) -> str:
    """A sandboxed frame inside ours: no scripts, no access to the app; links open a tab."""
    return (
        "<style>html,body{margin:0;height:100%}iframe{border:0;width:100%;height:100%}</style>"
        '<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" '
        f'title="E-mail" srcdoc="{escape(_links_outside(html))}"></iframe>'
    )


def _links_outside(html: str) -> str:
    head, found, rest = html.partition("<head>")
    base = '<base target="_blank">'
    return f"{head}{found}{base}{rest}" if found else base + html
