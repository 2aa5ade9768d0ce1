"""Campaign manager: the scheduler, the campaigns side by side, the queue, the outbox, the runs."""

import streamlit as st

from crm.ui import (
    campaign_cards,
    campaign_enrollments,
    dialogs,
    feedback,
    live,
    outbox,
    runs,
    scheduler_status,
    send_queue,
    unconfirmed,
)

feedback.show()
st.title("Campaign manager", anchor=False)
scheduler_status.show()
live.section(campaign_cards.show)
queue_tab, outbox_tab, enrollments_tab, runs_tab = st.tabs(
    ["Queue", "Outbox", "Enrollments", "Runs"], key="manager_tabs"
)
with queue_tab:
    live.section(send_queue.show)
with outbox_tab:
    live.section(outbox.show)
with enrollments_tab:
    campaign_enrollments.show()
with runs_tab:
    live.section(runs.show)
dialogs.show_open({**campaign_cards.DIALOGS, **outbox.DIALOGS, **unconfirmed.DIALOGS})
