"""Settings: is delivery in order, the suppression lists, limits and breakers. For admins."""

import streamlit as st

from crm.ui import (
    delivery_settings,
    dialogs,
    feedback,
    limits_form,
    session,
    suppression_check,
)

feedback.show()
st.title("Settings", anchor=False)
if not session.current().is_admin:
    st.info("Settings are for admins. If something here should change, ask one of them.")
else:
    delivery_tab, suppressions_tab, limits_tab = st.tabs(
        ["Delivery", "Suppressions", "Limits and breakers"], key="settings_tabs"
    )
    with delivery_tab:
        delivery_settings.show()
    with suppressions_tab:
        suppression_check.show()
    with limits_tab:
        limits_form.show()
    dialogs.show_open(suppression_check.DIALOGS)
