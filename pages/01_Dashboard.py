"""Dashboard: today's work, how the campaigns do, and what the scheduler did."""

import streamlit as st

from crm.ui import dashboard_figures, dashboard_first_use, dashboard_work, feedback, session

MINE, EVERYBODYS = "Mine", "Everybody's"

feedback.show()
here = session.current()
today = here.moments.now.astimezone(here.moments.zone)
with st.container(horizontal=True, vertical_alignment="bottom", key="dashboard_heading"):
    with st.container(gap=None):
        st.title("Dashboard", anchor=False)
        st.caption(f"{today:%A} {today.day} {today:%B %Y}")
    whose = st.segmented_control(
        "Whose work",
        (MINE, EVERYBODYS),
        default=EVERYBODYS if here.is_admin else MINE,
        required=True,
        key="whose",
        bind="query-params",
        label_visibility="collapsed",
        help="Sales people see what was sent to their own contacts; figures count everything.",
    )
if here.db.contacts.page(size=1).contacts:
    dashboard_work.show(mine=whose == MINE)
    dashboard_figures.show()
else:
    dashboard_first_use.show()
