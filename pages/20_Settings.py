"""Settings: health, types and what a change of type does, sender, hours, limits. For admins."""

import streamlit as st

from crm.ui import (
    campaign_cards,
    dialogs,
    feedback,
    limits_form,
    page_header,
    places,
    session,
    settings_health,
    settings_hours,
    settings_sender,
    settings_switches,
    settings_types,
    suppression_check,
)

feedback.show()
if not session.current().is_admin:
    page_header.show("Settings")
    st.info("Settings are for admins. If something here should change, ask one of them.")
else:
    lead = "What all campaigns go by: types, sender, sending hours and limits."
    with page_header.show("Settings", lead):
        st.page_link(places.USERS, label="Users and roles", width="content")
    health, types, sender, hours, limits, suppressions = st.tabs(
        ["Health", "Types and campaigns", "Sender", "Sending hours", "Limits", "Suppressions"],
        key="section",
        bind="query-params",
    )
    if health.open:
        with health:
            settings_health.show()
    if types.open:
        with types:
            settings_types.show()
            settings_switches.show()
    if sender.open:
        with sender:
            settings_sender.show()
    if hours.open:
        with hours:
            settings_hours.show()
    if limits.open:
        with limits:
            limits_form.show()
    if suppressions.open:
        with suppressions:
            suppression_check.show()
    dialogs.show_open(
        {**campaign_cards.DIALOGS, **settings_types.DIALOGS, **suppression_check.DIALOGS}
    )
