"""Is this database whole? Schema by name, the library's counts, strays, and the invariants.

Reads only. Run by scripts/check_drip_tables.py; every finding names the thing that is off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from crm.database.errors import translate
from crm.database.expected_schema import expected_names, names_in
from crm.database.migrations import all_migrations, applied_versions

# The e-mails of the library; a campaign may have more, written by an admin.
PUBLISHED_EMAILS = {"networking": 8, "lead": 6, "prospect": 5, "client": 4}

# What each query returns is off: one row a thing, its `id` for the operator who looks it up.
STRAYS = {
    "sends without an enrollment": "select s.id from public.email_sends s where not exists"
    " (select from public.campaign_enrollments e where e.id = s.enrollment_id)",
    "sends without a contact": "select s.id from public.email_sends s where not exists"
    " (select from public.contacts c where c.id = s.contact_id)",
    "sends without a campaign": "select s.id from public.email_sends s where not exists"
    " (select from public.drip_campaigns d where d.id = s.campaign_id)",
    "sends without their template version": "select s.id from public.email_sends s where not exists"
    " (select from public.drip_campaign_templates t where t.id = s.template_id)",
    "sends of another contact, campaign or run than their enrollment": "select s.id"
    " from public.email_sends s join public.campaign_enrollments e on e.id = s.enrollment_id"
    " where (s.contact_id, s.campaign_id, s.run) <> (e.contact_id, e.campaign_id, e.run)",
    "events without their send": "select v.id from public.email_events v"
    " where v.send_id is not null"
    " and not exists (select from public.email_sends s where s.id = v.send_id)",
    "enrollments without a contact": "select e.id from public.campaign_enrollments e"
    " where not exists (select from public.contacts c where c.id = e.contact_id)",
    "enrollments without a campaign": "select e.id from public.campaign_enrollments e"
    " where not exists (select from public.drip_campaigns d where d.id = e.campaign_id)",
    "contact types mapped to a missing campaign": "select y.key as id from public.contact_types y"
    " where y.campaign_id is not null and not exists"
    " (select from public.drip_campaigns d where d.id = y.campaign_id)",
    "contacts of an unknown type": "select c.id from public.contacts c where not exists"
    " (select from public.contact_types y where y.key = c.contact_type)",
}

INVARIANTS = {
    "contacts twice live in one campaign": "select contact_id as id"
    " from public.campaign_enrollments where status in ('active', 'paused')"
    " group by contact_id, campaign_id having count(*) > 1",
    "contacts active in two type campaigns": "select contact_id as id"
    " from public.campaign_enrollments where status = 'active' and is_type_campaign"
    " group by contact_id having count(*) > 1",
    "contacts with one e-mail twice": "select contact_id as id from public.email_sends"
    " group by contact_id, campaign_id, step, run having count(*) > 1",
    "active enrollments of contacts who may not be written to": "select e.id"
    " from public.campaign_enrollments e join public.contacts c on c.id = e.contact_id"
    " where e.status = 'active' and (c.archived_at is not null or c.email_status <> 'ok'"
    " or c.email is null or exists (select from public.suppressions x where x.email = c.email))",
    "contacts marked ok whose address is suppressed": "select c.id from public.contacts c"
    " join public.suppressions x on x.email = c.email where c.email_status = 'ok'",
    "active enrollments without a date and without an e-mail under way": "select e.id"
    " from public.campaign_enrollments e where e.status = 'active' and e.next_send_at is null"
    " and not exists (select from public.email_sends s where s.contact_id = e.contact_id"
    " and s.campaign_id = e.campaign_id and s.run = e.run and s.step = e.next_step"
    " and s.status in ('claimed', 'handed_over', 'unconfirmed'))",
    "live enrollments whose next e-mail is not published": "select e.id"
    " from public.campaign_enrollments e where e.status in ('active', 'paused') and not exists"
    " (select from public.drip_campaign_templates t where t.campaign_id = e.campaign_id"
    " and t.step = e.next_step and t.status = 'published')",
    "e-mails that went out without their merge values": "select id from public.email_sends"
    " where merge_values is null and status in ('accepted', 'delivered', 'bounced', 'dropped')",
    "published e-mails that share a place": "select campaign_id as id"
    " from public.drip_campaign_templates where status = 'published'"
    " group by campaign_id having max(position) <> count(*)",
    "staff without an active admin": "select 'profiles' as id where exists"
    " (select from public.profiles) and not exists"
    " (select from public.profiles where role = 'admin' and active)",
}

# Supabase grants its API roles new tables by default; nobody unknown may reach anything.
EXPOSED = {
    "tables open to anonymous visitors": "select c.relname as id from pg_class c"
    " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v')"
    " and has_table_privilege('anon', c.oid, 'select, insert, update, delete')",
    "functions open to anonymous visitors": "select p.proname as id from pg_proc p"
    " where p.pronamespace::regnamespace::text in ('public', 'private')"
    " and has_function_privilege('anon', p.oid, 'execute')",
}

_NAMED_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is off: what kind of check found it, and its name."""

    check: str
    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.check} {self.name}: {self.problem}"


@dataclass(frozen=True, slots=True)
class HealthReport:
    """`checked` counts what was looked at, by check."""

    checked: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def is_healthy(self) -> bool:
        return not self.findings


def check_health(address: str) -> HealthReport:
    """Look at everything, in one read-only transaction.

    Raises:
        DatabaseUnreachableError: if there is no connection.
    """
    applied = applied_versions(address)
    try:
        with psycopg.connect(address, row_factory=dict_row, connect_timeout=5) as connection:
            connection.execute("set transaction isolation level repeatable read, read only")
            return _report(connection, applied)
    except psycopg.Error as error:
        raise translate(error) from error


def _report(connection: psycopg.Connection[dict[str, Any]], applied: set[str]) -> HealthReport:
    migrations = all_migrations()
    findings = [
        Finding("migration", m.title, "not applied; run scripts/migrate.py")
        for m in migrations
        if m.version not in applied
    ]
    checked, missing = _schema(connection)
    findings += missing
    checked = {"migration": len(migrations)} | checked
    # Without its tables and columns a question about rows is only an error.
    if not any(f.check in {"table", "column"} for f in missing):
        findings += _library(connection)
        for check, queries in (("stray", STRAYS), ("invariant", INVARIANTS), ("exposed", EXPOSED)):
            findings += _rows_off(connection, check, queries)
            checked[check] = len(queries)
        checked["published e-mails of a campaign"] = len(PUBLISHED_EMAILS)
    return HealthReport(checked, tuple(findings))


def _schema(
    connection: psycopg.Connection[dict[str, Any]],
) -> tuple[dict[str, int], list[Finding]]:
    expected, found = expected_names(), names_in(connection)
    missing = [
        Finding(kind, name, "is off" if "security" in kind else "missing")
        for kind, names in expected.items()
        for name in sorted(names - found[kind])
    ]
    return {kind: len(names) for kind, names in expected.items()}, missing


def _library(connection: psycopg.Connection[dict[str, Any]]) -> list[Finding]:
    rows = connection.execute(
        "select d.key, count(*) as n from public.drip_campaigns d"
        " join public.drip_campaign_templates t on t.campaign_id = d.id and t.status = 'published'"
        " group by d.key"
    ).fetchall()
    published = {row["key"]: row["n"] for row in rows}
    return [
        Finding(
            "published e-mails",
            campaign,
            f"{published.get(campaign, 0)} of {wanted}; run scripts/populate_drip_templates.py",
        )
        for campaign, wanted in PUBLISHED_EMAILS.items()
        if published.get(campaign, 0) < wanted
    ]


def _rows_off(
    connection: psycopg.Connection[dict[str, Any]], check: str, queries: Mapping[str, str]
) -> list[Finding]:
    findings = []
    for name, query in queries.items():
        rows = connection.execute(
            f"select id::text, count(*) over () as total from ({query}) q"  # noqa: S608 - ours
            f" order by id limit {_NAMED_AT_MOST}".encode()
        ).fetchall()
        if rows:
            some = ", ".join(str(row["id"]) for row in rows)
            more = ", …" if rows[0]["total"] > len(rows) else ""
            findings.append(Finding(check, name, f"{rows[0]['total']} ({some}{more})"))
    return findings
