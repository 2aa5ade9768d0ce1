"""The stand-in's suppression lists: read page by page, with global unsubscribes to add to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from tests.standins.sendgrid_records import Json

LISTS = ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
ADD = "/v3/asm/suppressions/global"
_READ = "/v3/suppression/"
_MOST_A_PAGE = 500

Reply = tuple[int, object]


def is_about_suppressions(path: str) -> bool:
    return path.startswith((_READ, ADD))


class SuppressionLists:
    """What the provider will not write to. The server's lock guards it."""

    def __init__(self) -> None:
        self._lists: dict[str, list[str]] = {name: [] for name in LISTS}

    def __getitem__(self, name: str) -> list[str]:
        return list(self._lists[name])

    def add(self, name: str, emails: Iterable[str]) -> None:
        known = set(self._lists[name])
        self._lists[name] += [email for email in dict.fromkeys(emails) if email not in known]

    def get(self, target: str) -> Reply:
        """GET /v3/suppression/<list>?limit=&offset="""
        parts = urlsplit(target)
        name = parts.path.removeprefix(_READ)
        if name not in self._lists:
            return 404, _error("not found")
        asked = {key: int(given[-1]) for key, given in parse_qs(parts.query).items()}
        limit, offset = asked.get("limit", _MOST_A_PAGE), asked.get("offset", 0)
        if not 1 <= limit <= _MOST_A_PAGE or offset < 0:
            return 400, _error("limit must be between 1 and 500")
        page = self._lists[name][offset : offset + limit]
        return 200, [{"created": 1_770_000_000, "email": email, **_more(name)} for email in page]

    def post(self, target: str, body: bytes) -> Reply:
        """POST /v3/asm/suppressions/global"""
        if target != ADD:
            return 404, _error("not found")
        try:
            emails = json.loads(body)["recipient_emails"]
        except (ValueError, TypeError, KeyError):
            return 400, _error("recipient_emails is required")
        if not isinstance(emails, list) or not all(isinstance(e, str) and "@" in e for e in emails):
            return 400, _error("recipient_emails has something that is no address")
        if not 1 <= len(emails) <= 1000:
            return 400, _error("between 1 and 1000 recipient_emails")
        self.add("unsubscribes", emails)
        return 201, {"recipient_emails": emails}


def _more(name: str) -> Json:
    return {
        "bounces": {"reason": "550 no such user", "status": "5.1.1"},
        "blocks": {"reason": "451 try later", "status": "4.0.0"},
        "invalid_emails": {"reason": "Mail domain mentioned in email address is unknown"},
        "spam_reports": {"ip": "192.0.2.1"},
    }.get(name, {})


def _error(message: str) -> Json:
    return {"errors": [{"message": message, "field": None, "help": None}]}
