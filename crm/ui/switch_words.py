"""What a change of type brings, in words: the policies, and what would become of each campaign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crm.records.states import SwitchPolicy
from crm.records.type_switches import SwitchOutcome
from crm.ui.markup import as_text
from crm.ui.words import counted, number

POLICY: Mapping[str, str] = {
    SwitchPolicy.STOP_AND_START: "Stop and start",
    SwitchPolicy.FINISH_FIRST: "Finish first",
    SwitchPolicy.KEEP_BOTH: "Keep both",
}
POLICY_MEANS: Mapping[str, str] = {
    SwitchPolicy.STOP_AND_START: "the old campaign stops, the new one starts at once",
    SwitchPolicy.FINISH_FIRST: "the old campaign goes on to its end, then the new one starts; "
    "whoever replies, unsubscribes or bounces meanwhile gets neither",
    SwitchPolicy.KEEP_BOTH: "the old campaign goes on beside the new one",
}

# Why the new type's campaign does not start.
_HINDRANCE: Mapping[str, str] = {
    "archived": "archived",
    "no_address": "without an e-mail address",
    "unsubscribed": "unsubscribed",
    "bounced": "the address bounced",
    "complained": "marked an e-mail as spam",
    "invalid": "the address was refused",
    "suppressed": "on the suppression list",
    "opted_out": "asked for no more of these e-mails",
    "in_another_type_campaign": "another type's campaign runs",
}
OUTCOMES = (
    *("stops", "no_longer_waits", "goes_on_first", "goes_on_beside"),
    *("starts", "continues", "waits", "goes_on", "already_completed", "no_campaign"),
    "there_already",
    *_HINDRANCE,
)


def sentences(outcomes: Sequence[SwitchOutcome], label: str) -> str:
    """As Markdown. `label` is the new type's; numbers are told where it is about several."""
    many = (
        max((o.contacts for o in outcomes), default=0) > 1
        or len({o.outcome for o in outcomes if o.outcome in OUTCOMES[4:]}) > 1
    )
    told = [_sentence(outcome, as_text(label), many=many) for outcome in outcomes]
    return " ".join(told) or "None of these contacts is yours to change."


def of_many(label: str) -> str:
    """Where they are too many to look ahead for each."""
    return (
        f"For every contact, what is set for its type and {as_text(label)} decides whether the "
        "campaign that runs stops, ends first, or goes on beside the new one. Nobody receives an "
        "e-mail twice."
    )


def _sentence(outcome: SwitchOutcome, label: str, *, many: bool) -> str:
    name = as_text(outcome.campaign_name)
    whom = f" for {counted(outcome.contacts, 'contact')}" if many else ""
    if outcome.outcome in _HINDRANCE:
        return f"{name} does not start{whom}: {_HINDRANCE[outcome.outcome]}."
    received = counted(outcome.received, "e-mail")
    told = {
        "stops": f"**{name}** stops{whom}.",
        "no_longer_waits": f"**{name}** no longer waits to begin{whom}.",
        "goes_on_first": f"**{name}** goes on to its end{whom}.",
        "goes_on_beside": f"**{name}** goes on beside it{whom}.",
        "starts": f"**{name}** starts{whom}.",
        "continues": f"**{name}** goes on after the {received} received before.",
        "waits": f"**{name}** begins after that{whom}.",
        "goes_on": f"**{name}** goes on{whom}.",
        "already_completed": f"{name} does not start again{whom}: every e-mail of it was received.",
        "no_campaign": f"{label} has no campaign, so none starts.",
        "there_already": f"{counted(outcome.contacts, 'contact')} of type {label} stay as before.",
    }
    if many and outcome.outcome == "continues":
        return f"**{name}** goes on{whom} after the e-mails received before."
    if outcome.outcome == "there_already" and outcome.contacts == 1:
        return f"{number(1)} contact of type {label} stays as before."
    return told[outcome.outcome]
