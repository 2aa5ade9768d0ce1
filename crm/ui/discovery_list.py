"""The discovery page itself: one's drafts, and what was submitted with who looks after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from crm.records.discovery import Draft, Submission, SubmissionFilter
from crm.ui import calm, discovery_words, linked_names, live, session, words
from crm.ui.dialogs import Dialogs, cancel_button, close_dialog, confirmed, open_dialog
from crm.ui.discovery_links import open_view
from crm.ui.empty_states import nothing
from crm.ui.feedback import say
from crm.ui.markup import as_text

PAGE_SIZE = 25
_STATUS, _WHO, _CLICK = "status", "with", "submission_click"
_OPEN, _ALL, _ANYBODY, _ME, _NOBODY = "Open", "All", "Anybody", "Me", "Nobody"
_CURSORS, _WANTED = "submission_cursors", "submissions_wanted"
# What the filter says, and the states behind it. Open is what somebody still has to look after.
_STATUSES: dict[str, tuple[str, ...]] = {
    _OPEN: ("new", "in_progress"),
    **{words_[0]: (code,) for code, words_ in discovery_words.STATUS.items()},
    _ALL: (),
}


def record_button() -> None:
    st.button(
        "Record a call", key="record_call", type="primary", on_click=open_view, args=("call", "new")
    )


def show_drafts() -> None:
    """Nothing where there are none."""
    here = session.current()
    drafts = here.db.discovery.drafts()
    if not drafts:
        return
    st.subheader("Your drafts", anchor=False)
    with st.container(border=True, key="discovery_drafts"):
        for draft in drafts:
            _draft(draft, here.moments.ago(draft.updated_at))


def _draft(draft: Draft, saved: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"draft_{draft.id}"):
        st.markdown(
            f"**{as_text(name_of(draft))}**  \n:gray[{as_text(f'Saved {saved}')}]", width="stretch"
        )
        st.button(
            "Continue", key=f"continue_{draft.id}", on_click=open_view, args=("draft", draft.id)
        )
        st.button(
            "Discard",
            key=f"discard_{draft.id}",
            type="tertiary",
            on_click=open_dialog,
            args=("discard_draft",),
            kwargs={"draft_id": draft.id},
        )


def name_of(draft: Draft) -> str:
    told = draft.answers
    name = " ".join(told[key] for key in ("first_name", "last_name") if key in told)
    name = name or told.get("email", "") or "Nobody named yet"
    return f"{name}, {told['company_name']}" if "company_name" in told else name


@st.dialog("Discard this draft?", on_dismiss=close_dialog)
@calm.section
def discard_draft(draft_id: str, leave: bool = False) -> None:
    draft = session.current().db.discovery.draft(draft_id)
    if draft is None:
        st.info("This draft is no longer there.")
        cancel_button(key="discard_gone", label="Close")
        return
    question = f"The answers of **{as_text(name_of(draft))}** are gone then, for good."
    if confirmed(question, "Discard", key="discard", cancel="Keep it"):
        session.current().db.discovery.discard_draft(draft_id)
        say("The draft was discarded.")
        close_dialog()
        if leave:
            open_view()
        st.rerun()


@st.fragment
@calm.section
def show_submissions() -> None:
    live.give_way()
    st.subheader("Submissions", anchor=False)
    wanted = _filters()
    cursors = _cursors_of(wanted)
    page = session.current().db.discovery.page(wanted, before=cursors[-1], size=PAGE_SIZE)
    if not page.submissions:
        _none(wanted)
        return
    _table(page.submissions)
    _pager(len(cursors), len(page.submissions), page.next_before)


def _filters() -> SubmissionFilter:
    here = session.current()
    counts = here.db.discovery.counts()
    colleagues = {p.full_name: p.id for p in here.db.people.active() if p.id != here.person.id}
    with st.container(
        horizontal=True, vertical_alignment="bottom", key="submission_filters", gap="medium"
    ):
        chosen = st.selectbox(
            "Status", list(_STATUSES), key=_STATUS, bind="query-params", width=165
        )
        who = st.selectbox(
            "Owner",
            [_ANYBODY, _ME, _NOBODY, *colleagues],
            key=_WHO,
            bind="query-params",
            width=175,
        )
        st.caption(_counted(counts), width="content")
    return SubmissionFilter(
        statuses=_STATUSES[chosen],
        assigned_to=here.person.id if who == _ME else colleagues.get(who),
        unassigned=who == _NOBODY,
    )


def _counted(counts: dict[str, int]) -> str:
    """ "3 new, 12 in progress"; nothing while there is nothing open."""
    open_ = [(counts.get(code, 0), discovery_words.STATUS[code][0]) for code in _STATUSES[_OPEN]]
    return ", ".join(f"{words.number(count)} {label.lower()}" for count, label in open_ if count)


def _cursors_of(wanted: SubmissionFilter) -> list[str | None]:
    if st.session_state.get(_WANTED) != wanted:
        st.session_state[_WANTED], st.session_state[_CURSORS] = wanted, [None]
    cursors: list[str | None] = st.session_state[_CURSORS]
    return cursors


def _table(submissions: Sequence[Submission]) -> None:
    st.dataframe(
        linked_names.table([_row(submission) for submission in submissions]),
        hide_index=True,
        height="content",
        column_config=_columns([submission.id for submission in submissions]),
        alt="Submissions, newest first",
    )


def _row(submission: Submission) -> dict[str, str]:
    return {
        "Name": submission.name or "Nameless",
        "Company": submission.company_name or "",
        "Received": session.current().moments.when(submission.submitted_at),
        "Status": discovery_words.STATUS[submission.status][0],
        "Owner": submission.assigned_name or "Nobody",
        "From": came_from(submission),
        "Type": submission.type_label or "",
    }


def came_from(submission: Submission) -> str:
    """ "Website form", "Call by Alice"."""
    source = discovery_words.SOURCE[submission.source]
    return f"{source} by {submission.submitted_name}" if submission.submitted_name else source


def _columns(ids: Sequence[str]) -> dict[str, Any]:
    return {
        "Name": linked_names.column(
            _CLICK, _clicked, tuple(ids), means="Click a name to read the answers", width=165
        ),
        "Company": st.column_config.TextColumn(width=150),
        "Received": st.column_config.TextColumn(width=135, help="In your time zone"),
        "Status": st.column_config.TextColumn(width=100),
        "Owner": st.column_config.TextColumn(width=135, help="Who looks after the call"),
        "From": st.column_config.TextColumn(width=160),
        "Type": st.column_config.TextColumn(width=100, help="What the contact is now"),
    }


def _clicked(ids: Sequence[str]) -> None:
    open_view("submission", ids[st.session_state[_CLICK]["row"]])
    live.want_whole_page()


def _pager(page_number: int, shown: int, next_before: str | None) -> None:
    if page_number == 1 and next_before is None:
        return
    first = (page_number - 1) * PAGE_SIZE + 1
    with st.container(horizontal=True, vertical_alignment="center", key="submission_pager"):
        st.caption(f"{first:,}–{first + shown - 1:,}", width="content")
        st.button(
            "Previous",
            key="submissions_back",
            on_click=_turn,
            args=(None,),
            disabled=page_number == 1,
        )
        st.button(
            "Next",
            key="submissions_on",
            on_click=_turn,
            args=(next_before,),
            disabled=next_before is None,
        )


def _turn(before: str | None) -> None:
    if before is None:
        st.session_state[_CURSORS].pop()
    else:
        st.session_state[_CURSORS].append(before)


def _none(wanted: SubmissionFilter) -> None:
    if wanted == SubmissionFilter(statuses=_STATUSES[_OPEN]):
        nothing(
            "Nothing is waiting.",
            "Record a call while you speak with somebody. What visitors send through the public "
            "form comes in here as well.",
            key="no_submissions",
        )
    else:
        nothing("Nothing fits these filters.", "Choose “All” and “Anybody”.", key="no_submissions")


DIALOGS: Dialogs = {"discard_draft": discard_draft}
