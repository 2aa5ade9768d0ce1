"""A contact's timeline as lines: an e-mail is one, and machines are never told as people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from crm.records.activities import Happening, due_moment
from crm.ui import words
from crm.ui.contact_history import DECISION, GROUPS, history
from crm.ui.markup import Entry
from crm.ui.moments import Moments
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, RunScheduler, shown

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # 12:00 in New York
MOMENTS = Moments(ZoneInfo("America/New_York"), NOON + timedelta(days=1))
_UNKNOWN = (
    "actor_name due_at completed_at assigned_name decision_reason until template_name"
    " campaign_name send_id send_status provider delivered_at last_opened_at last_clicked_at"
    " clicked_urls trouble trouble_reason complained_at subject template_subject"
)
_COUNTS = "opens clicks machine_opens machine_clicks"


def _happening(kind: str, summary: str = "x", **fields: object) -> Happening:
    row: dict[str, object] = {
        **dict.fromkeys(_UNKNOWN.split()),
        **dict.fromkeys(_COUNTS.split(), 0),
        "source": 0 if kind == DECISION else 1,
        "id": 1,
        "contact_id": "contact-1",
        "occurred_at": NOON,
        "kind": kind,
        "summary": summary,
    }
    return Happening(**(row | fields))  # type: ignore[arg-type]


def _told(*happenings: Happening) -> list[Entry]:
    return history(happenings, MOMENTS)


def _below(happening: Happening) -> list[tuple[str, str]]:
    [entry] = _told(happening)
    return list(entry.below)


def _email(**fields: object) -> Happening:
    return _happening("email_sent", "E-mail sent: Welcome", **fields)


def test_an_e_mail_is_one_line_with_what_people_did_below_it() -> None:
    [entry] = _told(
        _email(
            delivered_at=NOON,
            opens=3,
            last_opened_at=NOON + timedelta(hours=1),
            clicks=1,
            last_clicked_at=NOON + timedelta(days=1),
            clicked_urls=("https://mpt.example/book?who=ada",),
        )
    )
    assert (entry.kind, entry.what, entry.when) == (
        "E-mail",
        "E-mail sent: Welcome",
        "Yesterday, 12:00",
    )
    assert entry.below == (
        (
            "Delivered yesterday, 12:00 · opened 3 times, last yesterday, 13:00"
            " · clicked mpt.example today, 12:00",
            "",
        ),
    )


def test_what_machines_did_is_told_apart_and_faint() -> None:
    assert _below(_email(machine_opens=1, machine_clicks=12)) == [
        ("By mail programs and scanners, not people: opened 1 time, clicked 12 times", "faint")
    ]


def test_an_e_mail_nothing_is_known_of_says_nothing_more() -> None:
    assert _below(_email()) == []


def test_an_e_mail_is_told_by_its_subject_and_what_it_was_written_for() -> None:
    known = _email(
        subject="What comes next, Ada",
        template_subject="What comes next{% if contact.first_name %}, …{% endif %}",
        template_name="Introduction",
        campaign_name="Lead",
    )
    [entry] = _told(known)
    assert entry.what == "E-mail sent: What comes next, Ada"
    assert entry.below == (("Lead · Introduction", "faint"),)


def test_a_subject_that_was_not_kept_is_told_as_written() -> None:
    written = _email(template_subject="First steps for {{ company.name | default('you') }}")
    assert _told(written)[0].what == "E-mail sent: First steps for [company name]"


def test_who_may_not_read_what_was_sent_is_told_its_purpose() -> None:
    [entry] = _told(_email(template_name="Welcome", campaign_name="Lead"))
    assert (entry.what, entry.below) == ("E-mail sent: Welcome", ())


def test_an_e_mail_stays_in_the_outbox_or_is_delivered_and_is_never_both() -> None:
    assert _below(_email(provider="outbox")) == [
        ("Written to the local outbox; nothing left this machine", "faint")
    ]
    assert _below(_email(provider="outbox", delivered_at=NOON)) == [
        ("Delivered yesterday, 12:00", "")
    ]


def test_an_e_mail_that_came_back_bears_the_reason() -> None:
    [(told, tone)] = _below(_email(trouble="bounce", trouble_reason="550 " + "x" * 5000))
    assert told.startswith("Bounced: 550 xxx")
    assert (len(told) < 400, tone) == (True, "tone-red")
    assert _below(_email(trouble="blocked", trouble_reason="", delivered_at=NOON)) == [
        ("Turned away", "tone-red")
    ]
    assert _below(_email(complained_at=NOON)) == [("Marked as spam yesterday, 12:00", "tone-red")]


def test_many_hosts_are_cut_short() -> None:
    urls = tuple(f"https://{name}.example/" for name in "dcba")
    [(told, _)] = _below(_email(clicks=4, clicked_urls=urls, last_clicked_at=NOON))
    assert told.startswith("Clicked a.example, b.example, c.example and others 4 times, last ")


def test_a_reply_has_its_subject_as_headline_and_its_text_behind_it() -> None:
    [entry] = _told(_happening("reply", "Replied: Re: Welcome\n\nThank you!\n\nCall me."))
    assert (entry.kind, entry.what) == ("Reply", "Re: Welcome")
    assert entry.more == "Thank you!\n\nCall me."
    [away] = _told(_happening("auto_reply", "Automatic reply: Out of office"))
    assert (away.kind, away.what, away.more) == ("Auto-reply", "Out of office", "")


def test_a_decision_is_a_sentence_and_the_same_several_times_on_end_is_one() -> None:
    def waits(number: int, reason: str = "holiday") -> Happening:
        return _happening(
            DECISION,
            "Thu 26 Nov is a public holiday in US: Thanksgiving Day; next opening Fri 27 Nov 09:00",
            id=number,
            decision_reason=reason,
            template_name="Welcome",
            until=NOON + timedelta(days=2),
        )

    [entry] = _told(waits(3), waits(2), waits(1))
    assert entry.what == (
        "“Welcome” waits until tomorrow, 12:00:"
        " Thu 26 Nov is a public holiday in US: Thanksgiving Day (3 times)"
    )
    assert entry.faint
    told = _told(waits(3), waits(2, "quiet"), waits(1))
    assert len(told) == 3, "another one between them keeps them apart"


def test_a_decision_without_an_end_says_what_was_decided() -> None:
    [entry] = _told(
        _happening(DECISION, "x", decision_reason="proven_sent", template_name="Welcome")
    )
    assert entry.what == "“Welcome”: the provider's reports proved that it went out"


def test_a_task_is_overdue_after_its_day_and_never_once_done() -> None:
    today = MOMENTS.now.date()
    for days, words_, tone in (
        (-2, "Overdue since 19 November · Ada", "tone-orange"),
        (-1, "Overdue since yesterday · Ada", "tone-orange"),
        (0, "Due today · Ada", ""),
        (1, "Due tomorrow · Ada", ""),
        (9, "Due 30 November · Ada", ""),
    ):
        due = due_moment(today + timedelta(days=days))
        task = _happening("task", "Call", due_at=due, assigned_name="Ada")
        assert _below(task) == [(words_, tone)]
    done = _happening("task", "Call", due_at=due_moment(today - timedelta(9)), completed_at=NOON)
    assert _below(done) == [("Done yesterday, 12:00", "")]
    assert _below(_happening("task", "Call")) == [("No date", "")]


def test_who_did_it_is_named() -> None:
    [entry] = _told(_happening("step_skipped", "Skipped: Welcome (Lead)", actor_name="Ada"))
    assert (entry.kind, entry.who) == ("Campaign", "Ada")


def test_the_filter_knows_every_kind_exactly_once() -> None:
    kinds = [kind for group in GROUPS.values() for kind in group]
    assert sorted(kinds) == sorted([*words.ACTIVITY_KIND, DECISION])


def test_the_contacts_page_tells_what_came_back(
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
    assert text.count("E-mail sent: lead 1") == 1
    assert '<span class="below faint">Lead · Lead e-mail 1</span>' in text
    assert "opened 2 times, last " in text
    assert "clicked mpt.example " in text
    assert (
        '<span class="below faint">By mail programs and scanners, not people: clicked 1 time</span>'
        in text
    )


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
    text = shown(open_page(contact=contact)).replace("\\", "")
    assert f"Quiet until {until.day} {until:%B}" in text
    assert ": out of office" in text
    assert f"waits until {until.day} {until:%B}" in text
    raw.execute("update contacts set quiet_until = now() - interval '1 day'")
    assert "Quiet until" not in shown(open_page(contact=contact))
