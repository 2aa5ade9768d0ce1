"""From what a form holds to a contact that may be stored, or to an error at each wrong field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from crm.imports.places import phone_number
from crm.mail.addresses import AddressError, normalise_address
from crm.records.contacts import ContactDraft

_LONGEST_NAME = 200
_LONGEST_NOTES = 10_000
_LINE_FIELDS = (
    "first_name",
    "last_name",
    "company_name",
    "job_title",
    "industry",
    "city",
    "state",
)


@dataclass(frozen=True, slots=True)
class Checked:
    """Either a draft, or errors by field name."""

    draft: ContactDraft | None
    errors: Mapping[str, str] = field(default_factory=dict)


def check(entered: Mapping[str, Any]) -> Checked:
    """`entered` holds the fields of ContactDraft as the form's widgets give them."""
    errors: dict[str, str] = {}
    lines = {name: _line(entered.get(name)) for name in _LINE_FIELDS}
    for name, text in lines.items():
        if len(text) > _LONGEST_NAME:
            errors[name] = f"Please keep this under {_LONGEST_NAME} characters."
    email = _email(entered.get("email"), errors)
    if not (email or lines["first_name"] or lines["last_name"] or "email" in errors):
        errors["email"] = "A contact needs a name or an e-mail address."
    links = {name: _link(name, entered.get(name), errors) for name in ("website", "profile_url")}
    notes = (entered.get("notes") or "").strip()
    if len(notes) > _LONGEST_NOTES:
        errors["notes"] = f"Please keep notes under {_LONGEST_NOTES:,} characters."
    if errors:
        return Checked(None, errors)
    country = entered.get("country") or ""
    draft = ContactDraft(
        **lines,
        **links,
        email=email,
        phone=phone_number(_line(entered.get("phone")), country),
        contact_type=entered["contact_type"],
        owner_id=entered.get("owner_id"),
        country=country,
        time_zone=entered.get("time_zone"),
        tags=tuple(dict.fromkeys(tag for raw in entered.get("tags") or () if (tag := _line(raw)))),
        notes=notes,
    )
    return Checked(draft)


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _email(text: str | None, errors: dict[str, str]) -> str | None:
    if not (text or "").strip():
        return None
    try:
        return normalise_address(text or "")
    except AddressError as error:
        errors["email"] = error.reason
        return None


def _link(name: str, text: str | None, errors: dict[str, str]) -> str:
    url = (text or "").strip()
    if not url:
        return ""
    if "://" not in url:
        url = f"https://{url}"
    if not _is_web_address(url):
        errors[name] = "Please enter a web address such as https://example.com."
    return url


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"}
            and "." in (parts.hostname or "")
            and (parts.port is None or parts.port > 0)
            and not any(map(str.isspace, url))
        )
    except ValueError:
        return False
