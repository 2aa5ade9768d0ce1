"""What programs answer: absences, tickets, bounces; all of 10 March 2026, a Tuesday."""

from __future__ import annotations

from datetime import date

from crm.mail.replies import ReplyKind
from tests.unit.reply_samples import Sample

_AWAY = ReplyKind.OUT_OF_OFFICE
_AUTOMATIC = ReplyKind.AUTOMATIC

ABSENCES = (
    Sample(
        name="exchange",
        kind=_AWAY,
        subject="Automatic reply: Three things to ask first",
        headers="X-Auto-Response-Suppress: All\nAuto-Submitted: auto-generated\n",
        body="I am out of the office, back on Monday, March 16th.\nFor urgent matters call Ada.",
        quiet_until=date(2026, 3, 17),
    ),
    Sample(
        name="gmail vacation responder",
        kind=_AWAY,
        headers="Precedence: bulk\nX-Autoreply: yes\nAuto-Submitted: auto-replied\n",
        body="I'm on holiday until 20 March and read no e-mail.",
        quiet_until=date(2026, 3, 22),
    ),
    Sample(
        name="exchange in German",
        kind=_AWAY,
        subject="=?utf-8?Q?Automatische_Antwort=3A_Drei_Fragen?=",
        body="Ich bin bis einschließlich Freitag, den 20.03.2026 nicht im Büro.\nViele Grüße",
        quiet_until=date(2026, 3, 22),
    ),
    Sample(
        name="French",
        kind=_AWAY,
        subject="Réponse automatique : Three things",
        body="Bonjour,\nje suis absente du bureau, de retour le lundi 16 mars.\nCordialement",
        quiet_until=date(2026, 3, 17),
    ),
    Sample(
        name="Spanish",
        kind=_AWAY,
        subject="Respuesta automática: Three things",
        body="Estoy fuera de la oficina hasta el 16 de marzo.",
        quiet_until=date(2026, 3, 18),
    ),
    Sample(
        name="Italian",
        kind=_AWAY,
        subject="Risposta automatica: Three things",
        body="Sono fuori ufficio dal 9 al 16 marzo 2026 incluso.",
        quiet_until=date(2026, 3, 18),
    ),
    Sample(
        name="Dutch",
        kind=_AWAY,
        subject="Automatisch antwoord: Three things",
        body="Ik ben afwezig t/m vrijdag 20 maart.",
        quiet_until=date(2026, 3, 22),
    ),
    Sample(
        name="Portuguese",
        kind=_AWAY,
        subject="Resposta automática: Three things",
        body="Estou de férias até 20 de março.",
        quiet_until=date(2026, 3, 22),
    ),
    Sample(
        name="Swedish",
        kind=_AWAY,
        subject="Autosvar: Three things",
        body="Jag har semester, frånvarande till och med den 20 mars.",
        quiet_until=date(2026, 3, 22),
    ),
    Sample(
        name="Danish",
        kind=_AWAY,
        subject="Automatisk svar: Three things",
        body="Jeg er på ferie og er tilbage mandag den 16. marts.",
        quiet_until=date(2026, 3, 17),
    ),
    Sample(
        name="Finnish",
        kind=_AWAY,
        subject="Automaattinen vastaus: Three things",
        body="Olen lomalla 20.3. asti.",
        quiet_until=date(2026, 3, 22),
    ),
    Sample(
        name="Polish",
        kind=_AWAY,
        subject="Automatyczna odpowiedź: Three things",
        body="Jestem na urlopie do 20 marca.",
        quiet_until=date(2026, 3, 22),
    ),
    Sample(
        name="Japanese",
        kind=_AWAY,
        subject="自動応答: Three things",
        body="3月16日まで休暇をいただいております。",
        quiet_until=date(2026, 3, 18),
    ),
    Sample(
        name="only the return is told",
        kind=_AWAY,
        headers="Auto-Submitted: auto-replied\n",
        body="Thanks for your message. I'll be back on 16 March.",
        quiet_until=date(2026, 3, 17),
    ),
    Sample(
        name="our subject has a date",
        kind=_AWAY,
        subject="Automatic reply: Book until 20 March",
        body="I am out of the office.",
    ),
    Sample(
        name="their subject has a date",
        kind=_AWAY,
        subject="Out of office until 20 March Re: Book until 30 March",
        body="Thank you for your message.",
        quiet_until=date(2026, 3, 22),
    ),
    Sample(
        name="away without a date",
        kind=_AWAY,
        subject="Out of office",
        body="I am out of the office with limited access to e-mail.",
    ),
    Sample(
        name="vacation program with the null sender",
        kind=_AWAY,
        envelope_from="",
        body="I am away from my desk and return on 2026-03-16. Unsubscribe me? No, I am a robot.",
        quiet_until=date(2026, 3, 17),
    ),
)

PROGRAMS = (
    Sample(
        name="ticket system",
        kind=_AUTOMATIC,
        headers="Auto-Submitted: auto-replied; owner-email=x\n",
        body="We received your message. Ticket 4711. To stop e-mailing me click unsubscribe me.",
    ),
    Sample(
        name="bounce",
        kind=_AUTOMATIC,
        sender="Mail Delivery Subsystem <mailer-daemon@mx.customer.example>",
        subject="Delivery Status Notification (Failure)",
        envelope_from="",
        content_type='multipart/report; report-type=delivery-status; boundary="b"',
        body="--b\nContent-Type: text/plain\n\nGrace is on vacation until 20 March.\n\n--b\n"
        "Content-Type: message/delivery-status\n\nAction: failed\n\n--b--\n",
    ),
    Sample(
        name="read receipt",
        kind=_AUTOMATIC,
        subject="Read: Three things",
        content_type='multipart/report; report-type=disposition-notification; boundary="b"',
        body="--b\nContent-Type: text/plain\n\nYour message was read.\n\n--b--\n",
    ),
    Sample(
        name="newsletter",
        kind=_AUTOMATIC,
        subject="Spring sale",
        headers="List-Id: <sale.customer.example>\nList-Unsubscribe: <https://x.example/u>\n",
        body="On vacation until 20 March? Order now.",
    ),
    Sample(
        name="newsletter without a list id",
        kind=_AUTOMATIC,
        subject="Spring sale",
        headers="Precedence: bulk\nList-Unsubscribe: <https://x.example/u>\n",
        body="On vacation until 20 March? Order now.",
    ),
    Sample(
        name="discussion list",
        kind=_AUTOMATIC,
        subject="Spring meeting",
        headers="Precedence: list\n",
        body="Ada is on vacation until 20 March.",
    ),
    Sample(
        name="no reply address",
        kind=_AUTOMATIC,
        sender="Customer <no-reply@customer.example>",
        body="Please do not answer.",
    ),
    Sample(
        name="forwarded by a rule",
        kind=_AUTOMATIC,
        subject="Re: Automatic reply: hello",
        headers="X-Auto-Response-Suppress: All\n",
        body="Thank you for your message.",
    ),
)
