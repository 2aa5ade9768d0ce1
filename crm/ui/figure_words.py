"""What each figure means, in one or two sentences: shown on hover wherever the figure is shown.

The rules themselves are the database's (migrations …2700_analytics.sql).
"""

from __future__ import annotations

from collections.abc import Mapping

_LAST = "It counts for the last e-mail sent to the person before that."

DEFINITIONS: Mapping[str, str] = {
    "sent": "E-mails handed over in this period and accepted by the mail provider. All figures"
    " about e-mails follow these until now: one sent on the last day and opened today counts as"
    " opened.",
    "delivered": "Sent e-mails that the receiving mail server took in. An e-mail that came back"
    " later is not delivered.",
    "bounced": "Sent e-mails that the receiving mail server turned back for good.",
    "dropped": "Sent e-mails that the mail provider did not pass on, for example because the"
    " address had bounced before.",
    "opened": "E-mails that a person opened. Opens by mail programs and security scanners are left"
    " out as far as they can be told apart. Each e-mail counts once.",
    "opened_raw": "E-mails that were opened by anybody, machines included. Some mail programs open"
    " every e-mail by themselves, so this is more than people read.",
    "clicked": "E-mails in which a person followed a link. Clicks by security scanners are left out"
    " as far as they can be told apart. Each e-mail counts once.",
    "clicked_raw": "E-mails in which a link was followed by anybody, machines included.",
    "replied": f"E-mails that a person answered; automatic replies do not count. {_LAST}",
    "complained": "E-mails that a person marked as spam, as far as the mailbox provider tells.",
    "unsubscribed": "E-mails after which the person asked for no more: by the link, on the"
    f" preference page or in a reply. {_LAST} What a colleague entered by hand is left out.",
    "converted": "E-mails after which the contact's type moved forward within 90 days, for example"
    f" from lead to prospect. {_LAST}",
    "delivery_rate": "Delivered out of sent.",
    "bounce_rate": "Bounced out of sent.",
    "open_rate": "Opened by people out of delivered.",
    "open_rate_raw": "Opened by anybody, machines included, out of delivered.",
    "click_rate": "Clicked by people out of delivered.",
    "click_rate_raw": "Clicked by anybody, machines included, out of delivered.",
    "reply_rate": "Answered out of delivered.",
    "complaint_rate": "Marked as spam out of delivered.",
    "unsubscribe_rate": "Followed by the wish for no more e-mails, out of delivered.",
    "conversion_rate": "Followed by a step forward on the sales path, out of delivered.",
    "enrolled": "Enrollments that began in this period. Somebody who started over counts again.",
    "completed": "Enrollments that ended in this period with the last e-mail of the sequence.",
    "stopped": "Enrollments that ended early in this period, for whatever reason: a reply, a new"
    " contact type, an unsubscribe, or by hand.",
    "completion_rate": "Completed out of all enrollments that ended in this period.",
    "succeeded": "Enrollments begun in this period whose contact has since answered one of their"
    " e-mails, or moved forward within 90 days of one.",
    "success_rate": "Succeeded out of the enrollments begun in this period.",
    "converted_contacts": "Contacts whose type moved forward within 90 days after an e-mail of this"
    " period.",
    "median_days_to_conversion": "From joining the campaign to the step forward: half of the"
    " conversions took less time than this, half took more.",
    "day": "The day on which the e-mails were sent. What became of them later counts for that day.",
    "cohort": "Enrollments by the month in which they began, and how many of them got an e-mail,"
    " opened one, and so on until now.",
    "contacts": "Contacts that have this type now. Archived contacts are left out.",
    "enrolled_ever": "Of these contacts, those that were ever in a campaign.",
    "opened_ever": "Of these contacts, those that ever opened one of our e-mails themselves.",
    "clicked_ever": "Of these contacts, those that ever followed a link in one of our e-mails.",
    "replied_ever": "Of these contacts, those that ever answered one of our e-mails.",
    "converted_ever": "Of these contacts, those whose type ever moved forward within 90 days after"
    " one of our e-mails.",
}

# Why figures of the past can shrink.
ABOUT_ERASED = (
    "When a contact is erased for good, everything about it goes, also out of these figures."
)


def change(share: float | None) -> str:
    """ "+12 %", "−5 %", "no change", "–" where there is nothing to compare with."""
    if share is None:
        return "–"
    whole = round(share * 100)
    return f"{'+' if whole > 0 else '−'}{abs(whole):,} %" if whole else "no change"


def points(difference: float) -> str:
    """Of two shares: "+4.2 points", "−1 point", "no change"."""
    tenths = round(difference * 1000)
    if not tenths:
        return "no change"
    many = f"{abs(tenths) / 10:,.1f}".removesuffix(".0")
    return f"{'+' if tenths > 0 else '−'}{many} {'point' if many == '1' else 'points'}"
