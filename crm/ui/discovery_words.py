"""Discovery calls in words: their states, and what came of them for contact and campaign."""

from __future__ import annotations

from collections.abc import Mapping

from crm.ui.words import Tone

STATUS: Mapping[str, tuple[str, Tone]] = {
    "new": ("New", "orange"),
    "in_progress": ("In progress", "blue"),
    "done": ("Done", "green"),
    "dismissed": ("Dismissed", "gray"),
}
SOURCE: Mapping[str, str] = {"staff": "Call", "public": "Website form"}

# Why no campaign runs after a submission, as the end of "No e-mails start: ...".
_NO_CAMPAIGN: Mapping[str, str] = {
    "no_campaign": "leads have no campaign with published e-mails",
    "archived": "the contact is archived",
    "no_address": "the contact has no e-mail address",
    "unsubscribed": "the contact has unsubscribed",
    "bounced": "the address bounced",
    "complained": "the contact marked an e-mail as spam",
    "invalid": "the address was refused",
    "suppressed": "the address is on the suppression list",
    "opted_out": "the contact asked for no more of these e-mails",
    "already_completed": "the contact has received every e-mail for leads",
    "stopped": "the contact left the campaign for leads before",
    "not_enrolled": "another campaign comes first",
}


def contact_outcome(code: str, *, name: str, type_label: str, owner: str) -> str:
    """A sentence about the contact; `type_label` is its type now, `owner` who looks after it."""
    return {
        "created": f"{name} is a new contact and a lead.",
        "promoted": f"{name} moved up to lead.",
        "there_already": f"{name} is a lead already.",
        "further_along": f"{name} stays {type_label.lower()}: that is further than lead.",
        "not_yours": f"{owner} looks after {name} and decides about the move to lead.",
        "archived": f"{name} is archived, and stays so until somebody decides otherwise.",
        "waits": f"{name} stays {type_label.lower()} until a colleague accepts the request.",
    }.get(code, "")


def campaign_outcome(code: str) -> str:
    """A sentence about the campaign of leads; nothing where it does not concern the contact."""
    if code in _NO_CAMPAIGN:
        return f"No e-mails start: {_NO_CAMPAIGN[code]}."
    return {
        "running": "The campaign for leads is under way.",
        "paused": "The campaign for leads is paused for them.",
        "waits_for_other": "The campaign for leads starts when their present one ends.",
        "waits": "E-mails start when a colleague accepts the request.",
    }.get(code, "")
