"""Writing down what record classes answer, and the odd things the story asks them to keep."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from crm.database.errors import DatabaseError
from crm.records.contacts import ContactDraft
from crm.records.events import IncomingEvent
from crm.records.templates import TemplateDraft
from db_service import DbService
from tests import cast

Told = list[tuple[str, str]]  # "Class.method", its answer
DRAFT = ContactDraft(
    first_name="Ada",
    last_name='O\'Neil, "the" (1st)',
    email="ada@customer.example",
    company_name="Ünïted & Sons\\Co",
    industry="Steam",
    contact_type="lead",
    owner_id=cast.ALICE_ID,
    tags=("vip", 'a,"b"', "NULL"),
    notes="line one\nline two * 100% {x}",
)


class Teller:
    """A DbService whose record classes write down every call and its answer, errors included."""

    def __init__(self, desk: DbService, told: Told) -> None:
        self._desk = desk
        self._told = told

    def __getattr__(self, name: str) -> "_Records":
        return _Records(getattr(self._desk, name), self._told)


class _Records:
    def __init__(self, records: Any, told: Told) -> None:
        self._records = records
        self._told = told

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._records, name)
        title = f"{type(self._records).__name__}.{name}"

        def call(*arguments: Any, **options: Any) -> Any:
            try:
                answer = method(*arguments, **options)
            except DatabaseError as error:
                self._told.append((title, f"{type(error).__name__}: {error}"))
                return error
            if isinstance(answer, Iterator):
                answer = list(answer)
            shown = sorted(answer) if isinstance(answer, set) else answer
            self._told.append((title, repr(shown)))
            return answer

        return call


def imported(number: int, **fields: Any) -> dict[str, Any]:
    unsaid = "first_name last_name phone company_name job_title industry city state country"
    empty = dict.fromkeys([*unsaid.split(), "profile_url", "website", "notes"], "")
    known = {"row_number": number, "contact_type": "lead", "opted_out": False, "tags": []}
    return empty | known | {"owner_name": None, "time_zone": None} | fields


def template(campaign: str, step: int) -> TemplateDraft:
    compiled = {"subject": f"S {step}", "html": '<p title="a,{b}">ü</p>', "text": "t", "slots": []}
    return TemplateDraft(
        campaign_id=campaign,
        step=step,
        name=f'E-mail {step}, "x"',
        subject=f"Subject {step} {{x}}",
        preheader="",
        body="Body\n\n* one * two",
        delay_days=0 if step == 1 else 7,
        expires_after_days=None if step == 1 else 30,
        content_hash=f"hash {step}",
        compiled=compiled,
    )


def event(send: str, email: str, kind: str, at: datetime) -> IncomingEvent:
    return IncomingEvent(
        event=kind,
        occurred_at=at,
        email=email,
        send_id=send,
        message_id="m, 1",
        url="https://x.example/?a=1,2&b=(3)",
        user_agent='Mozilla/5.0 (X11; "odd")',
        payload={"event": kind, "odd": ["\\", '"', None, 1.5]},
    )
