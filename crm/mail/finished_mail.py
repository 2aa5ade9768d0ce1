"""One finished e-mail as RFC 5322 text. No I/O."""

import re
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy, Policy
from email.utils import format_datetime

from crm.mail.display_names import clean_name
from crm.mail.message import MailRequest, Recipient, SenderIdentity, fill, header_safe_url, one_line

_ADDRESS = re.compile(r"([!-;=?-~]+)@([A-Za-z0-9.-]+)")
_SEND_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
# Mail is text: control characters other than tab and line breaks have no place in it, and half
# a surrogate pair cannot be written.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class UnwritableError(ValueError):
    """The e-mail cannot be written; the words hold no address."""


class _Verbatim(UnstructuredHeader, BaseHeader):
    """Written as it is: the library's folding would encode a long URL beyond recognition."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_headers = HeaderRegistry()
_headers.map_to_type("list-unsubscribe", _Verbatim)
_POLICY = EmailPolicy(linesep="\r\n", header_factory=_headers)


def finished_mail(request: MailRequest, recipient: Recipient, *, at: datetime) -> bytes:
    """The e-mail as this recipient gets it, dated `at` (aware UTC).

    Raises UnwritableError when the address, send_id or content cannot be part of an e-mail.
    """
    if not _SEND_ID.fullmatch(recipient.send_id):
        raise UnwritableError("the send_id is not made of letters, digits, - and _")
    if not header_safe_url(recipient.unsubscribe_url):
        raise UnwritableError("the unsubscribe address is not an http(s) URL")
    try:
        return _compose(request, recipient, at).as_bytes(policy=_POLICY)
    except UnwritableError:
        raise
    except (ValueError, MessageError) as error:
        raise UnwritableError(f"the e-mail cannot be written: {type(error).__name__}") from None


def _compose(request: MailRequest, recipient: Recipient, at: datetime) -> EmailMessage:
    content = fill(request.skeleton, recipient.values)
    sender = request.sender
    mail = EmailMessage(policy=_POLICY)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{recipient.send_id}@{_parts(sender.email)[1]}>"
    mail["From"] = _mailbox(sender.name, sender.email)
    mail["To"] = _mailbox(recipient.name, recipient.email)
    if sender.reply_to:
        mail["Reply-To"] = _mailbox("", sender.reply_to)
    mail["Subject"] = _UNWRITABLE.sub("", one_line(content.subject))
    _unsubscribe_and_ids(mail, request, recipient)
    mail.set_content(_UNWRITABLE.sub("", content.text))
    mail.add_alternative(_UNWRITABLE.sub("", content.html), subtype="html")
    return mail


def _unsubscribe_and_ids(mail: EmailMessage, request: MailRequest, recipient: Recipient) -> None:
    mail["List-Unsubscribe"] = f"<{recipient.unsubscribe_url}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["X-Send-Id"] = recipient.send_id
    mail["X-Category"] = clean_name(request.category)


def sender_is_writable(sender: SenderIdentity) -> bool:
    """Whether From and Reply-To can be written at all."""
    addresses = [sender.email, *([sender.reply_to] if sender.reply_to else [])]
    return all(_ADDRESS.fullmatch(address) for address in addresses)


def _mailbox(name: str, email: str) -> Address:
    local, domain = _parts(email)
    return Address(display_name=clean_name(name), username=local, domain=domain)


def _parts(email: str) -> tuple[str, str]:
    found = _ADDRESS.fullmatch(email)
    if found is None:
        raise UnwritableError("the address is malformed")
    return found.group(1), found.group(2)
