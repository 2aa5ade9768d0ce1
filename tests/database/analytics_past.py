"""The made-up past of a small CRM: campaigns, people, enrollments and e-mails as raw rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from db_service import DbService
from tests.conftest import PublishedSteps, Raw

# The clocks of New York change on 2 November and 8 March, those of Berlin on 26 October, 29 March.
BEGIN = datetime(2025, 9, 20, tzinfo=UTC)
END = datetime(2026, 4, 10, tzinfo=UTC)
# Something always happens exactly here: whether a border belongs to a period is seen.
BORDERS = (
    datetime(2025, 10, 26, tzinfo=UTC),
    datetime(2026, 1, 1, 5, 0, tzinfo=UTC),
    datetime(2026, 3, 8, 5, 0, tzinfo=UTC),
    datetime(2026, 3, 29, tzinfo=UTC),
)
CAMPAIGNS = ("networking", "lead", "prospect", "client", "newsletter", "old_news")
PEOPLE = 30
DAY = timedelta(days=1)
_WENT = ("accepted",) * 9
_STAYED = ("claimed", "handed_over", "failed", "retry", "unconfirmed")


@dataclass
class Past:
    """Everything is drawn from one seed, so that a failing one can be told again."""

    raw: Raw
    service: DbService
    published_steps: PublishedSteps
    seed: int
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def moment(self) -> datetime:
        if self.chance.random() < 0.15:
            tick = timedelta(microseconds=self.chance.choice((-1, 0, 0, 1)))
            return self.chance.choice(BORDERS) + tick
        return BEGIN + self.chance.random() * (END - BEGIN)

    def campaigns(self) -> None:
        self.raw.execute(
            "insert into drip_campaigns (key, name, is_type_campaign) values"
            " ('newsletter', 'Newsletter', false), ('old_news', 'Old news', false),"
            " ('silent', 'Silent', false)"
        )
        self.raw.execute("update drip_campaigns set status = 'archived' where key = 'silent'")
        for key in CAMPAIGNS:
            self.published_steps(key, 4)
        # Lead: its second e-mail was taken out, the third has a newer version, the fourth had two
        # versions before it was taken out.
        for step, newer in ((2, ""), (3, "published"), (4, "retired")):
            self._retire("lead", step, newer)

    def _retire(self, campaign: str, step: int, newer: str) -> None:
        row = self.raw.execute(
            "update drip_campaign_templates t set status = 'retired' from drip_campaigns d"
            " where d.id = t.campaign_id and d.key = %s and t.step = %s returning t.id",
            (campaign, step),
        ).fetchone()
        assert row is not None
        if newer:
            self.raw.execute(
                "insert into drip_campaign_templates (campaign_id, step, position, version, status,"
                "  name, subject, body, content_hash, compiled)"
                " select campaign_id, step, position, 2, %s, 'Newer', subject, body, 'x', compiled"
                " from drip_campaign_templates where id = %s",
                (newer, row["id"]),
            )

    def contacts(self) -> list[str]:
        kinds = ("networking", "lead", "prospect", "client", "partner", "other")
        with self.raw.transaction():
            self.raw.execute("set local mpt.auto_enroll = 'off'")
            added = [
                self.raw.execute(
                    "insert into contacts (first_name, email, contact_type, archived_at)"
                    " values ('P', %s, %s, %s) returning id::text as id",
                    (
                        f"p{n}@customer.example",
                        self.chance.choice(kinds),
                        END if n % 9 == 8 else None,
                    ),
                ).fetchone()
                for n in range(PEOPLE)
            ]
        ids = [str(row["id"]) for row in added if row]
        # An address that went from one person to another: who answers from it is the new one.
        self.at(
            END - 100 * DAY,
            "update contacts set email = 'new@customer.example' where id = %s",
            ids[0],
        )
        self.at(
            END - 90 * DAY,
            "update contacts set email = 'p0@customer.example' where id = %s",
            ids[1],
        )
        return ids

    def mail(self, contacts: Sequence[str]) -> list[dict[str, Any]]:
        for contact in contacts:
            for campaign in self.chance.sample(CAMPAIGNS, self.chance.choice((1, 1, 2, 3))):
                before = None
                for run in range(1, self.chance.choice((1, 1, 2, 3)) + 1):
                    before = self._an_enrollment(contact, campaign, run, before)
        return self.raw.execute(
            # Not by their ids, which are drawn anew each time.
            "select id::text as id, to_email, handed_over_at from email_sends"
            " order by to_email, claimed_at, step, run"
        ).fetchall()

    def _an_enrollment(self, contact: str, campaign: str, run: int, before: str | None) -> str:
        begun = self.moment()
        enrollment = self.an_enrollment(contact, campaign, begun, run=run, before=before)
        moment = begun
        for step in range(1, self.chance.randint(1, 4) + 1):
            moment = self.moment() if self.chance.random() < 0.3 else moment + 7 * DAY
            self.a_send(enrollment, step, moment, self.chance.choice(_WENT + _STAYED))
        return enrollment

    def an_enrollment(
        self,
        contact: str,
        campaign: str,
        begun: datetime,
        *,
        run: int = 1,
        before: str | None = None,
    ) -> str:
        """One that is over: completed, or stopped at some time."""
        row = self.raw.execute(
            "insert into campaign_enrollments (contact_id, campaign_id, is_type_campaign, status,"
            "  run, restarted_from, enrolled_at, ended_at)"
            " select %s, id, is_type_campaign, %s, %s, %s, %s, %s from drip_campaigns"
            " where key = %s returning id::text as id",
            (
                contact,
                self.chance.choice(("completed", "stopped")),
                run,
                before,
                begun,
                self.moment(),
                campaign,
            ),
        ).fetchone()
        assert row is not None
        return str(row["id"])

    def a_send(self, enrollment: str, step: int, moment: datetime, status: str = "accepted") -> str:
        """Returns the send's id."""
        left = status not in {"claimed", "retry"} or self.chance.random() < 0.5
        row = self.raw.execute(
            "with sent as ("
            "  insert into email_sends (contact_id, enrollment_id, campaign_id, step, run,"
            "    template_id, status, to_email, merge_values, claimed_at, handed_over_at)"
            "  select e.contact_id, e.id, e.campaign_id, t.step, e.run, t.id, %(status)s, c.email,"
            "    '[]', %(moment)s, case when %(left)s then %(moment)s::timestamptz end"
            "  from campaign_enrollments e join contacts c on c.id = e.contact_id"
            "  join drip_campaign_templates t on t.campaign_id = e.campaign_id and t.version = 1"
            "  where e.id = %(enrollment)s and t.step = %(step)s"
            "  returning id, contact_id, enrollment_id, status), "
            # As the engine writes down what the provider accepted.
            "logged as (insert into activities"
            "  (contact_id, occurred_at, kind, summary, enrollment_id, send_id)"
            "  select contact_id, %(moment)s, 'email_sent', 'E-mail sent', enrollment_id, id"
            "  from sent where status = 'accepted')"
            "select id::text as id from sent",
            {
                "enrollment": enrollment,
                "step": step,
                "moment": moment,
                "status": status,
                "left": left,
            },
        ).fetchone()
        assert row is not None
        return str(row["id"])

    def at(self, moment: datetime, statement: str, *values: object, claims: str = "") -> None:
        """A change at a moment of the past, by somebody of the staff or by nobody."""
        with self.raw.transaction():
            self.raw.execute("select set_config('mpt.now', %s, true)", (moment.isoformat(),))
            self.raw.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
            self.raw.execute(statement.encode(), values)
