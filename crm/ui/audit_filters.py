"""Who, what, from, to: what the audit log is looked through by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from crm.records.audit import EVERYTHING, AuditActor, AuditSearch
from crm.ui import session
from crm.ui.audit_words import AREAS, Area, who
from crm.ui.moments import DATE_INPUT

_WHO, _WHAT, _FROM, _TO = _KEYS = ("audit_who", "audit_what", "audit_from", "audit_to")


def show() -> AuditSearch:
    """Draws the filters and returns the search they ask for."""
    # The container's key is that of the contact list's filters, whose style it has.
    with st.container(key="filters"):
        columns = st.columns(4)
        actor = columns[0].selectbox(
            "Who",
            _by_name(session.current().db.audit.actors()),
            index=None,
            format_func=who,
            placeholder="Everybody",
            key=_WHO,
        )
        area = columns[1].selectbox(
            "What",
            AREAS,
            index=None,
            format_func=lambda area: area.label,
            placeholder="Everything",
            key=_WHAT,
        )
        since = columns[2].date_input("From", value=None, format=DATE_INPUT, key=_FROM)
        until = columns[3].date_input("To", value=None, format=DATE_INPUT, key=_TO)
    return search_of(actor, area, since, until, session.current().moments.zone)


def search_of(
    actor: AuditActor | None,
    area: Area | None,
    since: date | None,
    until: date | None,
    zone: ZoneInfo,
) -> AuditSearch:
    """`since` and `until` are days of the viewer's calendar, both included."""
    return AuditSearch(
        actor=actor,
        relations=area.relations if area else (),
        operations=area.operations if area else (),
        since=_midnight(since, zone) if since else None,
        until=_midnight(until + timedelta(days=1), zone) if until else None,
    )


def in_words(search: AuditSearch, zone: ZoneInfo) -> str:
    """ "Bob Admin, Campaigns, from 1 March 2026": what an export is told by."""
    asked = (search.relations, search.operations)
    parts = [who(search.actor)] if search.actor else []
    parts += [a.label for a in AREAS if (a.relations, a.operations) == asked]
    if search.since:
        parts.append(f"from {_day(search.since.astimezone(zone))}")
    if search.until:
        parts.append(f"to {_day(search.until.astimezone(zone) - timedelta(days=1))}")
    return ", ".join(parts) or "everything"


def nothing_found(search: AuditSearch) -> None:
    if search == EVERYTHING:
        st.info("Nothing was written down yet.")
        return
    with st.container(border=True, key="audit_nothing"):
        st.markdown("Nothing was written down that fits.")
        st.button("Show everything", key="audit_clear", on_click=_clear)


def _clear() -> None:
    for key in _KEYS:
        st.session_state[key] = None


def _by_name(actors: Sequence[AuditActor]) -> list[AuditActor]:
    """People first, in the order of their names."""
    return sorted(actors, key=lambda actor: (actor.actor_kind != "person", who(actor).casefold()))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
