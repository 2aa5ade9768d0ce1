"""Audit log: who changed what, and that nobody wrote over it. For admins."""

import streamlit as st

from crm.ui import audit_export, audit_log, dialogs, feedback, page_header, session

feedback.show()
if not session.current().is_admin:
    page_header.show("Audit log")
    st.info("The audit log is for admins. If you need to know who changed something, ask one.")
else:
    audit_log.show()
    dialogs.show_open(audit_export.DIALOGS)
