"""Networking: events, and one event with its attendees when the URL names it."""

import streamlit as st

from crm.ui import dialogs, feedback, networking_event, networking_events

feedback.show()
event_id = st.query_params.get("event")
if event_id:
    networking_event.show(event_id)
else:
    networking_events.show()
dialogs.show_open({**networking_events.DIALOGS, **networking_event.DIALOGS})
