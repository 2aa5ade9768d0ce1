"""Campaign manager: all campaigns, the queue, enrollments and runs; or one campaign."""

import streamlit as st

from crm.ui import (
    campaign_cards,
    campaign_comparison,
    campaign_detail,
    campaign_enrollments,
    campaign_links,
    campaign_overview,
    dialogs,
    enrollment_bulk,
    feedback,
    live,
    outbox,
    page_header,
    queue_lists,
    runs,
    scheduler_status,
    send_queue,
    session,
    unconfirmed,
)

feedback.show()
campaign = campaign_links.chosen()
if campaign:
    campaign_detail.show(campaign)
else:
    page_header.show(
        "Campaign manager", "Every campaign: how it stands, what leaves next, what ran."
    )
    scheduler_status.show()
    if not session.current().is_admin:
        st.caption(
            "You see all campaigns and change the enrollments of your own contacts. Admins pause "
            "campaigns, set sending hours, and decide about e-mails that wait."
        )
    overview, compare, queue, sent, enrollments, history = st.tabs(
        ["Overview", "Compare", "Queue", "Outbox", "Enrollments", "Runs"],
        key="view",
        bind="query-params",
    )
    if overview.open:
        with overview:
            campaign_overview.show()
    if compare.open:
        with compare:
            campaign_comparison.show()
    if queue.open:
        with queue:
            send_queue.show()
    if sent.open:
        with sent:
            queue_lists.export_sent()
            live.section(outbox.show)
    if enrollments.open:
        with enrollments:
            campaign_enrollments.choose()
    if history.open:
        with history:
            runs.show()
dialogs.show_open(
    {
        **campaign_cards.DIALOGS,
        **enrollment_bulk.DIALOGS,
        **outbox.DIALOGS,
        **unconfirmed.DIALOGS,
    }
)
