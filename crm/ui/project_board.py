"""The board: a column for each stage, a card for each project, and moving one along."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from html import escape

import streamlit as st

from crm.records.projects import Project, StageTotal
from crm.ui import calm, contact_links, live, page_header, session, words
from crm.ui.dialogs import open_dialog
from crm.ui.empty_states import nothing
from crm.ui.feedback import say
from crm.ui.markup import as_text, hover
from crm.ui.project_words import OVER, STAGE, STAGES, moved, who
from db_service import DatabaseError

_A_COLUMN = 25
_RECENT = timedelta(days=90)
_NEXT = {"discovery": "proposal", "proposal": "active", "active": "completed"}
_EDIT = "edit"
_ASKS_FIRST = {"completed": "complete_project", "lost": "lose_project", _EDIT: "edit_project"}
_MINE, _ALL = "My projects", "Everybody's"


def heading() -> None:
    lead = "From the first talk to the finished work. Completing one makes a client."
    with page_header.show("Projects", lead):
        st.button(
            "Add project",
            key="add_project",
            type="primary",
            on_click=open_dialog,
            args=("add_project",),
        )


@st.fragment
@calm.section
def show() -> None:
    live.give_way()
    with st.container(horizontal=True, vertical_alignment="center", key="project_filters"):
        whose = st.segmented_control(
            "Whose",
            (_MINE, _ALL),
            default=_ALL if session.current().is_admin else _MINE,
            required=True,
            key="project_owner",
            label_visibility="collapsed",
        )
        everything = st.toggle(
            "Older closed projects too",
            key="project_all",
            help="Completed and lost ones are shown for 90 days.",
        )
    owner_id = session.current().person.id if whose == _MINE else None
    since = None if everything else session.now() - _RECENT
    totals = session.current().db.projects.totals(owner_id=owner_id, since=since)
    if not totals:
        _nothing(mine=whose == _MINE)
        return
    _open_together(totals)
    with st.container(key="board"):
        for column, stage in zip(st.columns(len(STAGES)), STAGES, strict=True):
            with column:
                _column(stage, owner_id, totals)


def _open_together(totals: Mapping[str, StageTotal]) -> None:
    """What is not over yet; the columns say it stage by stage."""
    live_ones = [total for stage, total in totals.items() if stage not in OVER]
    count = sum(total.projects for total in live_ones)
    worth = sum(total.value_cents for total in live_ones)
    st.markdown(
        f"**{words.counted(count, 'open project')}, {as_text(words.money(worth))} together**"
        if worth
        else f"**{words.counted(count, 'open project')}**"
    )


def _nothing(*, mine: bool) -> None:
    nothing(
        "You have no projects." if mine else "There are no projects yet.",
        "Add the first one for a contact you are talking with; its contact becomes a client when "
        "the project is completed.",
        key="add_first_project",
        button="Add project",
        on_click=_open,
        args=("add_project", {}),
    )


def _column(stage: str, owner_id: str | None, totals: Mapping[str, StageTotal]) -> None:
    total = totals.get(stage, StageTotal(stage, 0, 0))
    st.subheader(STAGE[stage][0], anchor=False)
    worth = f" · {words.money(total.value_cents)}" if total.value_cents else ""
    st.caption(f"{words.counted(total.projects, 'project')}{worth}")
    limit = st.session_state.get(f"project_limit_{stage}", _A_COLUMN)
    since = session.now() - _RECENT if stage in OVER and not _shows_all() else None
    projects = session.current().db.projects.in_stage(
        stage, owner_id=owner_id, since=since, limit=limit + 1
    )
    for project in projects[:limit]:
        _card(project)
    if len(projects) > limit:
        st.button("Show more", key=f"more_{stage}", on_click=_more, args=(stage, limit))


def _shows_all() -> bool:
    return bool(st.session_state.get("project_all"))


def _more(stage: str, limit: int) -> None:
    st.session_state[f"project_limit_{stage}"] = limit + _A_COLUMN


def _card(project: Project) -> None:
    here = session.current()
    with st.container(border=True, key=f"project_{project.id}", gap="xsmall"):
        st.markdown(f"**{as_text(project.name)}**")
        st.button(
            as_text(who(project)),
            key=f"project_contact_{project.id}",
            type="tertiary",
            on_click=contact_links.go_to,
            args=(project.contact_id,),
        )
        _facts(project)
        if here.is_admin or project.owner_id == here.person.id:
            with st.container(horizontal=True):
                _actions(project)


def _facts(project: Project) -> None:
    moments = session.current().moments
    worth = words.money(project.value_cents) if project.value_cents else "No value yet"
    since = hover(moments.ago(project.stage_changed_at), moments.exact(project.stage_changed_at))
    lines = [
        escape(project.company_name),
        escape(f"{worth} · {project.owner_name or 'nobody looks after it'}"),
        f"Moved {since}",
        escape(f"Lost: {project.lost_reason}") if project.lost_reason else "",
    ]
    st.html(f'<div class="quiet">{"<br>".join(filter(None, lines))}</div>')


def _actions(project: Project) -> None:
    onward = _NEXT.get(project.stage)
    if onward:
        label = "Complete" if onward == "completed" else f"To “{STAGE[onward][0]}”"
        st.button(label, key=f"onward_{project.id}", on_click=_go, args=(project, onward))
    key = f"more_of_{project.id}"
    others = [stage for stage in STAGES if stage not in {project.stage, onward}]
    st.menu_button(
        "More",
        [_EDIT, *others],
        format_func=lambda chosen: "Edit" if chosen == _EDIT else f"To “{STAGE[chosen][0]}”",
        key=key,
        type="tertiary",
        on_click=lambda: _go(project, st.session_state[key]),
    )


def _go(project: Project, where: str) -> None:
    dialog = _ASKS_FIRST.get(where)
    if dialog:
        _open(dialog, {"project_id": project.id})
    else:
        move(project, where)


def _open(name: str, arguments: Mapping[str, str]) -> None:
    open_dialog(name, **arguments)
    live.want_whole_page()


def move(project: Project, stage: str, *, reason: str = "") -> None:
    """Moves it and says what came of it, for its contact too."""
    db = session.current().db
    try:
        outcome = db.projects.move(project.id, stage, reason=reason, now=session.now())
        contact = db.contacts.get(project.contact_id)
    except DatabaseError as error:
        say(calm.words_for(error))
    else:
        say(moved(project, stage, outcome, contact))
    live.want_whole_page()
