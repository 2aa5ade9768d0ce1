"""Replies as people's mail programs really write them; all of 10 March 2026, a Tuesday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from crm.mail.replies import ReplyKind

_PERSON = ReplyKind.PERSON
_REMOVE_ME = ReplyKind.REMOVE_ME

OURS = (
    "Hi Grace,\n\nthree things our customers ask first.\n\n"
    "MPT, 1 Main Street\nUnsubscribe: https://crm.mpt.example/unsubscribe/abc\n"
    "To be removed from this list, please unsubscribe me or follow the link.\n"
)
QUOTED = "".join(f"> {line}\n" for line in OURS.splitlines())
_DATE = "Tue, 10 Mar 2026 16:02:11 +0100"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`says` is the new text; `quiet_until` the day from whose start people write again."""

    name: str
    kind: ReplyKind
    subject: str = "Re: Three things to ask first"
    headers: str = ""
    content_type: str = "text/plain; charset=utf-8"
    body: str
    says: str | None = None
    quiet_until: date | None = None
    sender: str = "Grace Hopper <grace@customer.example>"
    envelope_from: str | None = None

    @property
    def source(self) -> bytes:
        head = (
            f"From: {self.sender}\nTo: hello@reply.mpt.example\nSubject: {self.subject}\n"
            f"Date: {_DATE}\nMessage-ID: <{self.name.replace(' ', '.')}@customer.example>\n"
            f"{self.headers}MIME-Version: 1.0\nContent-Type: {self.content_type}\n"
            "Content-Transfer-Encoding: 8bit\n"
        )
        return f"{head}\n{self.body}".encode()


PEOPLE = (
    Sample(
        name="gmail top posted",
        kind=_PERSON,
        content_type="text/plain; charset=UTF-8; format=flowed",
        body="Thanks Morgan, let's talk on Thursday at 3.\n\nGrace\n\n"
        "On Tue, Mar 10, 2026 at 3:00 PM Morgan at MPT <hello@reply.mpt.example>\nwrote:\n\n"
        + QUOTED,
        says="Thanks Morgan, let's talk on Thursday at 3.\n\nGrace",
    ),
    Sample(
        name="gmail html only",
        kind=_PERSON,
        content_type="text/html; charset=utf-8",
        body='<div dir="ltr">Sounds good &amp; works for me.<br>Grace</div><br>'
        '<div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On Tue, '
        "Mar 10, 2026 Morgan wrote:<br></div><blockquote>Please unsubscribe me<div>x</div>"
        "</blockquote></div>",
        says="Sounds good & works for me.\nGrace",
    ),
    Sample(
        name="outlook desktop",
        kind=_PERSON,
        subject="RE: Three things to ask first",
        headers="Thread-Topic: Three things to ask first\nX-MS-Has-Attach:\n",
        body="Hello Morgan,\n\nplease call my office.\n\nRegards\nGrace\n\n"
        "From: Morgan at MPT <hello@reply.mpt.example>\nSent: Tuesday, March 10, 2026 3:00 PM\n"
        "To: Grace Hopper <grace@customer.example>\nSubject: Three things to ask first\n\n" + OURS,
        says="Hello Morgan,\n\nplease call my office.\n\nRegards\nGrace",
    ),
    Sample(
        name="outlook mobile html",
        kind=_PERSON,
        content_type="text/html; charset=utf-8",
        body="<html><head><style>p {margin:0}</style></head><body><div>Yes please.</div>"
        '<div>Get <a href="https://aka.ms/x">Outlook for iOS</a></div>'
        '<hr><div id="divRplyFwdMsg"><b>From:</b> Morgan<br><b>Sent:</b> Tuesday</div>'
        "<div>Unsubscribe me</div></body></html>",
        says="Yes please.",
    ),
    Sample(
        name="outlook in German",
        kind=_PERSON,
        subject="AW: Three things to ask first",
        body="Guten Tag,\n\nschicken Sie mir gern ein Angebot.\n\n"
        "Von: Morgan at MPT <hello@reply.mpt.example>\nGesendet: Dienstag, 10. März 2026 15:00\n"
        "An: Grace Hopper\nBetreff: Three things to ask first\n\n" + OURS,
        says="Guten Tag,\n\nschicken Sie mir gern ein Angebot.",
    ),
    Sample(
        name="outlook in French with narrow blanks",
        kind=_PERSON,
        body="Merci, c'est noté.\n\nDe\xa0: Morgan <hello@reply.mpt.example>\n"
        "Envoyé\xa0: mardi 10 mars 2026 15:00\nÀ\xa0: Grace\nObjet\xa0: Three things\n\n" + OURS,
        says="Merci, c'est noté.",
    ),
    Sample(
        name="apple mail",
        kind=_PERSON,
        headers="X-Mailer: Apple Mail (2.3774.400.31)\n",
        body="Not this quarter, try me in June.\n\n"
        "> On Mar 10, 2026, at 3:00 PM, Morgan at MPT <hello@reply.mpt.example> wrote:\n> \n"
        + QUOTED,
        says="Not this quarter, try me in June.",
    ),
    Sample(
        name="iphone",
        kind=_PERSON,
        body="Call me\n\nSent from my iPhone\n\n"
        "> On Mar 10, 2026, at 15:00, Morgan <hello@reply.mpt.example> wrote:\n> \n" + QUOTED,
        says="Call me",
    ),
    Sample(
        name="bottom posted",
        kind=_PERSON,
        body="On 10.03.26 15:00, Morgan at MPT wrote:\n" + QUOTED + "\nWe have one already.\n\n"
        "-- \nGrace Hopper\nCustomer Ltd\n",
        says="We have one already.",
    ),
    Sample(
        name="thunderbird in German",
        kind=_PERSON,
        body="Danke, kein Bedarf.\n\nAm 10.03.2026 um 15:00 schrieb Morgan at MPT:\n" + QUOTED,
        says="Danke, kein Bedarf.",
    ),
    Sample(
        name="web mail in Spanish without marks",
        kind=_PERSON,
        body="Gracias, lo hablamos.\n\nEl mar, 10 mar 2026 a las 15:00, Morgan "
        "(<hello@reply.mpt.example>) escribió:\n\n" + OURS,
        says="Gracias, lo hablamos.",
    ),
    Sample(
        name="original message line",
        kind=_PERSON,
        body="Who are you?\n\n-----Original Message-----\nFrom: Morgan\n\n" + OURS,
        says="Who are you?",
    ),
    Sample(
        name="about office furniture",
        kind=_PERSON,
        subject="Re: Out of office furniture",
        body="Out of office furniture is what we sell. Interested?",
    ),
    Sample(
        name="a subject that only begins like one",
        kind=_PERSON,
        subject="Out of office furniture for you",
        body="We sell it.",
    ),
    Sample(
        name="away by a person's own words",
        kind=_PERSON,
        body="I'm on vacation until 20 March, let's talk after that.",
    ),
    Sample(
        name="it says it is not automatic",
        kind=_PERSON,
        headers="Auto-Submitted: no\nPrecedence: normal\n",
        body="It is really me.",
    ),
    Sample(
        name="calendar people keep Exchange's header",
        kind=_PERSON,
        headers="X-Auto-Response-Suppress: DR, RN, NRN\n",
        body="Fine with me.",
    ),
)

REMOVALS = (
    Sample(
        name="remove me above our footer",
        kind=_REMOVE_ME,
        body="Please remove me from your list.\n\nOn Tue, Mar 10, 2026 at 3:00 PM Morgan "
        "<hello@reply.mpt.example> wrote:\n" + QUOTED,
        says="Please remove me from your list.",
    ),
    Sample(name="one word", kind=_REMOVE_ME, body="UNSUBSCRIBE\n\n" + QUOTED),
    Sample(name="by subject", kind=_REMOVE_ME, subject="unsubscribe", body=""),
    Sample(
        name="bottom posted removal",
        kind=_REMOVE_ME,
        body="On 10.03.26 15:00, Morgan wrote:\n" + QUOTED + "\nStop e-mailing me.\n",
        says="Stop e-mailing me.",
    ),
    Sample(
        name="removal from a phone",
        kind=_REMOVE_ME,
        content_type="text/html; charset=utf-8",
        body="<div>Take me off this list</div><div><br></div><div>Sent from my Galaxy</div>"
        "<blockquote>Hi</blockquote>",
        says="Take me off this list",
    ),
)
