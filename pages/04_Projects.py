"""Projects."""

import streamlit as st

from crm.ui import feedback

feedback.show()
st.title("Projects", anchor=False)
