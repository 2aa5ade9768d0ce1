"""What there is to take pictures of, and where it is."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

from crm.settings import load_settings
from db_service import LOCAL_ADMIN_ID, Connection, DbService, signed_in

_LINK_TOKEN = re.compile(r"/unsubscribe/([^>\s]+)")


@dataclass(frozen=True, slots=True)
class Shot:
    """A page by the name of its pictures; `clicks` are words on it to click first, in turn."""

    name: str
    url: str
    clicks: tuple[str, ...] = ()


def shots_of(url: str, signed_out_url: str, folder: Path) -> list[Shot]:
    settings = load_settings(_env_file=None, data_dir=folder)
    with closing(Connection(settings)) as connection:
        admin = DbService.for_user(signed_in(LOCAL_ADMIN_ID), connection)
        contact = _busiest_contact(admin)
    token = _token(folder / "outbox")
    return [
        Shot("dashboard", url),
        Shot("contacts", f"{url}/contacts"),
        Shot("contact", f"{url}/contacts?contact={contact}"),
        Shot("discovery", f"{url}/discovery"),
        Shot("projects", f"{url}/projects"),
        Shot("networking", f"{url}/networking"),
        Shot("campaign_manager", f"{url}/campaigns"),
        Shot("campaign_queue", f"{url}/campaigns?view=Queue"),
        Shot("campaign_outbox", f"{url}/campaigns?view=Outbox"),
        Shot("campaign_runs", f"{url}/campaigns?view=Runs"),
        Shot("campaign_compare", f"{url}/campaigns?view=Compare"),
        Shot("campaign", f"{url}/campaigns?campaign=lead"),
        Shot("settings", f"{url}/settings"),
        Shot("settings_types", f"{url}/settings?section=Types+and+campaigns"),
        Shot("settings_sender", f"{url}/settings?section=Sender"),
        Shot("settings_hours", f"{url}/settings?section=Sending+hours"),
        Shot("settings_limits", f"{url}/settings?section=Limits"),
        Shot("settings_suppressions", f"{url}/settings?section=Suppressions"),
        Shot("users", f"{url}/users"),
        Shot("audit_log", f"{url}/audit-log"),
        Shot("sign_in", signed_out_url),
        Shot("unsubscribe", f"{url}/unsubscribe/{token}"),
        Shot("preferences", f"{url}/preferences/{token}"),
        Shot("discovery_form", f"{url}/discovery-call"),
    ]


def _busiest_contact(admin: DbService) -> str:
    """Who got most e-mails, opened and clicked some, and is still in a campaign."""
    sent = admin.sends.sent(limit=1000)
    clicked = {send.contact_id for send in sent if send.first_clicked_at}
    for contact_id, _ in Counter(send.contact_id for send in sent).most_common():
        live = [e for e in admin.enrollments.of_contact(contact_id) if e.status == "active"]
        if contact_id in clicked and live:
            return contact_id
    return sent[0].contact_id


def _token(outbox: Path) -> str:
    """Of the unsubscribe link in the latest e-mail."""
    mail = max(outbox.glob("*/*.eml"))
    headers = message_from_bytes(mail.read_bytes(), policy=policy.default)
    found = _LINK_TOKEN.search(str(headers["List-Unsubscribe"]))
    assert found, mail
    return found[1]
