"""A mail request as the JSON body of SendGrid's v3 Mail Send. No I/O.

The envelope is built with SendGrid's own helpers; the up to 1000 personalizations are plain
dicts, because the helpers take tens of microseconds each (a test holds both forms equal).
"""

import json
from typing import Any, cast

from sendgrid.helpers.mail import (
    Category,
    ClickTracking,
    Content,
    From,
    Mail,
    MimeType,
    OpenTracking,
    ReplyTo,
    Subject,
    SubscriptionTracking,
    TrackingSettings,
)

from crm.mail.display_names import clean_name
from crm.mail.message import (
    MAX_RECIPIENTS,
    MAX_SUBSTITUTION_BYTES,
    MailRequest,
    Recipient,
    SenderIdentity,
    Skeleton,
    header_safe_url,
    one_line,
    substitution_bytes,
)

MAX_BODY_BYTES = 30_000_000
"""The whole request (SendGrid: 30 MB; the decimal megabyte is the safe reading)."""

MAX_SEND_ID_CHARACTERS = 1_000
"""Far under the 10,000 bytes custom_args may take, even if each character took six bytes."""

MAX_CATEGORY_CHARACTERS = 255

Personalization = dict[str, Any]

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class UnbuildableError(ValueError):
    """The request breaks a rule that is known before it leaves; the words hold no address."""


class UnbuildableRecipientsError(UnbuildableError):
    """Some recipients break a rule, the others do not: index → what is wrong, without addresses."""

    def __init__(self, reasons: dict[int, str]) -> None:
        super().__init__(f"{len(reasons)} recipients cannot be put into a request")
        self.reasons = reasons


class BodyTooLargeError(Exception):
    """The body is over SendGrid's limit; smaller requests may pass."""


def build_body(request: MailRequest) -> bytes:
    """The body to post.

    Raises UnbuildableError for a broken limit (UnbuildableRecipientsError where single recipients
    break it), BodyTooLargeError over 30 MB, UnicodeEncodeError for text
    with half a surrogate pair.
    """
    _check_recipients(request)
    payload = envelope(request.skeleton, request.sender, request.category)
    if request.request_id:
        payload["custom_args"] = {"request_id": request.request_id}
    payload["personalizations"] = personalizations(request)
    body = _encode(payload).encode()
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLargeError
    return body


def envelope(skeleton: Skeleton, sender: SenderIdentity, category: str) -> Personalization:
    """Everything the recipients share."""
    if not 0 < len(category) <= MAX_CATEGORY_CHARACTERS:
        raise UnbuildableError(f"a category has 1 to {MAX_CATEGORY_CHARACTERS} characters")
    mail = Mail()
    mail.from_email = From(sender.email, clean_name(sender.name) or None)
    if sender.reply_to:
        mail.reply_to = ReplyTo(sender.reply_to)
    mail.subject = Subject(one_line(skeleton.subject))
    # add_content puts plain text first, as RFC 2046 and SendGrid ask.
    mail.add_content(Content(MimeType.html, skeleton.html))
    mail.add_content(Content(MimeType.text, skeleton.text))
    mail.add_category(Category(category))
    mail.tracking_settings = TrackingSettings(
        click_tracking=ClickTracking(enable=True, enable_text=False),
        open_tracking=OpenTracking(enable=True),
        # Off: SendGrid's own unsubscribe headers would replace ours.
        subscription_tracking=SubscriptionTracking(enable=False),
    )
    return cast(Personalization, mail.get())


def personalizations(request: MailRequest) -> list[Personalization]:
    """One dict a recipient, in their order: an error path's index counts recipients.

    Raises UnbuildableRecipientsError naming every recipient that breaks a rule.
    """
    tags = request.skeleton.tags
    in_subject = [i for i, tag in enumerate(tags) if tag in request.skeleton.subject]
    frame = sum(len(tag) + 6 for tag in tags) + 2
    built: list[Personalization] = []
    reasons: dict[int, str] = {}
    for index, recipient in enumerate(request.recipients):
        try:
            built.append(_personalization(recipient, tags, in_subject, frame))
        except UnbuildableError as error:
            reasons[index] = str(error)
    if reasons:
        raise UnbuildableRecipientsError(reasons)
    return built


def _personalization(
    recipient: Recipient, tags: tuple[str, ...], in_subject: list[int], frame: int
) -> Personalization:
    to = {"email": recipient.email}
    name = clean_name(recipient.name)
    if name:
        to["name"] = name
    url = recipient.unsubscribe_url
    if not header_safe_url(url):
        raise UnbuildableError("the unsubscribe address is not an http(s) URL")
    if len(recipient.send_id) > MAX_SEND_ID_CHARACTERS:
        raise UnbuildableError("the send_id is too long for custom_args")
    built: Personalization = {
        "to": [to],
        "headers": {
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        "custom_args": {"send_id": recipient.send_id},
    }
    if tags:
        built["substitutions"] = _substitutions(recipient.values, tags, in_subject, frame)
    return built


def _substitutions(
    values: tuple[str, ...], tags: tuple[str, ...], in_subject: list[int], frame: int
) -> dict[str, str]:
    if len(values) != len(tags):
        raise UnbuildableError("the values do not match the template's tags")
    # Six bytes is the most a character can take; only the rare long one is counted exactly.
    if (
        6 * sum(map(len, values)) + frame > MAX_SUBSTITUTION_BYTES
        and substitution_bytes(tags, values) > MAX_SUBSTITUTION_BYTES
    ):
        raise UnbuildableError(f"substitutions over {MAX_SUBSTITUTION_BYTES} bytes")
    built = dict(zip(tags, values, strict=True))
    for index in in_subject:
        built[tags[index]] = one_line(values[index])
    return built


def _check_recipients(request: MailRequest) -> None:
    recipients = request.recipients
    if not 0 < len(recipients) <= MAX_RECIPIENTS:
        raise UnbuildableError(f"a request has 1 to {MAX_RECIPIENTS} recipients")
    if len({recipient.email.lower() for recipient in recipients}) != len(recipients):
        raise UnbuildableError("an address occurs twice in one request")
