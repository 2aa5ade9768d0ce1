"""The checks of SendGrid's v3 Mail Send, as far as this project can run into them.

`errors_in` returns what the real service puts into `errors` of a 400: message, field, help.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

Json = dict[str, Any]
Found = Iterator[tuple[str, str]]
"""(field, message) pairs."""

MAX_PERSONALIZATIONS = 1000
MAX_BYTES = 10_000

HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."

_TOP_LEVEL = {
    "personalizations",
    "from",
    "reply_to",
    "reply_to_list",
    "subject",
    "content",
    "attachments",
    "template_id",
    "headers",
    "categories",
    "custom_args",
    "send_at",
    "batch_id",
    "asm",
    "ip_pool_name",
    "mail_settings",
    "tracking_settings",
    "sections",
}
_PERSONALIZATION = {
    "to",
    "cc",
    "bcc",
    "from",
    "subject",
    "headers",
    "substitutions",
    "dynamic_template_data",
    "custom_args",
    "send_at",
}
RESERVED_HEADERS = {
    "x-sg-id",
    "x-sg-eid",
    "received",
    "dkim-signature",
    "content-type",
    "content-transfer-encoding",
    "to",
    "from",
    "subject",
    "reply-to",
    "cc",
    "bcc",
}

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]{2,}")
_BREAK = re.compile(r"[\r\n]")
_IN_NAME = re.compile(r"[;,\r\n]")


def errors_in(payload: object, refused_addresses: Mapping[str, str]) -> list[Json]:
    """Everything wrong with the request; `refused_addresses` maps an address to a reason."""
    if not isinstance(payload, dict):
        return [{"message": "Bad Request", "field": None, "help": None}]
    found = [*_top_level(payload), *_people(payload, refused_addresses)]
    return [
        {"message": message, "field": field, "help": HELP + field.split(".", maxsplit=1)[0]}
        for field, message in found
    ]


def _top_level(payload: Json) -> Found:
    for key in payload.keys() - _TOP_LEVEL:
        yield key, "Invalid field."
    if not _is_mailbox(payload.get("from")):
        yield "from.email", "The from email does not contain a valid address."
    if "reply_to" in payload and not _is_mailbox(payload["reply_to"]):
        yield "reply_to.email", "The reply_to email does not contain a valid address."
    yield from _bad_headers("headers", payload.get("headers", {}))
    yield from _subject(payload)
    yield from _content(payload.get("content"))


def _subject(payload: Json) -> Found:
    subject = payload.get("subject")
    people = payload.get("personalizations")
    of_their_own = isinstance(people, list) and all(
        isinstance(person, dict) and person.get("subject") for person in people
    )
    if not (isinstance(subject, str) and subject) and not of_their_own:
        yield "subject", "The subject is required."


def _content(content: object) -> Found:
    if not isinstance(content, list) or not content:
        yield (
            "content",
            "Unless a valid template_id is provided, the content parameter is required.",
        )
        return
    for index, part in enumerate(content):
        value = part.get("value") if isinstance(part, dict) else None
        if not isinstance(value, str) or not value:
            field = f"content.{index}.value"
            yield field, "The content value must be a string at least one character in length."
    kinds = [part.get("type") for part in content if isinstance(part, dict)]
    if "text/plain" in kinds and kinds[0] != "text/plain":
        yield "content", "If present, text/plain must be the first content, then text/html."


def _people(payload: Json, refused: Mapping[str, str]) -> Found:
    people = payload.get("personalizations")
    if not isinstance(people, list) or not people:
        message = "The personalizations field is required and must have at least one."
        yield "personalizations", message
        return
    if len(people) > MAX_PERSONALIZATIONS:
        message = f"Limited to 1000 personalizations per request. You provided {len(people)}."
        yield "personalizations", message
        return
    seen: set[str] = set()
    for index, person in enumerate(people):
        yield from _person(index, person, seen, refused)


def _person(index: int, person: object, seen: set[str], refused: Mapping[str, str]) -> Found:
    path = f"personalizations.{index}"
    if not isinstance(person, dict):
        yield path, "Invalid type. Expected: object."
        return
    if person.keys() - _PERSONALIZATION:
        yield path, "Invalid field."
    to = person.get("to")
    if not isinstance(to, list) or not to:
        yield f"{path}.to", "The to array is required and must have at least one email object."
        return
    for position, mailbox in enumerate(to):
        yield from _mailbox(f"{path}.to.{position}", mailbox, seen, refused)
    if "headers" in person:
        yield from _bad_headers(f"{path}.headers", person["headers"])
    for name in ("substitutions", "custom_args"):
        if name in person:
            yield from _bad_strings(f"{path}.{name}", person[name])


def _mailbox(path: str, mailbox: object, seen: set[str], refused: Mapping[str, str]) -> Found:
    if not _is_mailbox(mailbox):
        yield f"{path}.email", "Does not contain a valid address."
        return
    address = mailbox["email"].lower()
    if address in seen:
        yield (
            "personalizations",
            "Each unique email address in the personalizations array should only be included once.",
        )
    seen.add(address)
    if address in refused:
        yield f"{path}.email", refused[address]
    name = mailbox.get("name", "")
    if not isinstance(name, str) or _IN_NAME.search(name):
        yield f"{path}.name", "The name must be a string without ; , and line breaks."


def _bad_headers(path: str, headers: object) -> Found:
    if not isinstance(headers, dict):
        yield path, "Invalid type. Expected: object."
        return
    for name, value in headers.items():
        if name.lower() in RESERVED_HEADERS:
            yield path, f"The header {name} is reserved."
        if not isinstance(value, str) or _BREAK.search(name) or _BREAK.search(value):
            yield path, "Headers must be strings without line breaks."


def _bad_strings(path: str, strings: object) -> Found:
    if not isinstance(strings, dict) or not all(isinstance(v, str) for v in strings.values()):
        yield path, "Invalid type. Expected: object of strings."
        return
    characters = sum(map(len, strings)) + sum(map(len, strings.values()))
    # Four bytes is the most a character takes, so the exact count is seldom needed.
    if 4 * characters > MAX_BYTES and _bytes_in(strings) > MAX_BYTES:
        yield path, f"The total size may not exceed {MAX_BYTES} bytes."


def _bytes_in(strings: Mapping[str, str]) -> int:
    return sum(len(f"{key}{value}".encode()) for key, value in strings.items())


def _is_mailbox(mailbox: object) -> TypeGuard[Json]:
    if not isinstance(mailbox, dict):
        return False
    email = mailbox.get("email")
    return isinstance(email, str) and _ADDRESS.fullmatch(email) is not None
