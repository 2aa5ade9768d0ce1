"""Dashboard."""

import streamlit as st

from crm.ui import feedback

feedback.show()
st.title("Dashboard", anchor=False)
