"""One campaign: how it stands, its figures, its sequence, its days, and who is in it."""

from __future__ import annotations

from html import escape

import streamlit as st

from crm.records.analytics import Period
from crm.records.campaigns import Campaign
from crm.ui import (
    calm,
    campaign_cards,
    campaign_enrollments,
    campaign_figures,
    campaign_links,
    campaign_period,
    campaign_sequence,
    campaign_trends,
    figures,
    session,
)
from crm.ui.markup import as_text, line, paragraph, status
from crm.ui.words import number

# Pixels of the tiles with what stands below them.
_FIGURES_HEIGHT = 260


def show(campaign: Campaign) -> None:
    campaign_links.back_button()
    _heading(campaign)
    period = campaign_period.choose()
    _figures(campaign, period)
    sequence, days, months, enrollments = st.tabs(
        ["Sequence", "By day", "By month of enrollment", "Enrollments"],
        key="part",
        bind="query-params",
    )
    if sequence.open:
        with sequence:
            campaign_sequence.show(campaign, period)
    if days.open:
        with days:
            campaign_trends.by_day(campaign, period)
    if months.open:
        with months:
            campaign_trends.cohorts(campaign)
    if enrollments.open:
        with enrollments:
            campaign_enrollments.show(campaign)


def _heading(campaign: Campaign) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(as_text(campaign.name), anchor=False, width="content")
        campaign_cards.badge(campaign)
    if campaign.description:
        paragraph(campaign.description, style="lead")
    campaign_cards.why_paused(campaign)
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        line(escape(campaign_cards.hours(campaign)), " · ", campaign_cards.next_line(campaign))
        if session.current().is_admin:
            campaign_cards.buttons(campaign)
    status(
        [
            ("Active now", number(campaign.active_count), "Contacts with an e-mail to come"),
            ("Paused now", number(campaign.paused_count), "Contacts whose e-mails wait"),
            (
                "Completed so far",
                number(campaign.completed_count),
                "Enrollments that got to the end of the sequence",
            ),
            (
                "Stopped so far",
                number(campaign.stopped_count),
                "Enrollments that ended early: a reply, a new type, an unsubscribe, or by hand",
            ),
        ]
    )


def _figures(campaign: Campaign, period: Period) -> None:
    with calm.loading(_FIGURES_HEIGHT):
        _tiles(campaign, period)


def _tiles(campaign: Campaign, period: Period) -> None:
    analytics = session.current().db.analytics
    by_id = {one.campaign_id: one for one in analytics.campaigns(period)}
    before = {one.campaign_id: one for one in analytics.campaigns(period.before)}
    now, then = by_id.get(campaign.id), before.get(campaign.id)
    if now is None:
        return
    figures.groups(campaign_figures.grouped(now, then, lambda group: group.first))
    with st.expander("More figures"):
        figures.groups(campaign_figures.grouped(now, then, lambda group: group.behind))
    st.caption(f"{campaign_period.in_words(period)}, compared with the same number of days before.")
