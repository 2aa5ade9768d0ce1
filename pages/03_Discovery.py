"""Discovery calls: the list, the form of one call, or one submission, as the URL says."""

import streamlit as st

from crm.ui import (
    dialogs,
    discovery_call,
    discovery_form,
    discovery_links,
    discovery_list,
    discovery_public,
    discovery_submission,
    feedback,
    page_header,
)

feedback.show()
submission_id = discovery_links.wanted("submission")
call = None if submission_id else discovery_call.current()
if submission_id:
    discovery_submission.show(submission_id)
elif call:
    discovery_form.show(call)
else:
    with page_header.show("Discovery calls", "What people tell you. A call makes them a lead."):
        discovery_public.show()
        discovery_list.record_button()
    if discovery_links.wanted("draft"):
        st.info("This draft is no longer there: it was submitted or discarded.")
    discovery_list.show_drafts()
    discovery_list.show_submissions()
dialogs.show_open(discovery_list.DIALOGS)
