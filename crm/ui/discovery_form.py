"""The form of a discovery call: guided questions in groups, saved as a draft while one types."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from crm.discovery_answers import check_call, tidied
from crm.discovery_questions import GROUPS, LONGEST_LINE, Group, Question
from crm.mail.addresses import AddressError, normalise_address
from crm.records.contacts import Contact
from crm.records.discovery import Submitted
from crm.ui import calm, discovery_call, discovery_words, live, page_header, session
from crm.ui.dialogs import open_dialog
from crm.ui.discovery_call import Call
from crm.ui.discovery_links import open_view
from crm.ui.feedback import say
from crm.ui.markup import as_text
from crm.ui.moments import DATE_INPUT
from db_service import DatabaseError

_TITLES = [group.title for group in GROUPS]


def show(call: Call) -> None:
    st.button("← Discovery calls", key="calls_back", type="tertiary", on_click=open_view)
    page_header.show("Discovery call")
    _form(call)


@st.fragment
@calm.section
def _form(call: Call) -> None:
    live.give_way()
    if call.go_to:
        st.session_state[call.key("step")], call.go_to = call.go_to, ""
    contact = session.current().db.contacts.get(call.contact_id) if call.contact_id else None
    if contact:
        _with(contact)
    with st.container(key="call_form"):
        # All groups are drawn, so that going from one to the other waits for nothing.
        tabs = st.tabs(_TITLES, key=call.key("step"), on_change="rerun")
        for tab, group in zip(tabs, GROUPS, strict=True):
            with tab:
                _group(call, group, known=contact is not None)
    answers = tidied(call.entered())
    # Outside of the tabs they stay in their place whichever is open; what they offer depends on
    # whether there is a draft now.
    place = st.container()
    _autosave(call, answers)
    with place:
        submitted = _buttons(call)
    if submitted:
        _submit(call, answers)


def _with(contact: Contact) -> None:
    name = contact.full_name or contact.email or "Nameless"
    company = f" at {contact.company_name}" if contact.company_name else ""
    st.caption(as_text(f"With {name}, {contact.type_label.lower()}{company}."))
    if contact.archived_at:
        st.info("This contact is archived. The call is kept; whether they come back is asked then.")


def _group(call: Call, group: Group, *, known: bool) -> None:
    st.caption(as_text(group.hint))
    lines = [question for question in group.questions if question.kind != "text"]
    for pair in [lines[i : i + 2] for i in range(0, len(lines), 2)]:
        if any(question.kind == "choice" for question in pair):
            for question in pair:
                _question(call, question)
            continue
        for column, question in zip(st.columns(2), pair, strict=False):
            with column:
                _question(call, question)
    for question in group.questions:
        if question.kind == "text":
            _question(call, question)
    if group is GROUPS[0] and not known:
        _who_has_this_address(call)


def _question(call: Call, question: Question) -> None:
    key, label, hint = call.key(question.key), question.label, question.hint or None
    if question.kind == "text":
        st.text_area(label, key=key, placeholder=hint, height=95, max_chars=question.longest)
    elif question.kind == "choice":
        st.pills(label, question.options, format_func=as_text, key=key, help=hint)
    elif question.kind == "date":
        st.date_input(label, key=key, format=DATE_INPUT, help=hint)
    else:
        st.text_input(label, key=key, placeholder=hint, max_chars=LONGEST_LINE)
    if error := call.errors.get(question.key):
        st.markdown(f":red[{as_text(error)}]")


def _who_has_this_address(call: Call) -> None:
    try:
        email = normalise_address(str(st.session_state.get(call.key("email")) or ""))
    except AddressError:
        return
    if found := session.current().db.contacts.by_email(email):
        st.caption(
            as_text(
                f"{found.full_name or email} ({found.type_label.lower()}) has this address: "
                "the call goes to them."
            )
        )


def _buttons(call: Call) -> bool:
    """Back, on, and at the last group to the end; True if the call is submitted."""
    place = _TITLES.index(st.session_state[call.key("step")])
    is_last = place == len(_TITLES) - 1
    with st.container(horizontal=True, vertical_alignment="center", key="call_buttons"):
        st.button(
            "Back",
            key="call_previous",
            disabled=place == 0,
            on_click=_go,
            args=(call, _TITLES[max(place - 1, 0)]),
        )
        if not is_last:
            st.button(
                "Continue",
                key="call_next",
                type="primary",
                on_click=_go,
                args=(call, _TITLES[place + 1]),
            )
        submitted = st.button(
            "Submit call", key="call_submit", type="primary" if is_last else "secondary"
        )
        if call.draft_id and st.button("Discard", key="call_discard", type="tertiary"):
            open_dialog("discard_draft", draft_id=call.draft_id, leave=True)
            st.rerun()
    return submitted


def _go(call: Call, title: str) -> None:
    call.go_to = title


def _autosave(call: Call, answers: Mapping[str, str]) -> None:
    place = st.empty()
    if answers != call.saved:
        try:
            call.save(answers)
        except DatabaseError as error:
            place.error(f"Not saved as a draft. {calm.words_for(error)}")
            return
    if call.saved_at:
        when = session.current().moments.ago(call.saved_at)
        place.caption(f"Saved as a draft {when}. Only you see it until you submit.")
    else:
        place.caption("What you write is saved as a draft as you go.")


def _submit(call: Call, answers: Mapping[str, str]) -> None:
    checked = check_call(answers, known_contact=call.contact_id is not None)
    call.errors = checked.errors
    if checked.errors:
        call.go_to = next(
            group.title
            for group in GROUPS
            if any(question.key in checked.errors for question in group.questions)
        )
        st.rerun()
    try:
        done = _store(call, checked.answers)
    except DatabaseError as error:
        st.error(as_text(calm.words_for(error)))
        return
    discovery_call.forget()
    open_view("submission", done.submission_id)
    say(f"Submitted. {_told(done)}")
    st.rerun()


def _store(call: Call, answers: Mapping[str, str]) -> Submitted:
    here = session.current()
    draft_id = call.draft_id or call.save(answers)
    return here.db.discovery.submit(
        draft_id,
        answers,
        contact_id=call.contact_id,
        due_at=discovery_call.due_at(answers, here.moments.zone),
        now=session.now(),
    )


def _told(done: Submitted) -> str:
    contact = session.current().db.contacts.get(done.contact_id)
    if contact is None:
        return ""
    sentence = discovery_words.contact_outcome(
        done.contact_outcome,
        name=contact.full_name or contact.email or "The contact",
        type_label=contact.type_label,
        owner=contact.owner_name or "An admin",
    )
    return as_text(f"{sentence} {discovery_words.campaign_outcome(done.campaign_outcome)}".strip())
