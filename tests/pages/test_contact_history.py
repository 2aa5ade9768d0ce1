"""A contact's timeline: events beside activities, noise counted, machines never told as people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from crm.records.activities import Activity
from crm.records.events import Event
from crm.ui.contact_history import history, told_completely
from crm.ui.markup import Entry
from crm.ui.moments import Moments
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, RunScheduler, shown

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # 12:00 in New York
MOMENTS = Moments(ZoneInfo("America/New_York"), NOON + timedelta(days=1))


def _event(number: int, event: str, moment: datetime = NOON, **fields: object) -> Event:
    row: dict[str, object] = {
        "id": number,
        "send_id": "send-1",
        "event": event,
        "occurred_at": moment,
        "url": "",
        "reason": "",
        "is_machine": False,
        "machine_reason": "",
        "template_name": "Welcome",
    }
    return Event(**(row | fields))  # type: ignore[arg-type]


def _activity(number: int, kind: str, summary: str, moment: datetime = NOON) -> Activity:
    return Activity(number, "contact-1", moment, kind, summary, None, "send-1")


def _told(events: list[Event], activities: list[Activity] | None = None) -> list[Entry]:
    return history(activities or [], events, names={}, moments=MOMENTS)


def test_opens_of_one_email_on_one_day_are_one_line_with_a_count() -> None:
    opens = [_event(n, "open", NOON - timedelta(minutes=n)) for n in range(3)]
    (entry,) = _told(opens)
    assert entry.what == "Opened: Welcome (3 times)"
    assert entry.when == "Yesterday, 12:00"
    assert not entry.faint


def test_opens_on_two_days_of_the_viewer_are_two_lines() -> None:
    midnight = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)  # in New York
    told = _told([_event(2, "open", midnight), _event(1, "open", midnight - timedelta(seconds=1))])
    assert [entry.what for entry in told] == ["Opened: Welcome", "Opened: Welcome"]


def test_a_machine_is_greyed_and_never_told_as_a_person() -> None:
    told = _told(
        [
            _event(4, "open", is_machine=True, machine_reason="machine_open"),
            _event(
                3,
                "click",
                is_machine=True,
                machine_reason="security_gateway",
                url="https://a.example",
            ),
            _event(2, "click", is_machine=True, machine_reason="honeypot", url="https://b.example"),
            _event(1, "open", is_machine=True, machine_reason="a reason of tomorrow"),
        ]
    )
    assert {entry.what for entry in told} == {
        "Opened by a mail program: Welcome",
        "Checked by a security scanner: Welcome (2 times)",
        "Opened by a machine: Welcome",
    }
    assert all(entry.faint for entry in told)


def test_a_click_names_the_host_and_nothing_of_the_rest_of_the_link() -> None:
    (entry,) = _told([_event(1, "click", url="https://mpt.example/book?who=ada")])
    assert entry.what == "Clicked mpt.example: Welcome"


def test_an_email_that_was_turned_away_bears_the_reason() -> None:
    (entry,) = _told([_event(1, "blocked", reason="550 mailbox is full")])
    assert entry.what == "Turned away: Welcome\n550 mailbox is full"
    (long,) = _told([_event(1, "bounce", reason="x" * 5000)])
    assert len(long.what) < 400


def test_what_an_activity_tells_already_is_not_told_twice() -> None:
    assert _told([_event(1, "processed"), _event(2, "reply"), _event(3, "auto_reply")]) == []


def test_an_event_stands_above_the_sending_of_its_email() -> None:
    """The provider counts whole seconds, and we write the sending down a moment later."""
    sent = _activity(9, "email_sent", "E-mail sent: Welcome", NOON + timedelta(seconds=0.8))
    told = _told([_event(1, "delivered", NOON)], [sent])
    assert [entry.what for entry in told] == ["Delivered: Welcome", "E-mail sent: Welcome"]


def test_a_reply_has_its_subject_as_headline_and_its_text_behind_it() -> None:
    summary = "Replied: Re: Welcome\n\nThank you!\n\nCall me."
    (entry,) = _told([], [_activity(1, "reply", summary)])
    assert (entry.kind, entry.what) == ("Reply", "Re: Welcome")
    assert entry.more == "Thank you!\n\nCall me."
    (away,) = _told([], [_activity(1, "auto_reply", "Automatic reply: Out of office")])
    assert (away.kind, away.what, away.more) == ("Auto-reply", "Out of office", "")


def test_where_a_list_is_cut_off_the_other_goes_no_further_back() -> None:
    activities = [_activity(n, "note", "Note", NOON - timedelta(days=n)) for n in range(3)]
    events = [_event(n, "open", NOON - timedelta(hours=n)) for n in range(2)]
    assert told_completely(activities, events, limit=2)[0] == activities[:1]
    assert told_completely(activities, events, limit=9) == (activities, events)


def test_the_contacts_page_merges_what_came_back(
    open_page: OpenPage,
    a_contact: AContact,
    published_steps: PublishedSteps,
    run_scheduler: RunScheduler,
    raw: Raw,
) -> None:
    published_steps("lead", 2)
    contact = a_contact(first_name="Ada", email="ada@example.com")
    run_scheduler()
    raw.execute(
        "insert into email_events (send_id, contact_id, event, occurred_at, email, url, payload,"
        " user_agent, message_id)"
        " select s.id, s.contact_id, e.event, s.handed_over_at + e.after, s.to_email, e.url, '{}',"
        " e.agent, 'm1' from email_sends s, (values"
        " ('delivered', interval '5 seconds', '', ''),"
        " ('click', interval '9 seconds', 'https://mpt.example/a', 'Barracuda Sentinel'),"
        " ('open', interval '10 minutes', '', 'Thunderbird'),"
        " ('open', interval '11 minutes', '', 'Thunderbird'),"
        " ('click', interval '12 minutes', 'https://mpt.example/a?x=1', 'Firefox'))"
        " e (event, after, url, agent)"
    )
    text = shown(open_page(contact=contact))
    assert "Delivered: Lead e-mail 1" in text
    assert "Clicked mpt.example: Lead e-mail 1" in text
    assert '<li class="faint"><span class="kind">E-mail</span><span class="what">Checked by' in text
    assert "(2 times)" in text


def test_a_reply_reads_well_and_its_markup_stays_text(
    open_page: OpenPage, a_contact: AContact, raw: Raw
) -> None:
    contact = a_contact(email="ada@example.com")
    raw.execute(
        "select record_reply('m1', 'ada@example.com', 'person', 'Re: <b>hello</b>',"
        " 'Let us <i>talk</i>.', %s, null, %s)",
        (NOON, NOON),
    )
    text = shown(open_page(contact=contact))
    assert "Re: &lt;b&gt;hello&lt;/b&gt;" in text
    assert "<summary>Show the text</summary>Let us &lt;i&gt;talk&lt;/i&gt;.</details>" in text


def test_a_contact_out_of_office_is_quiet_until_a_day(
    open_page: OpenPage, a_contact: AContact, published_steps: PublishedSteps, raw: Raw
) -> None:
    published_steps("lead", 2)
    contact = a_contact(first_name="Ada", email="ada@example.com")
    until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    until += timedelta(days=20)
    raw.execute(
        "update contacts set quiet_until = %s, quiet_reason = 'out_of_office' where id = %s",
        (until, contact),
    )
    text = shown(open_page(contact=contact))
    assert f"Quiet until {until.day} {until:%B}" in text
    assert ": out of office" in text
    assert f"waits until {until.day} {until:%B}" in text
    raw.execute("update contacts set quiet_until = now() - interval '1 day'")
    assert "Quiet until" not in shown(open_page(contact=contact))
