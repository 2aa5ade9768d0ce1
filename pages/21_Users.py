"""Users: colleagues, their roles, and who is invited. For admins."""

import streamlit as st

from crm.ui import (
    dialogs,
    feedback,
    page_header,
    session,
    users,
    users_changes,
    users_invitations,
    users_profile,
)

feedback.show()
if session.current().is_admin:
    users.show()
    users_invitations.show()
    dialogs.show_open(
        {**users_changes.DIALOGS, **users_invitations.DIALOGS, **users_profile.DIALOGS}
    )
else:
    page_header.show("Users")
    st.info("Users are for admins. If a colleague should join or leave, ask one of them.")
