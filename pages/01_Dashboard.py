"""Dashboard: today's work, how the campaigns do, and what the scheduler did."""

from crm.ui import (
    dashboard_figures,
    dashboard_first_use,
    dashboard_work,
    feedback,
    page_header,
    session,
)

feedback.show()
here = session.current()
today = here.moments.now.astimezone(here.moments.zone)
page_header.show("Dashboard", f"{today:%A} {today.day} {today:%B %Y}")
if here.db.contacts.page(size=1).contacts:
    dashboard_work.show()
    dashboard_figures.show()
else:
    dashboard_first_use.show()
