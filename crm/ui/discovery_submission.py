"""One submission: what was answered, what came of it, and who looks after it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st

from crm.discovery_answers import next_step_day
from crm.discovery_questions import CONSENT, Question, answered
from crm.records.discovery import Submission
from crm.ui import calm, contact_links, discovery_words, session
from crm.ui.discovery_links import open_view
from crm.ui.discovery_list import came_from
from crm.ui.feedback import say
from crm.ui.markup import as_text, facts, paragraph
from db_service import DatabaseError

# What may come next, by the status now: the button and the status it sets.
_NEXT: Mapping[str, tuple[tuple[str, str], ...]] = {
    "new": (("Start work", "in_progress"), ("Mark as done", "done"), ("Dismiss", "dismissed")),
    "in_progress": (("Mark as done", "done"), ("Dismiss", "dismissed")),
    "done": (("Reopen", "in_progress"),),
    "dismissed": (("Reopen", "in_progress"),),
}


def show(submission_id: str) -> None:
    st.button("← Discovery calls", key="calls_back", type="tertiary", on_click=open_view)
    submission = session.current().db.discovery.get(submission_id)
    if submission is None:
        st.info("This submission is not there any more. Its contact may have been erased.")
        return
    _heading(submission)
    _what_came_of_it(submission)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _answers(submission)
    with right:
        _looking_after(submission)


def _heading(submission: Submission) -> None:
    label, tone = discovery_words.STATUS[submission.status]
    with st.container(horizontal=True, vertical_alignment="center", key="submission_heading"):
        st.title(as_text(submission.name or "Nameless"), anchor=False, width="content")
        st.badge(label, color=tone)
        if submission.type_label:
            st.badge(as_text(submission.type_label), color="blue")
        if submission.archived:
            st.badge("Archived", color="gray")
    moments = session.current().moments
    where = f" · {submission.company_name}" if submission.company_name else ""
    st.caption(
        as_text(f"{came_from(submission)}, {moments.when(submission.submitted_at)}{where}"),
        help=as_text(moments.exact(submission.submitted_at)),
    )


def _what_came_of_it(submission: Submission) -> None:
    told = discovery_words.contact_outcome(
        submission.contact_outcome,
        name=submission.name or "The contact",
        type_label=submission.type_label or "",
        owner=submission.owner_name or "An admin",
    )
    campaign = discovery_words.campaign_outcome(submission.campaign_outcome)
    if sentence := f"{told} {campaign}".strip():
        paragraph(sentence, style="says")
    with st.container(horizontal=True, key="submission_actions"):
        if submission.contact_id:
            st.button(
                "Open contact",
                key="open_contact",
                on_click=contact_links.go_to,
                args=(submission.contact_id,),
            )
        _accept_button(submission)
    if _is_waiting(submission) and not _may_accept(submission):
        owner = submission.owner_name or "An admin"
        st.caption(as_text(f"{owner} looks after this contact and can accept this."))


def _is_waiting(submission: Submission) -> bool:
    waiting = submission.contact_outcome in {"waits", "archived", "not_yours"}
    return waiting or submission.campaign_outcome == "waits"


def _may_accept(submission: Submission) -> bool:
    """As accept_discovery has it: a contact of the website that nobody has becomes one's own."""
    here = session.current()
    is_mine = here.person.id in {submission.owner_id, submission.created_by}
    is_free = submission.source == "public" and submission.owner_id is None
    return (
        here.is_admin or is_mine or (is_free and submission.assigned_to in {None, here.person.id})
    )


def _accept_button(submission: Submission) -> None:
    if not (_is_waiting(submission) and _may_accept(submission) and submission.contact_id):
        return
    label = "Accept and start the campaign for leads"
    if submission.archived:
        label = "Take out of the archive and start the campaign for leads"
    if not st.button(label, key="accept_submission", type="primary"):
        return
    try:
        outcome = session.current().db.discovery.accept(submission.id, now=session.now())
    except DatabaseError as error:
        st.error(as_text(calm.words_for(error)))
        return
    say(discovery_words.campaign_outcome(outcome.campaign_outcome) or "Accepted.")
    st.rerun()


def _answers(submission: Submission) -> None:
    answers, earlier = session.current().db.discovery.answers(submission.id)
    st.subheader("Answers", anchor=False)
    _facts(answers)
    if earlier:
        with st.expander(f"What they sent earlier that day ({len(earlier)})"):
            for before in reversed(earlier):
                _facts(before)


def _facts(answers: Mapping[str, str]) -> None:
    facts((q.label, _in_words(q, text)) for q, text in answered(answers))
    if consent := answers.get(CONSENT):
        st.caption(as_text(f"Agreed to: “{consent}”"))


def _in_words(question: Question, text: str) -> str:
    """As HTML."""
    day = next_step_day({question.key: text})
    words = f"{day.day} {day:%B %Y}" if day else text
    return escape(words).replace("\n", "<br>")


def _looking_after(submission: Submission) -> None:
    here = session.current()
    st.subheader("Owner of this call", anchor=False)
    st.markdown(as_text(submission.assigned_name or "Nobody yet"))
    if submission.assigned_to != here.person.id and st.button("Take it", key="take_submission"):
        _triage(submission, _begun(submission.status), here.person.id, "It is yours now.")
    colleagues = {
        p.id: p.full_name for p in here.db.people.active() if p.id != submission.assigned_to
    }
    with st.form("assign_submission", border=False):
        chosen = st.selectbox(
            "Hand over to",
            list(colleagues),
            index=None,
            format_func=colleagues.__getitem__,
            placeholder="Choose a colleague",
            key="assign_to",
        )
        handed_over = st.form_submit_button("Hand over", key="assign_save")
    if handed_over and chosen:
        _triage(submission, submission.status, chosen, f"{colleagues[chosen]} has it now.")
    elif handed_over:
        st.markdown(":red[Choose a colleague.]")
    with st.container(horizontal=True, key="submission_states"):
        for label, status in _NEXT[submission.status]:
            # What nobody has is begun by taking it.
            is_taking = submission.status == "new" and status == "in_progress"
            if is_taking and not submission.assigned_to:
                continue
            if st.button(label, key=f"set_{status}"):
                _triage(submission, status, _taker(submission, status), "Saved.")


def _begun(status: str) -> str:
    return "in_progress" if status == "new" else status


def _taker(submission: Submission, status: str) -> str | None:
    """Who starts work on what nobody has, has it."""
    if submission.assigned_to is None and status == "in_progress":
        return session.current().person.id
    return submission.assigned_to


def _triage(submission: Submission, status: str, assigned_to: str | None, told: str) -> None:
    try:
        done = session.current().db.discovery.triage(
            submission.id,
            status=status,
            assigned_to=assigned_to,
            seen=submission.assigned_to,
            now=session.now(),
        )
    except DatabaseError as error:
        st.error(as_text(calm.words_for(error)))
        return
    say(told if done else "Nothing was changed: somebody else has taken it meanwhile.")
    st.rerun()
