"""A scheduler process that ends without a word at one point of a tick.

`python -m tests.scheduler.dying POINT --once …`: as `drip_scheduler.py`, dead by os._exit
`after_claim`, `after_hand_over`, or `after_accept`.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import drip_scheduler
from crm.mail.message import Answer, MailRequest
from crm.mail.sendgrid_sender import SendGridSender
from crm.records.engine import ClaimedSend, EngineRecords

EXIT_CODE = 86


def _die() -> NoReturn:
    os._exit(EXIT_CODE)


def _after_claim() -> None:
    claim = EngineRecords.claim_due

    def claim_and_die(self: EngineRecords, *given: Any, **named: Any) -> list[ClaimedSend]:
        claim(self, *given, **named)
        _die()

    EngineRecords.claim_due = claim_and_die  # type: ignore[method-assign]


def _after_hand_over() -> None:
    def die_instead(_self: SendGridSender, _request: MailRequest) -> Answer:
        _die()

    SendGridSender.send = die_instead  # type: ignore[method-assign,assignment]


def _after_accept() -> None:
    send = SendGridSender.send

    def send_and_die(self: SendGridSender, request: MailRequest) -> Answer:
        send(self, request)
        _die()

    SendGridSender.send = send_and_die  # type: ignore[method-assign]


POINTS = {
    "after_claim": _after_claim,
    "after_hand_over": _after_hand_over,
    "after_accept": _after_accept,
}


def main(arguments: Sequence[str]) -> int:
    POINTS[arguments[0]]()
    return drip_scheduler.main(arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
