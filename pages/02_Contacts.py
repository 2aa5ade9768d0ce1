"""Contacts: the list, and one contact when the URL names it."""

import streamlit as st

from crm.ui import (
    bulk_bar,
    contact_actions,
    contact_campaigns,
    contact_detail,
    contact_form,
    contact_list,
    dialogs,
    feedback,
    import_dialog,
    merge_contacts,
    project_dialogs,
    saved_view_dialogs,
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
        **bulk_bar.DIALOGS,
        **contact_actions.DIALOGS,
        **contact_campaigns.DIALOGS,
        **import_dialog.DIALOGS,
        **merge_contacts.DIALOGS,
        **project_dialogs.DIALOGS,
        **saved_view_dialogs.DIALOGS,
    }
)
