"""E-mails rendered before the clock starts, for the programs that are compared with the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bench.measuring import NOW
from crm.drip.compose import Letter
from crm.mail.message import Skeleton, fill
from crm.mail.sendgrid_payload import envelope
from crm.records.engine import ClaimedSend
from crm.scheduler.desk import Desk, sender_fields, sender_identity
from crm.settings import Settings
from db_service import DbService, connect, disconnect

PREPARED = 250  # of each e-mail of the library
UNSUBSCRIBE = "https://crm.mpt-crm.example/unsubscribe/" + "0123456789abcdef" * 4

# One contact as the claim would return it; ids are text there.
_DUE = """
    select e.id::text as send_id, e.id::text as enrollment_id, c.id::text as contact_id,
           t.campaign_id::text, t.id::text as template_id, t.step, c.email, c.first_name,
           c.last_name, c.company_name, c.job_title, c.industry, c.city, c.country, c.time_zone,
           o.full_name as owner_name, o.email as owner_email, o.phone as owner_phone,
           null::timestamptz[] as recent_sends
    from drip_campaign_templates t
    join lateral (select * from campaign_enrollments e
                  where e.campaign_id = t.campaign_id and e.next_step = t.step limit %s) e on true
    join contacts c on c.id = e.contact_id left join profiles o on o.id = c.owner_id
    where t.status = 'published' order by t.campaign_id, t.step
"""


@dataclass(frozen=True, slots=True)
class PreparedMail:
    """One e-mail of the library: the envelope, and substitutions for some hundred recipients."""

    campaign_id: str
    step: int
    envelope: dict[str, Any]
    skeleton: Skeleton
    substitutions: list[dict[str, str]]

    def finished(self, number: int) -> Skeleton:
        """A whole e-mail without tags left."""
        values = self.substitutions[number % len(self.substitutions)].values()
        return fill(self.skeleton, tuple(values))


def prepared_mails(settings: Settings) -> list[PreparedMail]:
    """Reads through a connection of its own, which is closed again."""
    connect(settings)
    try:
        desk = Desk(DbService.for_service(), sender_fields(settings))
    finally:
        disconnect()
    letters: dict[str, list[Letter]] = {}
    for due in _due(settings.database_url.get_secret_value()):
        letter = desk.composer.compose(due, now=NOW, unsubscribe_url=UNSUBSCRIBE)
        assert isinstance(letter, Letter), letter
        letters.setdefault(due.template_id, []).append(letter)
    return [_prepared(desk, settings, some) for some in letters.values()]


def _due(address: str) -> list[ClaimedSend]:
    with psycopg.connect(address, row_factory=dict_row) as connection:
        rows = connection.execute(_DUE, (PREPARED,)).fetchall()
    return [ClaimedSend(**row) for row in rows]


def _prepared(desk: Desk, settings: Settings, letters: list[Letter]) -> PreparedMail:
    due = letters[0].due
    skeleton = desk.skeleton_of(due.template_id)
    category = desk.key_of(due.campaign_id)
    return PreparedMail(
        campaign_id=due.campaign_id,
        step=due.step,
        envelope=envelope(skeleton, sender_identity(settings), category),
        skeleton=skeleton,
        substitutions=[dict(zip(skeleton.tags, x.values, strict=True)) for x in letters],
    )
