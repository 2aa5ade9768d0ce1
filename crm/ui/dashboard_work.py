"""Today's work: who reacted, who has gone quiet, what is to do, what goes out, what is stuck."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from html import escape

import streamlit as st

from crm.records.campaigns import Campaign
from crm.records.contact_search import ContactSearch
from crm.records.contacts import Contact
from crm.records.dashboard import Reaction
from crm.records.queue import QueueCounts
from crm.ui import contact_links, contact_periods, contact_tasks, live, places, session, words
from crm.ui.campaign_sequence import subject_in_words
from crm.ui.feedback import say
from crm.ui.markup import as_text, hover, line

_REACTIONS_OF = timedelta(days=7)
_SHOWN, _MORE = 6, 25
_QUIET_DAYS = 30
# Whom one is in a sales conversation with.
_IN_TALKS = ("lead", "prospect")
_MOST_COUNTED = 1_000
_MINE, _ALL = "My contacts", "Everybody's contacts"


def show() -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        mine = _is_mine_alone()
        _part("reactions", lambda: _reactions(mine=mine))
        _part("quiet", lambda: _quiet(mine=mine))
    with right:
        _part("tasks", _tasks)
        _part("due", _due_today)
        _part("look", _needs_a_look)


def _is_mine_alone() -> bool:
    """Stands above what it narrows down; the figures below count everything."""
    chosen = st.segmented_control(
        "Whose contacts",
        (_MINE, _ALL),
        default=_ALL if session.current().is_admin else _MINE,
        required=True,
        key="whose",
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen == _MINE


def _part(name: str, draw: Callable[[], None]) -> None:
    """One section, which refreshes by itself and fails by itself."""
    with st.container(key=f"today_{name}"):
        live.section(draw, every=60.0)


def _reactions(*, mine: bool) -> None:
    st.subheader(
        "Replies and clicks",
        anchor=False,
        help="People who answered an e-mail or followed a link in the last 7 days. Automatic "
        "replies, mail programs and security scanners are left out.",
    )
    if not mine and not session.current().is_admin:
        st.caption("Of your own contacts; colleagues see those of theirs, admins all.")
    wide = st.session_state.get("reactions_all", False)
    limit = _MORE if wide else _SHOWN
    since = session.now() - _REACTIONS_OF
    found = session.current().db.dashboard.reactions(mine=mine, since=since, limit=limit + 1)
    if not found:
        st.caption("Nobody replied or clicked in the last 7 days.")
        return
    for reaction in found[:limit]:
        _reaction(reaction)
    if len(found) > limit and not wide:
        st.button("Show more", key="reactions_more", on_click=_show_all_reactions)


def _show_all_reactions() -> None:
    st.session_state["reactions_all"] = True


def _reaction(reaction: Reaction) -> None:
    moments = session.current().moments
    replied = reaction.event == "reply"
    what = "Replied" if replied else "Clicked"
    if reaction.times > 1:
        what += f" {words.counted(reaction.times, 'time')}"
    about = ""
    if reaction.subject:
        about = f" {'to' if replied else 'in'} “{subject_in_words(reaction.subject)}”"
    with st.container(gap=None, key=f"reaction_{reaction.event}_{reaction.contact_id}"):
        name = reaction.contact_name or reaction.email or "Nameless"
        company = f" · {reaction.company_name}" if reaction.company_name else ""
        _name(reaction.contact_id, f"{name}{company}", key=reaction.event)
        tone = "green" if replied else "blue"
        at = reaction.occurred_at
        when = hover(moments.ago(at), moments.exact(at))
        line(f'<span class="tone-{tone}">{what}</span>{escape(about)} · {when}')


def _name(contact_id: str, name: str, *, key: str) -> None:
    st.button(
        as_text(name),
        key=f"{key}_to_{contact_id}",
        type="tertiary",
        on_click=contact_links.go_to,
        args=(contact_id,),
    )


def _quiet(*, mine: bool) -> None:
    st.subheader(
        "Gone quiet",
        anchor=False,
        help=f"Leads and prospects without any activity for {_QUIET_DAYS} days. "
        f"{contact_periods.ACTIVITY_MEANS}",
    )
    here = session.current()
    since = session.now() - timedelta(days=_QUIET_DAYS)
    search = ContactSearch(
        contact_types=_IN_TALKS,
        owner_id=here.person.id if mine else None,
        quiet_since=since,
        # Who was added only lately is new and not quiet.
        created_until=since,
    )
    page = here.db.contacts.page(search, size=_SHOWN, order="activity")
    if not page.contacts:
        st.caption("Every lead and prospect was heard from lately.")
        return
    for contact in page.contacts:
        _silent(contact)
    if page.next_before:
        found = here.db.contacts.count_up_to(_MOST_COUNTED, search)
        more = "more than " if found.kind == "more" else ""
        query = {"type": list(_IN_TALKS), "activity": "none30"}
        if mine:
            query["owner"] = [here.person.id]
        st.page_link(
            places.CONTACTS,
            label=f"All {more}{words.counted(found.total, 'contact')}",
            query_params=query,
        )


def _silent(contact: Contact) -> None:
    moments = session.current().moments
    last = contact.last_activity_at
    heard = hover(moments.when(last), moments.exact(last)) if last else ""
    with st.container(gap=None, key=f"quiet_{contact.id}"):
        _name(contact.id, contact.full_name or contact.email or "Nameless", key="quiet")
        company = f"{escape(contact.company_name)} · " if contact.company_name else ""
        activity = f"Last activity {heard}" if heard else "No activity yet"
        standing = "" if contact.email_status == "ok" else f" · {_standing(contact)}"
        line(f"{company}{escape(contact.type_label)} · {activity}{standing}")


def _standing(contact: Contact) -> str:
    """Why only a call would reach them."""
    said, _ = words.email_standing(contact.email_status, contact.email)
    return escape(said)


def _tasks() -> None:
    st.subheader("My tasks", anchor=False)
    here = session.current()
    today = here.moments.now.astimezone(here.moments.zone).date()
    tasks = here.db.activities.open_tasks(here.person.id, limit=_SHOWN, due_until=today)
    later = here.db.activities.count_open_tasks(here.person.id) - len(tasks)
    if not tasks:
        st.caption("Nothing is due today. Add a task on a contact's page.")
    for task in tasks:
        with st.container(
            horizontal=True,
            vertical_alignment="center",
            border=True,
            key=f"today_task_{task.id}",
        ):
            with st.container(gap=None, width="stretch"):
                tone = "orange" if task.is_overdue(today) else "gray"
                due = contact_tasks.due_words(task.due_on, here.moments)
                st.markdown(f"{as_text(task.summary)}  \n:{tone}[{due}]")
                _name(task.contact_id, task.contact_name or "Nameless", key=f"task_{task.id}")
            st.button("Done", key=f"done_{task.id}", on_click=_done, args=(task.id,))
    if later > 0:
        st.caption(f"{words.counted(later, 'more task')} for later.")


def _done(task_id: int) -> None:
    done = session.current().db.activities.complete_task(task_id, now=session.now())
    say("Task done." if done else "Somebody did it already.")
    live.want_whole_page()


def _due_today() -> None:
    st.subheader("Going out today", anchor=False)
    here = session.current()
    due = here.db.dashboard.due_by_campaign(_end_of_today())
    if not due:
        st.caption("No e-mail is due today.")
        return
    names = {campaign.key: campaign.name for campaign in here.db.campaigns.overview()}
    total = sum(due.values())
    st.markdown(f"**{words.counted(total, 'e-mail')}**, within each contact's sending hours")
    st.caption(
        " · ".join(f"{as_text(names.get(key, key))} {words.number(n)}" for key, n in due.items())
    )


def _end_of_today() -> datetime:
    moments = session.current().moments
    tomorrow = moments.now.astimezone(moments.zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(0), moments.zone)


def _needs_a_look() -> None:
    st.subheader("Needs a look", anchor=False)
    here = session.current()
    halted = here.db.app_settings.sending_rules().halted_because
    held = [one for one in here.db.campaigns.overview() if _holds_back(one)]
    counts = here.db.queue.counts(now=session.now(), most=_MOST_COUNTED)
    in_queue = _in_the_queue(counts)
    requests = here.db.discovery.counts().get("new", 0)
    if halted is not None:
        st.markdown(f":red[All sending is stopped.] {as_text(halted)}")
        st.page_link(places.CAMPAIGN_MANAGER, label="Look at the scheduler")
    for campaign in held:
        _held_back(campaign)
    for told in in_queue:
        st.markdown(told)
    if in_queue:
        st.page_link(
            places.CAMPAIGN_MANAGER, label="Open the queue", query_params={"view": "Queue"}
        )
    if requests:
        st.markdown(f":orange[{words.counted(requests, 'new request')}] for a discovery call")
        st.page_link(places.DISCOVERY, label="Open discovery calls")
    if halted is None and not held and not in_queue and not requests:
        st.caption("Nothing failed, and nothing waits for somebody to decide.")


def _in_the_queue(counts: QueueCounts) -> list[str]:
    """What somebody has to decide, then what leaves by itself, as Markdown."""
    many = "+" if counts.put_off >= _MOST_COUNTED else ""
    put_off = f"{words.number(counts.put_off)}{many} put off"
    lines = [
        (counts.failed, f":red[{words.counted(counts.failed, 'failed e-mail')}]"),
        (counts.unconfirmed, f":orange[{words.counted(counts.unconfirmed, 'unconfirmed e-mail')}]"),
        (counts.put_off, f":gray[{put_off}; the queue says why, and they leave by themselves]"),
    ]
    return [told for count, told in lines if count]


def _holds_back(campaign: Campaign) -> bool:
    return campaign.status == "paused" and campaign.active_count > 0


def _held_back(campaign: Campaign) -> None:
    tone, what = ("red", "stopped itself") if campaign.stopped_itself else ("orange", "is paused")
    waiting = words.counted(campaign.active_count, "contact")
    verb = "waits" if campaign.active_count == 1 else "wait"
    with st.container(gap=None, key=f"held_back_{campaign.key}"):
        st.markdown(f":{tone}[{as_text(campaign.name)} {what}]; {waiting} {verb} in it.")
        st.page_link(
            places.CAMPAIGN_MANAGER,
            label=f"Open {as_text(campaign.name)}",
            query_params={"campaign": campaign.key},
        )
