"""When campaigns write: the sending hours of each, and where contacts are that do not say."""

from __future__ import annotations

import streamlit as st

from crm.records.campaigns import Campaign
from crm.ui import calm, countries, empty_states, session, words
from crm.ui.dialogs import open_dialog
from crm.ui.feedback import say
from crm.ui.markup import as_text
from db_service import DatabaseError


def show() -> None:
    campaigns = session.current().db.campaigns.overview()
    st.markdown("In each contact's own time zone. What is due outside of these hours waits.")
    if campaigns:
        with st.container(border=True, key="campaign_hours"):
            for campaign in campaigns:
                _row(campaign)
    else:
        empty_states.nothing(
            "There are no campaigns yet.",
            "python scripts/populate_drip_templates.py adds them.",
            key="no_campaigns",
        )
    st.subheader("Contacts without a time zone or country", anchor=False)
    _defaults()


def _row(campaign: Campaign) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        with st.container(gap=None):
            st.markdown(f"**{as_text(campaign.name)}**")
            window = words.send_window(
                campaign.window_days, campaign.window_start, campaign.window_end
            )
            holidays = "no e-mails on" if campaign.respect_holidays else "also on"
            st.caption(f"{window} · {holidays} public holidays")
        st.button(
            "Change",
            key=f"hours_{campaign.key}",
            on_click=open_dialog,
            args=("send_window",),
            kwargs={"campaign": campaign},
        )


def _defaults() -> None:
    rules = session.current().db.app_settings.sending_rules()
    zones = list(dict.fromkeys([rules.default_time_zone, *countries.time_zones()]))
    names = countries.country_names()
    with st.form("defaults", border=True):
        left, right = st.columns(2)
        zone = left.selectbox(
            "Time zone",
            zones,
            format_func=countries.zone_words,
            help="Sending hours follow it, and the count of e-mails a day.",
            key="default_time_zone",
        )
        country = right.selectbox(
            "Country",
            list(names),
            index=list(names).index(rules.default_country) if rules.default_country in names else 0,
            format_func=countries.country,
            help="Its public holidays count.",
            key="default_country",
        )
        submitted = st.form_submit_button("Save", key="defaults_save")
    if submitted:
        _save(zone, country)


def _save(zone: str, country: str) -> None:
    try:
        changed = session.current().db.app_settings.change_defaults(
            time_zone=zone, country=country, now=session.now()
        )
    except DatabaseError as error:
        st.error(calm.words_for(error))
        return
    say(f"{words.counted(changed, 'setting')} saved." if changed else "Nothing has changed.")
    st.rerun()
