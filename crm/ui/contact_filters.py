"""Search and filters of the contact list. Their values live in the URL, so a view can be shared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Literal

import streamlit as st

from crm.records.contact_search import NO_ADDRESS, ContactSearch, Order
from crm.ui import contact_periods, session, words
from crm.ui.contact_choices import Choices, choices
from crm.ui.moments import DATE_INPUT

__all__ = ["Choices", "choices", "clear", "is_narrowed", "show"]

# What a list shows, by the name of each filter in the URL; blank ones left out. Days as ISO text.
Filters = Mapping[str, object]

_LIVING, _ARCHIVED = "In use", "Archived"
_NOBODY, NO_CAMPAIGN = "nobody", "none"
_STATUS = {code: label for code, (label, _) in words.EMAIL_STATUS.items()} | {
    NO_ADDRESS: words.NO_ADDRESS[0]
}
ORDERS: Mapping[Order, str] = {
    "newest": "Newest first",
    "name": "By name",
    "company": "By company",
    "activity": "Last active first",
}
_BLANK: Mapping[str, object] = {
    "q": "",
    "type": [],
    "status": [],
    "owner": None,
    "campaign": None,
    "activity": None,
    "created": None,
    "from": None,
    "until": None,
    "tag": None,
    "industry": None,
    "show": _LIVING,
}
_DAYS = ("from", "until")
_IN_THE_POPOVER = ("campaign", "activity", "created", "tag", "industry", "show")


def show() -> ContactSearch:
    """Draws search and filters, and returns the search they ask for."""
    offered = choices()
    with st.container(key="filters"):
        columns = st.columns([5, 3, 3, 2.6, 2], vertical_alignment="top")
        with columns[0]:
            text = st.text_input(
                "Search contacts",
                key="q",
                type="search",
                placeholder="Search name, company, e-mail, phone, tag",
                label_visibility="collapsed",
                live="100ms",
                bind="query-params",
            )
        with columns[1]:
            types = _several("Type", "type", {t.key: t.label for t in offered.types}, "Every type")
        with columns[2]:
            statuses = _several("E-mail status", "status", _STATUS, "Every status")
        with columns[3]:
            owner = _one(
                "Owner",
                "owner",
                _owners(offered),
                "Every owner",
                label_visibility="collapsed",
                gone="A former colleague",
            )
        with columns[4], st.popover(_more(), key="more_filters", width="stretch"):
            narrower = _narrower(offered)
    return ContactSearch(
        text=text or "",
        contact_types=tuple(types),
        email_statuses=tuple(statuses),
        owner_id=owner if owner != _NOBODY else None,
        unowned=owner == _NOBODY,
        **narrower,
    )


def order() -> Order:
    """Draws the choice of an order and returns it."""
    chosen: Order | None = st.selectbox(
        "Order",
        list(ORDERS),
        key="sort",
        format_func=ORDERS.__getitem__,
        label_visibility="collapsed",
        bind="query-params",
        width=170,
    )
    return chosen or "newest"


def is_narrowed(search: ContactSearch) -> bool:
    return search != ContactSearch(archived=search.archived)


def clear() -> None:
    """For a button's on_click: every filter back to its start."""
    apply({})


def apply(filters: Filters) -> None:
    """Fills the filters, in a callback: before they are drawn."""
    for key, blank in _BLANK.items():
        value = filters.get(key, blank)
        if key in _DAYS and value is not None:
            value = date.fromisoformat(str(value))
        st.session_state[key] = value
    if filters.get("sort") in ORDERS:
        st.session_state["sort"] = filters["sort"]


def filled() -> dict[str, object]:
    """What is asked for at the moment, to be kept as a view; once the filters are drawn."""
    found: dict[str, object] = {}
    for key, blank in _BLANK.items():
        value = st.session_state.get(key, blank)
        if key in _DAYS and found.get("created") != contact_periods.BETWEEN:
            continue
        if value != blank and value:
            found[key] = value.isoformat() if isinstance(value, date) else value
    if st.session_state.get("sort", "newest") != "newest":
        found["sort"] = st.session_state["sort"]
    return found


def _more() -> str:
    """A popover is named before what is in it is drawn: by what was chosen before this run, or by
    the address line before the first."""
    count = sum(map(_is_set, _IN_THE_POPOVER))
    return f"More filters ({count})" if count else "More filters"


def _is_set(key: str) -> bool:
    if key not in st.session_state:
        return key in st.query_params
    return bool(st.session_state[key] != _BLANK[key])


def _narrower(offered: Choices) -> dict[str, Any]:
    """The filters that are asked for less often, two in a row."""
    moments = session.current().moments
    left, right = st.columns(2)
    with left:
        campaign = _one(
            "Campaign", "campaign", _campaigns(offered), "Any or none", gone="One that has ended"
        )
        activity = _one(
            "Last activity",
            "activity",
            contact_periods.ACTIVITY,
            "Whenever",
            means=contact_periods.ACTIVITY_MEANS,
        )
        tag = _one("Tag", "tag", {tag: tag for tag in offered.tags}, "With or without")
    with right:
        added = _one("Added", "created", contact_periods.CREATED, "Whenever")
        industry = _one(
            "Industry", "industry", {i: i for i in offered.industries}, "Every industry"
        )
        shown = st.selectbox("Show", (_LIVING, _ARCHIVED), key="show", bind="query-params")
    first = last = None
    if added == contact_periods.BETWEEN:
        with left:
            first = st.date_input(
                "Added from", None, key="from", format=DATE_INPUT, bind="query-params"
            )
        with right:
            last = st.date_input(
                "Added until", None, key="until", format=DATE_INPUT, bind="query-params"
            )
    span = contact_periods.created(added, first, last, moments)
    active = contact_periods.ACTIVE.get(activity or "")
    quiet = contact_periods.QUIET.get(activity or "")
    quiet_since = contact_periods.days_ago(quiet[1], moments) if quiet else None
    return {
        "campaign_id": campaign if campaign != NO_CAMPAIGN else None,
        "without_campaign": campaign == NO_CAMPAIGN,
        "active_since": contact_periods.days_ago(active[1], moments) if active else None,
        "quiet_since": quiet_since,
        "never_active": activity == contact_periods.NEVER,
        "created_since": span.since,
        # Nobody has gone quiet who was not known so long.
        "created_until": min(filter(None, (span.until, quiet_since)), default=None),
        "tag": tag or "",
        "industry": industry or "",
        "archived": shown == _ARCHIVED,
    }


def _owners(offered: Choices) -> dict[str, str]:
    """Oneself first."""
    me = session.current().person
    colleagues = {p.id: p.full_name for p in offered.people}
    return {me.id: me.full_name, **colleagues, _NOBODY: "Nobody"}


def _campaigns(offered: Choices) -> dict[str, str]:
    return {c.id: c.name for c in offered.campaigns} | {NO_CAMPAIGN: "In none at the moment"}


def _several(label: str, key: str, options: Mapping[str, str], placeholder: str) -> list[str]:
    return st.multiselect(
        label,
        list(options),
        format_func=_worded(options),
        key=key,
        placeholder=placeholder,
        label_visibility="collapsed",
        bind="query-params",
    )


def _one(
    label: str,
    key: str,
    options: Mapping[str, str],
    placeholder: str,
    *,
    label_visibility: Literal["visible", "collapsed"] = "visible",
    means: str = "",
    gone: str = "",
) -> str | None:
    wanted = st.session_state.get(key)
    # A saved view may name what is no longer offered: a tag nobody has, a colleague who left.
    known = options if wanted is None or wanted in options else {**options, wanted: gone or wanted}
    chosen: str | None = st.selectbox(
        label,
        list(known),
        index=None,
        format_func=_worded(known),
        key=key,
        placeholder=placeholder,
        label_visibility=label_visibility,
        help=means or None,
        bind="query-params",
    )
    return chosen


def _worded(options: Mapping[str, str]) -> Callable[[str], str]:
    return lambda code: options.get(code, code)
