"""The main job with a Supabase project alone: no address of a database anywhere in the process.

import → enroll → tick → events, a reply and an unsubscribe → the contact's page
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from crm.contact_import import ContactImport, ImportChoices, ImportSummary
from crm.imports.columns import recognise
from crm.imports.reader import open_contact_file
from crm.scheduler.desk import make_sender
from crm.settings import Settings, load_settings
from crm.web import clock, events, inbound, preferences, unsubscribe
from db_service import Connection, DbService, connect, disconnect
from drip_scheduler import DripThread, Tick
from scripts.populate_drip_templates import LIBRARY, populate
from tests import cast
from tests.cast import NOW
from tests.conftest import Raw
from tests.contract.gateway.answer_cutter import AnswerCutter
from tests.contract.gateway.conftest import with_token
from tests.contract.supabase_only import (
    NEW_KEYS,
    OLDER_KEYS,
    eventually,
    serving,
    supabase_environment,
)
from tests.database.sending import values
from tests.pages.conftest import MAIN, shown
from tests.scheduler.conftest import ACrowd, a_crowd
from tests.standins import inbound_mail
from tests.standins.inbound_mail import InboundParse
from tests.standins.sendgrid import SendGridStandIn
from tests.standins.sendgrid_events import EventEmitter, event_of
from tests.unit.reply_samples import PEOPLE

__all__ = ["a_crowd"]

EMITTER, PARSE = EventEmitter(), InboundParse()
ROUTES = [r for m in (events, inbound, unsubscribe, preferences) for r in m.routes]
MOST_CALLS = 14  # of which three are of the thousand: claim, hand-over, settle
CSV = """\
First Name,Last Name,Email,Company Name,Time Zone,Email Opted Out
Ada,Byron,Ada.Byron@Engines.example,Engines Ltd,America/New_York,
Grace,Hopper,grace@customer.example,Navy Yard,America/New_York,false
Ann,Wu,ann@wu.example,Wu & Sons,America/New_York,
Gone,Already,gone@optout.example,Optout,,true
No,Address,not-an-address,Nowhere,,
"""
ADA = "ada.byron@engines.example"


@pytest.fixture(params=[NEW_KEYS, OLDER_KEYS], ids=["publishable and secret", "anon and service"])
def environment(
    request: pytest.FixtureRequest, project_url: str, sendgrid_standin: SendGridStandIn
) -> dict[str, str]:
    return supabase_environment(
        project_url,
        request.param,
        sendgrid_standin,
        SENDGRID_WEBHOOK_PUBLIC_KEY=EMITTER.public_key,
        SENDGRID_INBOUND_PUBLIC_KEY=PARSE.public_key,
    )


def _no_database(*_: object) -> None:
    raise AssertionError("Somebody opens a direct connection.")


@pytest.fixture
def connection(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Connection]:
    """The process's own, made from the environment as the app makes it."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr("db_service.PostgresDatabase", _no_database)
    for name, value in (environment | {"DATA_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=3))
    yield connect(load_settings(_env_file=None))
    disconnect()


@pytest.fixture
def settings(connection: Connection) -> Settings:
    return connection.settings


@pytest.fixture
def alice(connection: Connection) -> DbService:
    """A sales person, signed in to Supabase."""
    return DbService.for_user(with_token(cast.ALICE))


@pytest.fixture
def library(connection: Connection) -> None:
    populate(DbService.for_service(), LIBRARY, dry_run=False, now=NOW - timedelta(days=30))


def _import(desk: DbService, path: Path) -> ImportSummary:
    path.write_text(CSV, encoding="utf-8")
    file = open_contact_file(path)
    choices = ImportChoices(
        mapping=recognise(file.headers),
        known_types=frozenset(kind.key for kind in desk.contacts.types()),
        default_type="lead",
        enroll=True,
    )
    importing = ContactImport(file, choices, desk.contact_imports)
    list(importing.run(now=NOW))
    return importing.summary


def _tick(settings: Settings) -> dict[str, object]:
    with closing(make_sender(settings, lambda: NOW)) as sender:
        return Tick(DbService.for_service(), sender, settings, clock=lambda: NOW).run()


def _contact(desk: DbService, email: str) -> str:
    contact = desk.contacts.by_email(email)
    assert contact is not None
    return contact.id


def _report(site: httpx.Client, standin: SendGridStandIn, email: str, *kinds: str) -> None:
    """What the provider tells of somebody's e-mail, an hour apart."""
    [mail] = [mail for mail in standin.accepted if mail.to == email]
    told = [
        event_of(mail, kind, at=NOW + timedelta(hours=n)) for n, kind in enumerate(kinds, start=1)
    ]
    stamp = int(clock.now().timestamp())
    answer = EMITTER.post(events.PATH, told, timestamp=stamp, client=site)
    assert (answer.status_code, answer.json()["stored"]) == (200, len(kinds)), answer.text


def _reply(site: httpx.Client) -> None:
    """Grace writes back herself."""
    sample = PEOPLE[0]
    body = inbound_mail.parsed(sample.source, envelope_from=sample.envelope_from)
    answer = site.post(inbound.PATH, content=body, headers=PARSE.headers(body, clock.now()))
    assert (answer.status_code, answer.json()["outcome"]) == (200, "stored"), answer.text


def _unsubscribe(site: httpx.Client, standin: SendGridStandIn, email: str) -> None:
    """The mail program's one click, on the link that this person's e-mail has."""
    [mail] = [mail for mail in standin.accepted if mail.to == email]
    link = mail.headers["List-Unsubscribe"].partition("<https://crm.mpt.example")[2].partition(">")
    assert site.post(link[0], data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert site.get(link[0].replace("/unsubscribe/", "/preferences/")).status_code == 200


def test_from_the_file_to_the_contacts_page(
    connection: Connection,
    settings: Settings,
    alice: DbService,
    library: None,
    sendgrid_standin: SendGridStandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (connection.direct, connection.address) == (None, "")
    assert not settings.database_url.get_secret_value()

    summary = _import(alice, tmp_path / "hubspot.csv")
    assert (summary.read, summary.imported, summary.suppressed) == (5, 3, 1)
    assert summary.rejected == 1
    report = _tick(settings)
    assert (report["accepted"], report["error"]) == (3, "")
    ada, ann = _contact(alice, ADA), _contact(alice, "ann@wu.example")

    with serving(ROUTES) as site:
        _report(site, sendgrid_standin, ADA, "delivered", "open", "click")
        _reply(site)
        _unsubscribe(site, sendgrid_standin, "ann@wu.example")

    _is_told_to(alice, ada, ann)
    monkeypatch.setattr("crm.ui.sign_in.identity", lambda **_: with_token(cast.ALICE))
    page = _page(ada)
    for words in ("Ada Byron", "Enrolled in Lead", "E-mail sent: ", "Delivered", "opened at"):
        assert words in page
    assert "Unsubscribed" in _page(ann)
    assert _tick(settings).get("claimed", 0) == 0
    assert len(sendgrid_standin.accepted) == 3


def _is_told_to(desk: DbService, ada: str, ann: str) -> None:
    """The records behind the page say what happened."""
    [send] = desk.sends.sent(contact_id=ada, limit=5)
    assert (send.status, send.delivered_at) == ("delivered", NOW + timedelta(hours=1))
    told = [event.event for event in desk.events.of_contact(ada, limit=9)]
    assert told == ["click", "open", "delivered"]
    statuses = {
        e: desk.enrollments.of_contact(_contact(desk, e))[0].status
        for e in (ADA, "grace@customer.example", "ann@wu.example")
    }
    assert list(statuses.values()) == ["active", "stopped", "stopped"]
    stopped = desk.contacts.get(ann)
    assert stopped is not None
    assert stopped.email_status == "unsubscribed"


def _page(contact: str) -> str:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.query_params["contact"] = contact
    app.run()
    return shown(app.switch_page("../../pages/02_Contacts.py").run())


@pytest.mark.parametrize("environment", [NEW_KEYS], indirect=True)
def test_a_thousand_e_mails_take_a_handful_of_requests(
    connection: Connection,
    settings: Settings,
    library: None,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
) -> None:
    a_crowd(1000)
    assert connection.project is not None
    before = connection.project.connections.request_count
    report = _tick(settings)
    assert (report["accepted"], report["requests"]) == (1000, 1)
    assert set(sendgrid_standin.send_counts.values()) == {1}
    assert connection.project.connections.request_count - before <= MOST_CALLS


@pytest.fixture
def cutter(project_url: str) -> Iterator[AnswerCutter]:
    with AnswerCutter(project_url) as cutter:
        yield cutter


class TestAProjectThatIsGoneForAWhile:
    @pytest.fixture
    def environment(
        self, cutter: AnswerCutter, sendgrid_standin: SendGridStandIn
    ) -> dict[str, str]:
        return supabase_environment(cutter.url, NEW_KEYS, sendgrid_standin)

    @pytest.mark.usefixtures("library")
    def test_a_page_says_so_calmly_and_shows_everything_when_it_is_back(
        self,
        alice: DbService,
        cutter: AnswerCutter,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        _import(alice, tmp_path / "people.csv")
        monkeypatch.setattr("crm.ui.sign_in.identity", lambda **_: with_token(cast.ALICE))
        app = AppTest.from_file(MAIN, default_timeout=30).run()
        app.switch_page("../../pages/02_Contacts.py").run()
        assert "Ada Byron" in shown(app)
        cutter.is_down = True
        words = shown(app.run())
        assert "does not answer" in words
        assert "Ada Byron" not in words
        cutter.is_down = False
        assert "Ada Byron" in shown(app.run())

    def test_the_drip_thread_waits_for_it(
        self,
        settings: Settings,
        cutter: AnswerCutter,
        raw: Raw,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr("drip_scheduler.AFTER_FAILURE", timedelta(seconds=0.05))
        cutter.is_down = True
        thread = DripThread(settings, poll_seconds=0.02)
        thread.start()
        try:
            eventually(lambda: caplog.text.count("the run failed") >= 2)
            assert values(raw, "select count(*) from scheduler_runs") == [0]
            cutter.is_down = False
            eventually(lambda: values(raw, "select status from scheduler_runs") == ["ok"])
        finally:
            thread.stop()
        assert "Supabase cannot be reached" in caplog.text
        assert "sb_secret" not in caplog.text
