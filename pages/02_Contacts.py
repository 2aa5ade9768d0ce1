"""Contacts: the list, and one contact when the URL names it."""

import streamlit as st

from crm.ui import (
    contact_actions,
    contact_campaigns,
    contact_detail,
    contact_form,
    contact_list,
    dialogs,
    feedback,
    import_dialog,
)

feedback.show()
contact_id = st.query_params.get("contact")
if contact_id:
    contact_detail.show(contact_id)
else:
    contact_list.show()
dialogs.show_open(
    {
        **contact_form.DIALOGS,
        **contact_actions.DIALOGS,
        **contact_campaigns.DIALOGS,
        **import_dialog.DIALOGS,
    }
)
