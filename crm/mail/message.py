"""What is sent, and what the provider can answer. No I/O here.

A `MailRequest` is one e-mail for many: the skeleton is shared, and each recipient brings the
values of its tags. An `Answer` says what is known about one HTTP request after it was made.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

MAX_RECIPIENTS = 1000
"""Personalizations in one request (SendGrid, v3 Mail Send)."""

MAX_SUBSTITUTION_BYTES = 10_000
"""All substitutions of one personalization together (SendGrid, v3 Mail Send)."""

_LINE_BREAKS = re.compile(r"[\r\n\x0b\x0c\x85\u2028\u2029]+")

# A URI that stands in angle brackets in a header (RFC 2369): nothing in it may end either.
_HEADER_SAFE_URL = re.compile(r"https?://[!-;=?-~]+")


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A finished e-mail except for its tags: alphanumeric placeholders such as `mf3x1f9c2a7b`.

    Values arrive escaped for the part their tag stands in; nothing is escaped again here.
    """

    subject: str
    html: str
    text: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipient:
    """One addressee; `values` is aligned with the skeleton's tags."""

    send_id: str
    email: str
    name: str
    values: tuple[str, ...]
    unsubscribe_url: str


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """Who writes. The postal address is already part of the skeleton (CAN-SPAM asks for it)."""

    email: str
    name: str
    reply_to: str | None
    postal_address: str


def _at_any_time() -> bool:
    return True


def _all_of_them(send_ids: Collection[str]) -> Collection[str]:
    return send_ids


@dataclass(frozen=True, slots=True)
class MailRequest:
    """One skeleton and its recipients.

    `request_id` travels along and comes back with every event: an event of one e-mail proves that
    all of its request were accepted. `may_leave` is asked right before the first byte is written;
    `still_wanted` (send_ids → those that may go) before a request that follows a refused one.

    Raises ValueError for a send_id that occurs twice: two rows for one e-mail mean it would
    leave twice.
    """

    skeleton: Skeleton
    recipients: tuple[Recipient, ...]
    sender: SenderIdentity
    category: str
    request_id: str = ""
    may_leave: Callable[[], bool] = _at_any_time
    still_wanted: Callable[[Collection[str]], Collection[str]] = _all_of_them

    def __post_init__(self) -> None:
        if len({recipient.send_id for recipient in self.recipients}) != len(self.recipients):
            raise ValueError("a send_id occurs twice in one mail request")


@dataclass(frozen=True, slots=True)
class Accepted:
    """202: the provider has it. `message_id` is None when the answer did not carry one; the
    send_id in custom_args still ties events to the send."""

    message_id: str | None


@dataclass(frozen=True, slots=True)
class RecipientsRefused:
    """A 400 that names recipients: nothing of the request was accepted, and `reasons` (index in
    `recipients` → the provider's words) tells whom to leave out. Those in `content_at_fault` were
    refused for what the e-mail says to them, not for their address."""

    reasons: Mapping[int, str]
    content_at_fault: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Refused:
    """A permanent 4xx without a culprit, or a request that cannot be built: nothing accepted."""

    reason: str
    permanent: bool = True


@dataclass(frozen=True, slots=True)
class TooLarge:
    """413, or a body known to be too large before it leaves: nothing accepted, halves may pass."""


@dataclass(frozen=True, slots=True)
class RateLimited:
    """429: nothing accepted; the provider said when to come back (seconds from the answer)."""

    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """The account or its settings are at fault, not a recipient: nothing accepted, and every
    further request would be answered the same, so sending pauses until a person has looked."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Not one byte of the request was written (no connection): safe to send again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Everything else. Bytes left and no clear answer came back, so the provider may or may not
    have the e-mail: sending again could reach people twice. Only evidence settles it."""

    reason: str


Answer = (
    Accepted
    | RecipientsRefused
    | Refused
    | TooLarge
    | RateLimited
    | Unauthorized
    | NotSent
    | Unconfirmed
)


def fill(skeleton: Skeleton, values: tuple[str, ...]) -> Skeleton:
    """The finished e-mail: every tag replaced in one pass, so that a value which contains a tag
    stays as it is. The result has no tags.

    Raises ValueError when values and tags differ in number.
    """
    if len(values) != len(skeleton.tags):
        raise ValueError(f"{len(values)} values for {len(skeleton.tags)} tags")
    if not skeleton.tags:
        return skeleton
    by_tag = dict(zip(skeleton.tags, values, strict=True))
    pattern = _any_of(skeleton.tags)

    def value_of(match: re.Match[str]) -> str:
        return by_tag[match.group()]

    return Skeleton(
        subject=one_line(pattern.sub(value_of, skeleton.subject)),
        html=pattern.sub(value_of, skeleton.html),
        text=pattern.sub(value_of, skeleton.text),
    )


def one_line(text: str) -> str:
    """Line breaks become a space: a subject or a header must never begin a second header."""
    return _LINE_BREAKS.sub(" ", text)


def header_safe_url(url: str) -> bool:
    """Whether the URL can stand in a List-Unsubscribe header: http(s), printable ASCII."""
    return _HEADER_SAFE_URL.fullmatch(url) is not None


def substitution_bytes(tags: tuple[str, ...], values: tuple[str, ...]) -> int:
    """The size of one personalization's substitutions as JSON in UTF-8: at least what the
    provider counts, whichever way it counts."""
    body = json.dumps(dict(zip(tags, values, strict=True)), ensure_ascii=False)
    return len(body.encode("utf-8", "surrogatepass"))


def unsafe_as_substitutions(tags: tuple[str, ...]) -> Callable[[tuple[str, ...]], bool]:
    """A test for one recipient's values: too large to travel as substitutions, or containing
    something that looks like a tag (the provider replaces tag after tag, so it would be replaced
    a second time)."""
    if not tags:
        return lambda _values: False
    start = _common_start(tags).lower()
    pattern = _any_of(tuple(tag.lower() for tag in tags))
    frame = sum(len(tag) + 6 for tag in tags) + 2

    def unsafe(values: tuple[str, ...]) -> bool:
        joined = "\n".join(values).lower()
        if start in joined and pattern.search(joined):
            return True
        # Six bytes is the most a character can take in JSON; nearly everyone stops here.
        if 6 * len(joined) + frame <= MAX_SUBSTITUTION_BYTES:
            return False
        return substitution_bytes(tags, values) > MAX_SUBSTITUTION_BYTES

    return unsafe


def _common_start(tags: tuple[str, ...]) -> str:
    first, last = min(tags), max(tags)
    length = next(
        (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first)
    )
    return first[:length]


@lru_cache(maxsize=256)
def _any_of(tags: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(tags, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))
