"""The preference page over real HTTP: what each choice does, and that looking does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest

from crm.web import clock, preferences, unsubscribe
from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.contract.public_site import assert_a_guarded_page, serving, token
from tests.database.sending import last_reason, live, one, values

PAUSE_ENDS = "10 April 2026"  # thirty whole days after NOW, 10 March
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def site(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    with serving([*preferences.routes, *unsubscribe.routes], address) as client:
        yield client


@pytest.fixture
def written_to(a_contact: AContact, published_steps: PublishedSteps) -> str:
    """A contact in the Lead campaign, which the links of these tests belong to."""
    published_steps("lead", 2)
    return a_contact()


def _link(contact_id: str, *, campaign: str | None = "lead") -> str:
    return f"/preferences/{token(contact_id, campaign=campaign)}"


def _status(service: DbService, contact_id: str) -> str:
    contact = service.contacts.get(contact_id)
    assert contact is not None
    return contact.email_status


def _kinds(service: DbService, contact_id: str) -> list[str]:
    return [entry.kind for entry in service.activities.timeline(contact_id)]


def test_looking_shows_the_choices_and_changes_nothing(
    site: httpx.Client, service: DbService, raw: Raw, written_to: str
) -> None:
    before = _kinds(service, written_to)
    answer = site.get(_link(written_to))
    assert answer.status_code == 200
    assert_a_guarded_page(answer)
    assert "<h1>E-mails from MPT</h1>" in answer.text
    assert "Stop this series of e-mails" in answer.text
    assert "Lead" not in answer.text
    assert PAUSE_ENDS in answer.text
    for choice in ("this_campaign", "pause", "everything"):
        assert f'name="choice" value="{choice}" required' in answer.text
    assert site.head(_link(written_to)).status_code == 200
    assert _status(service, written_to) == "ok"
    assert live(raw, written_to) == [("lead", "active")]
    assert _kinds(service, written_to) == before


def test_this_campaign_stops_it_alone_and_for_good(
    site: httpx.Client, service: DbService, raw: Raw, written_to: str
) -> None:
    for _ in range(2):
        answer = site.post(_link(written_to), data={"choice": "this_campaign"})
        assert answer.status_code == 200
        assert_a_guarded_page(answer)
        assert "no more e-mails of this series, for good" in answer.text
    assert live(raw, written_to) == []
    assert last_reason(raw, written_to) == "opted_out"
    assert _status(service, written_to) == "ok"
    assert _kinds(service, written_to).count("unsubscribed") == 1


def test_a_pause_says_until_when_and_holds_until_then(
    site: httpx.Client, service: DbService, raw: Raw, written_to: str
) -> None:
    for _ in range(2):
        answer = site.post(_link(written_to), data={"choice": "pause"})
        assert answer.status_code == 200
        assert f"no e-mail from us before {PAUSE_ENDS}" in answer.text
    (until,) = values(raw, "select quiet_until from contacts where id = %s", written_to)
    assert isinstance(until, datetime)
    assert f"{until.day} {until:%B %Y}" == PAUSE_ENDS
    assert live(raw, written_to) == [("lead", "active")]
    assert _status(service, written_to) == "ok"
    assert _kinds(service, written_to).count("quiet") == 1


def test_everything_stops_everything(
    site: httpx.Client, service: DbService, raw: Raw, written_to: str
) -> None:
    for _ in range(2):
        answer = site.post(_link(written_to), data={"choice": "everything"})
        assert answer.status_code == 200
        assert "You are unsubscribed" in answer.text
    assert _status(service, written_to) == "unsubscribed"
    assert live(raw, written_to) == []
    assert one(raw, "select reason from suppressions")["reason"] == "unsubscribed"
    assert _kinds(service, written_to).count("unsubscribed") == 1


def test_who_has_unsubscribed_is_offered_nothing_that_would_lift_it(
    site: httpx.Client, service: DbService, written_to: str
) -> None:
    site.post(f"/unsubscribe/{token(written_to)}")
    for answer in (
        site.get(_link(written_to)),
        site.post(_link(written_to), data={"choice": "pause"}),
    ):
        assert answer.status_code == 200
        assert "You are unsubscribed" in answer.text
        assert "<form" not in answer.text
    assert _status(service, written_to) == "unsubscribed"
    assert "quiet" not in _kinds(service, written_to)


@pytest.mark.parametrize("campaign", [None, "networking", "deleted_long_ago"])
def test_a_campaign_the_person_never_was_in_is_no_choice(
    site: httpx.Client, raw: Raw, written_to: str, campaign: str | None
) -> None:
    link = _link(written_to, campaign=campaign)
    assert "this_campaign" not in site.get(link).text
    assert site.post(link, data={"choice": "this_campaign"}).status_code == 400
    assert live(raw, written_to) == [("lead", "active")]


@pytest.mark.parametrize("body", [b"", b"choice=", b"choice=all", b"\xff\xfe=&choice", b"pause"])
def test_no_choice_asks_again_and_changes_nothing(
    site: httpx.Client, service: DbService, raw: Raw, written_to: str, body: bytes
) -> None:
    answer = site.post(_link(written_to), content=body, headers={"Content-Type": FORM})
    assert answer.status_code == 400
    assert_a_guarded_page(answer)
    assert "Please choose one" in answer.text
    assert 'value="pause"' in answer.text
    assert live(raw, written_to) == [("lead", "active")]
    assert _status(service, written_to) == "ok"


def test_a_campaign_s_name_is_for_colleagues_alone(
    site: httpx.Client, raw: Raw, written_to: str
) -> None:
    raw.execute("update drip_campaigns set name = 'Cold prospects' where key = 'lead'")
    shown = site.get(_link(written_to)).text
    done = site.post(_link(written_to), data={"choice": "this_campaign"}).text
    for text in (shown, done):
        assert "series" in text
        assert "prospects" not in text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_wrong_link_gets_the_answer_that_unsubscribe_gives(
    site: httpx.Client, a_contact: AContact, method: str
) -> None:
    contact_id = a_contact()
    uniform = site.get("/unsubscribe/x")
    gone = _link("00000000-0000-4000-8000-000000000000")
    for link in (f"{_link(contact_id)[:-1]}", "/preferences/x", gone):
        answer = site.request(method, link)
        assert_a_guarded_page(answer)
        assert (answer.status_code, answer.text) == (404, uniform.text)


def test_guesses_count_together_wherever_they_are_made(site: httpx.Client, written_to: str) -> None:
    for number in range(30):
        assert site.get(f"/preferences/{number}").status_code == 404
    assert site.post("/unsubscribe/x").status_code == 429
    assert site.get(_link(written_to)).status_code == 200


def test_looking_often_at_one_page_leaves_the_other_open(
    site: httpx.Client, written_to: str
) -> None:
    assert [site.get(_link(written_to)).status_code for _ in range(21)][-1] == 429
    assert site.post(f"/unsubscribe/{token(written_to)}").status_code == 200


def test_a_huge_body_is_refused(site: httpx.Client, raw: Raw, written_to: str) -> None:
    body = b"choice=everything&" + b"x" * preferences.MAX_BODY_BYTES
    answer = site.post(_link(written_to), content=body, headers={"Content-Type": FORM})
    assert answer.status_code == 413
    assert live(raw, written_to) == [("lead", "active")]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_database_it_promises_nothing(written_to: str, method: str) -> None:
    with serving(
        preferences.routes, "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"
    ) as site:
        answer = site.request(method, _link(written_to), timeout=30)
    assert answer.status_code == 503
    assert_a_guarded_page(answer)
