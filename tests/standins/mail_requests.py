"""Ordinary mail requests for tests to bend."""

from crm.mail.message import MailRequest, Recipient, SenderIdentity, Skeleton

TAGS = ("mf0x1f9c2a7b", "mf1x1f9c2a7b", "mf2x1f9c2a7b")
"""First name in the subject, the same in the HTML, unsubscribe URL in HTML and text."""

SKELETON = Skeleton(
    subject=f"A word for {TAGS[0]}",
    html=f'<p>Dear {TAGS[1]},</p><p><a href="{TAGS[2]}">Unsubscribe</a></p>',
    text=f"Dear {TAGS[1]},\n\nUnsubscribe: {TAGS[2]}\n",
    tags=TAGS,
)
SENDER = SenderIdentity(
    email="carol@mpt.test",
    name="Carol of MPT",
    reply_to="replies@mpt.test",
    postal_address="1 Main Street, Springfield",
)


def a_recipient(
    number: int,
    *,
    email: str | None = None,
    name: str = "Alice",
    values: tuple[str, ...] | None = None,
) -> Recipient:
    url = f"https://crm.mpt.test/unsubscribe/token-{number}"
    return Recipient(
        send_id=f"send-{number}",
        email=email or f"alice{number}@example.com",
        name=name,
        values=(f"Alice {number}", f"Alice {number}", url) if values is None else values,
        unsubscribe_url=url,
    )


def a_request(*recipients: Recipient, skeleton: Skeleton = SKELETON) -> MailRequest:
    return MailRequest(
        skeleton=skeleton,
        recipients=recipients or (a_recipient(0),),
        sender=SENDER,
        category="lead",
    )


def a_request_to(count: int) -> MailRequest:
    return a_request(*(a_recipient(number) for number in range(count)))


AWKWARD_TEXTS = (
    "",
    "{{ 7*7 }}",
    "{% raw %}",
    "<script>alert(1)</script>",
    "Lee, Ann; Dr",
    "Bob\r\nBcc: eve@example.com",
    "-name-",
    "%name%",
    "[Unsubscribe]",
    TAGS[0],
    TAGS[2].upper(),
    "\u202eelia",
    "محمد",
    "太郎",
    "🎉",
)
"""What contacts are called, or say they are."""
