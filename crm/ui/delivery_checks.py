"""Is everything in place for e-mails to leave and for news of them to come back? Pure judgements.

Every sentence is for people; no key or secret is ever part of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from crm.records.events import WebhookHealth
from crm.settings import Settings
from crm.ui.moments import Moments
from crm.ui.words import Tone, counted

# SendGrid reports within seconds; after this long, silence about e-mails that left means trouble.
_SILENCE = timedelta(hours=1)
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Check:
    """One line: green (in order), orange (incomplete) or red (not working), and what to do."""

    name: str
    tone: Tone
    says: str
    fix: str = ""


def delivery_checks(
    settings: Settings,
    health: WebhookHealth,
    *,
    last_sent_at: datetime | None,
    halted_because: str | None,
    moments: Moments,
) -> list[Check]:
    """`last_sent_at` is when an e-mail last left (aware UTC); None: none has."""
    return [
        _sending(settings, halted_because),
        _sender(settings),
        _postal_address(settings),
        _public_url(settings),
        _event_webhook(settings, health, last_sent_at, moments),
        _inbound(settings, health, moments),
        _quarantine(health),
    ]


def event_address(settings: Settings) -> str:
    return f"{settings.public_url}/hooks/sendgrid/events"


def inbound_address(settings: Settings) -> str:
    return f"{settings.public_url}/hooks/sendgrid/inbound"


def _sending(settings: Settings, halted_because: str | None) -> Check:
    name = "Sending"
    if halted_because:
        return Check(
            name,
            "red",
            f"All sending is stopped. {halted_because}",
            "Mend the cause, then press “Resume sending” in the campaign manager.",
        )
    if not settings.sends_for_real:
        return Check(
            name,
            "orange",
            "Local outbox: e-mails are written to a folder and never leave this machine.",
            "To send for real, set SENDGRID_API_KEY and start the app again.",
        )
    host = urlsplit(settings.sendgrid_base_url).hostname
    return Check(name, "green", f"E-mails leave through SendGrid ({host}); a key is set.")


def _sender(settings: Settings) -> Check:
    name = "Sender"
    who = f"{settings.mail_from_name} <{settings.mail_from_email}>"
    if settings.mail_from_email.endswith(".example"):
        return Check(
            name,
            _worse_if(settings.sends_for_real),
            f"{who} is the example address.",
            "Under “Sender”, name an address whose domain your SendGrid account has authenticated "
            "(SendGrid: Settings, Sender Authentication).",
        )
    replies = f" Replies go to {settings.mail_reply_to}." if settings.mail_reply_to else ""
    return Check(name, "green", f"{who}.{replies}")


def _postal_address(settings: Settings) -> Check:
    name = "Postal address"
    if settings.mail_postal_address.strip():
        return Check(name, "green", settings.mail_postal_address.strip())
    return Check(
        name,
        _worse_if(settings.sends_for_real),
        "None is set. No e-mail may leave without one in its footer.",
        "Write your street address or registered post box under “Sender”, and before sending for "
        "real into MAIL_POSTAL_ADDRESS too.",
    )


def _public_url(settings: Settings) -> Check:
    name = "Public address"
    parts = urlsplit(settings.public_url)
    if parts.hostname in _THIS_MACHINE:
        return Check(
            name,
            "orange",
            f"{settings.public_url} reaches this machine only: unsubscribe links and SendGrid's "
            "reports cannot get here.",
            "Set PUBLIC_URL to the https address under which the app is published.",
        )
    if parts.scheme != "https":
        return Check(
            name,
            "red",
            f"{settings.public_url} is not encrypted. One-click unsubscribe works over https only.",
            "Publish the app under https and set PUBLIC_URL to that address.",
        )
    return Check(name, "green", settings.public_url)


def _event_webhook(
    settings: Settings, health: WebhookHealth, last_sent_at: datetime | None, moments: Moments
) -> Check:
    name = "Event webhook"
    if not settings.sendgrid_webhook_public_key:
        return Check(
            name,
            _worse_if(settings.sends_for_real),
            "Off. The app does not hear of deliveries, opens, bounces and complaints, and an "
            "e-mail that may or may not have left waits for a person to decide.",
            "In SendGrid under Settings, Mail Settings, Event Webhook: add the address below, "
            "choose all events, switch on the signature, and put its verification key into "
            "SENDGRID_WEBHOOK_PUBLIC_KEY.",
        )
    last = health.last_event_at
    if last is None:
        return Check(
            name,
            "orange",
            "A public key is set, and nothing was reported yet.",
            "Send a test e-mail. If nothing comes, check in SendGrid that the webhook is enabled "
            "and has the address below.",
        )
    heard = f"Last report: {moments.ago(last)}."
    if last_sent_at and last < last_sent_at < moments.now - _SILENCE:
        return Check(
            name,
            "red",
            f"{heard} E-mails have left since ({moments.ago(last_sent_at)}) without any report.",
            "Check in SendGrid that the webhook is enabled, has the address below, and that its "
            "verification key is the one in SENDGRID_WEBHOOK_PUBLIC_KEY.",
        )
    return Check(name, "green", heard)


def _inbound(settings: Settings, health: WebhookHealth, moments: Moments) -> Check:
    name = "Replies"
    if not settings.sendgrid_inbound_public_key:
        return Check(
            name,
            "orange",
            "Off. Replies reach the mailbox only and do not stop a campaign by themselves.",
            "In SendGrid under Settings, Inbound Parse: add your reply domain with the address "
            "below and a security policy with a signature, and put its public key into "
            "SENDGRID_INBOUND_PUBLIC_KEY.",
        )
    if health.last_reply_at is None:
        return Check(name, "green", "A public key is set; nobody has replied yet.")
    return Check(name, "green", f"Last reply: {moments.ago(health.last_reply_at)}.")


def _quarantine(health: WebhookHealth) -> Check:
    name = "Unusable messages"
    if not health.quarantined:
        return Check(name, "green", "Everything that came in could be used.")
    return Check(
        name,
        "orange",
        f"{counted(health.quarantined, 'message')} of the last 30 days could not be used.",
        "They are listed below, each with its problem and how it began.",
    )


def _worse_if(sends_for_real: bool) -> Tone:
    return "red" if sends_for_real else "orange"
