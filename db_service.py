"""The front desk of the database: every page, script, route and the scheduler come in here.

`DbService.for_user(identity)` acts as the signed-in person under row-level security;
`DbService.for_service()` acts as the scheduler and the webhooks do.
"""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from crm.database.embedded import EmbeddedServer
from crm.database.errors import (
    AnswerCutError,
    ConflictError,
    DatabaseError,
    DatabaseUnreachableError,
    InvalidValueError,
    NotAllowedError,
    RuleBrokenError,
    SignedOutError,
    SignInRefusedError,
)
from crm.database.gateway import SERVICE, Database, Gateway, Identity, signed_in
from crm.database.local_admin import LOCAL_ADMIN_ID, ensure_local_admin
from crm.database.migrations import migrate
from crm.database.postgres import PostgresDatabase
from crm.database.sign_ins import SignIns
from crm.records.activities import ActivityRecords
from crm.records.analytics import AnalyticsRecords, Period
from crm.records.app_settings import AppSettingRecords
from crm.records.audit import AuditRecords
from crm.records.campaign_enrollments import CampaignEnrollmentRecords
from crm.records.campaigns import CampaignRecords
from crm.records.contact_changes import ContactChangeRecords
from crm.records.contact_imports import ContactImportRecords
from crm.records.contact_types import ContactTypeRecords
from crm.records.contacts import ContactRecords
from crm.records.dashboard import DashboardRecords
from crm.records.discovery import DiscoveryRecords
from crm.records.engine import ClaimedSend, EngineRecords, Postponement, Settlement
from crm.records.enrollments import EnrollmentRecords
from crm.records.events import EventRecords, IncomingEvent, IncomingReply
from crm.records.explanations import Explanation, ExplanationRecords
from crm.records.installation import InstallationRecords
from crm.records.networking import NetworkingRecords
from crm.records.people import PeopleRecords
from crm.records.projects import ProjectRecords
from crm.records.queue import QueueRecords
from crm.records.saved_views import SavedViewRecords
from crm.records.scheduler_runs import SchedulerRunRecords
from crm.records.sends import SendRecords
from crm.records.states import EmailStatus
from crm.records.suppressions import SuppressionRecords
from crm.records.templates import TemplateDraft, TemplateRecords, TemplateVersion
from crm.records.type_switches import TypeSwitchRecords
from crm.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from crm.database.supabase import SupabaseDatabase
    from crm.database.supabase_auth import SupabaseSession

__all__ = [
    "LOCAL_ADMIN_ID",
    "UNCONFIRMED",
    "AnswerCutError",
    "ClaimedSend",
    "ConflictError",
    "Connection",
    "DatabaseError",
    "DatabaseUnreachableError",
    "DbService",
    "EmailStatus",
    "EngineRecords",
    "Explanation",
    "Identity",
    "IncomingEvent",
    "IncomingReply",
    "InvalidValueError",
    "NotAllowedError",
    "Period",
    "Postponement",
    "RuleBrokenError",
    "SettingsError",
    "Settlement",
    "SignInRefusedError",
    "SignIns",
    "SignedOutError",
    "SupabaseSession",
    "TemplateDraft",
    "TemplateVersion",
    "connect",
    "disconnect",
    "signed_in",
]


# What an operator reads where Connection.vouches_for_addresses() is False.
UNCONFIRMED = (
    "anybody could sign in with somebody else's address: turn “Confirm email” on in Supabase"
    " (Authentication, Sign In / Providers, Email)"
)


class Connection:
    """The process's way to its database.

    People go through Supabase's REST API where SUPABASE_URL is set. The service goes over a direct
    connection where there is one (DATABASE_URL, or the embedded server), and else the same way.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._server = EmbeddedServer.start(settings.data_dir) if settings.is_embedded else None
        # Of the direct connection; empty where Supabase's REST API is the only way.
        self.address = (
            self._server.address() if self._server else settings.database_url.get_secret_value()
        )
        if self._server:
            # The embedded database belongs to this program alone: it is always brought up to date.
            migrate(self.address)
            self.prepare_local_admin()
        self.project: SupabaseDatabase | None = None
        # Who is signed in at Supabase; on a direct connection the pages know it themselves.
        self.sign_ins: SignIns | None = None
        if settings.supabase_url:
            from crm.database import supabase_project  # see there why not above

            self.project = supabase_project.database(settings)
            self.sign_ins = supabase_project.sign_ins(settings)
        self.direct = PostgresDatabase(self.address) if self.address else None

    def gateway(self, identity: Identity) -> Gateway:
        """Raises SignedOutError for a person whose token Supabase would not take."""
        return self.database_for(identity).gateway(identity)

    def database_for(self, identity: Identity) -> Database:
        ways: tuple[Database | None, ...] = (self.project, self.direct)
        if identity.role == "service_role":
            ways = (self.direct, self.project)
        database = next(filter(None, ways), None)
        assert database is not None, "without any address the embedded server serves"
        return database

    def vouches_for_addresses(self) -> bool:
        """False where Supabase lets anybody sign in with an address that was never confirmed, and
        so take over an invitation. Raises DatabaseUnreachableError if it cannot be asked."""
        return self.sign_ins is None or self.sign_ins.auth.confirms_addresses()

    def prepare_local_admin(self) -> None:
        """Without sign-in the app acts as a local admin, who needs a profile."""
        if not self.settings.signs_in:
            ensure_local_admin(self.address)

    def close(self) -> None:
        for database in (self.project, self.direct):
            if database:
                database.close()
        if self.sign_ins:
            self.sign_ins.auth.close()
        if self._server:
            self._server.stop()


_lock = threading.Lock()
_connection: Connection | None = None


def connect(settings: Settings | None = None) -> Connection:
    """The process-wide connection, opened at the first call.

    Raises:
        SettingsError: if a setting is missing or malformed.
        DatabaseUnreachableError: at the first statement, if there is no server.
    """
    global _connection  # noqa: PLW0603 - one pool a process is the point
    with _lock:
        if _connection is None:
            _connection = Connection(settings or load_settings())
        return _connection


def disconnect() -> None:
    """Close the pool and, as its last user, stop the embedded server."""
    global _connection  # noqa: PLW0603 - see connect
    with _lock:
        if _connection is not None:
            _connection.close()
            _connection = None


class DbService:
    """The record classes for one identity; cheap to make, kept no longer than the identity."""

    def __init__(self, gateway: Gateway, identity: Identity) -> None:
        self._gateway = gateway
        self.identity = identity

    @classmethod
    def for_user(cls, identity: Identity, connection: Connection | None = None) -> DbService:
        if identity.role != "authenticated":
            raise ValueError("A page acts as a signed-in person, never as the service.")
        return cls((connection or connect()).gateway(identity), identity)

    @classmethod
    def for_service(cls, connection: Connection | None = None) -> DbService:
        return cls((connection or connect()).gateway(SERVICE), SERVICE)

    @cached_property
    def contacts(self) -> ContactRecords:
        return ContactRecords(self._gateway)

    @cached_property
    def saved_views(self) -> SavedViewRecords:
        return SavedViewRecords(self._gateway)

    @cached_property
    def enrollments(self) -> EnrollmentRecords:
        return EnrollmentRecords(self._gateway)

    @cached_property
    def campaign_enrollments(self) -> CampaignEnrollmentRecords:
        return CampaignEnrollmentRecords(self._gateway)

    @cached_property
    def queue(self) -> QueueRecords:
        return QueueRecords(self._gateway)

    @cached_property
    def campaigns(self) -> CampaignRecords:
        return CampaignRecords(self._gateway)

    @cached_property
    def templates(self) -> TemplateRecords:
        return TemplateRecords(self._gateway)

    @cached_property
    def sends(self) -> SendRecords:
        return SendRecords(self._gateway)

    @cached_property
    def events(self) -> EventRecords:
        return EventRecords(self._gateway)

    @cached_property
    def suppressions(self) -> SuppressionRecords:
        return SuppressionRecords(self._gateway)

    @cached_property
    def explanations(self) -> ExplanationRecords:
        return ExplanationRecords(self._gateway)

    @cached_property
    def activities(self) -> ActivityRecords:
        return ActivityRecords(self._gateway)

    @cached_property
    def scheduler_runs(self) -> SchedulerRunRecords:
        return SchedulerRunRecords(self._gateway)

    @cached_property
    def app_settings(self) -> AppSettingRecords:
        return AppSettingRecords(self._gateway, as_service=self.identity.role == "service_role")

    @cached_property
    def audit(self) -> AuditRecords:
        return AuditRecords(self._gateway)

    @cached_property
    def people(self) -> PeopleRecords:
        return PeopleRecords(self._gateway)

    @cached_property
    def analytics(self) -> AnalyticsRecords:
        return AnalyticsRecords(self._gateway)

    @cached_property
    def dashboard(self) -> DashboardRecords:
        return DashboardRecords(self._gateway)

    @cached_property
    def projects(self) -> ProjectRecords:
        return ProjectRecords(self._gateway)

    @cached_property
    def networking(self) -> NetworkingRecords:
        return NetworkingRecords(self._gateway)

    @cached_property
    def contact_changes(self) -> ContactChangeRecords:
        return ContactChangeRecords(self._gateway)

    @cached_property
    def contact_imports(self) -> ContactImportRecords:
        return ContactImportRecords(self._gateway)

    @cached_property
    def discovery(self) -> DiscoveryRecords:
        return DiscoveryRecords(self._gateway)

    @cached_property
    def contact_types(self) -> ContactTypeRecords:
        return ContactTypeRecords(self._gateway)

    @cached_property
    def type_switches(self) -> TypeSwitchRecords:
        return TypeSwitchRecords(self._gateway)

    @cached_property
    def installation(self) -> InstallationRecords:
        return InstallationRecords(self._gateway)

    @cached_property
    def engine(self) -> EngineRecords:
        return EngineRecords(self._gateway)
