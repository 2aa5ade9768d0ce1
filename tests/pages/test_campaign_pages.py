"""Campaigns in figures: the overview, one campaign, the comparison, the queue, the runs."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.database.postgres import PostgresGateway
from crm.records.scheduler_runs import SchedulerRun
from crm.ui import campaign_sequence, runs
from crm.ui.moments import Moments
from tests.conftest import PublishedSteps, Raw
from tests.pages.conftest import OpenPage, shown
from tests.pages.manager_stage import CODES, NOW, PAGE, rows_of, three

__all__ = ["three"]


def test_the_overview_compares_campaigns_people_beside_machines(
    open_page: OpenPage, three: list[str]
) -> None:
    page = open_page(PAGE)
    lead = next(row for row in rows_of(page, "By day") if row["Campaign"] == "Lead")
    assert (lead["Sent"], lead["Delivered"], lead["Replied"]) == ("3", "100 %", "33.3 %")
    assert (lead["Opened"], lead["Opened, all"]) == ("33.3 %", "66.7 %")
    assert (lead["Clicked"], lead["Clicked, all"]) == ("0 %", "0 %")
    text = shown(page)
    assert "66.7 % with machines" in text
    assert "E-mails that a person opened." in text, "the definition is on hover"
    assert not CODES.search(text)


def test_the_period_narrows_the_figures(open_page: OpenPage, three: list[str], raw: Raw) -> None:
    raw.execute("update email_sends set handed_over_at = handed_over_at - interval '20 days'")
    raw.execute("select recount_outcomes()")
    page = open_page(PAGE, campaign="lead")
    sent = '<span class="term" tabindex="0">Sent</span></dt><dd>{}</dd>'
    assert sent.format(3) in shown(page)
    page.segmented_control(key="period").set_value("Last 7 days").run()
    assert sent.format(0) in shown(page)


def test_one_campaign_shows_its_sequence_and_leads_back(
    open_page: OpenPage, three: list[str]
) -> None:
    page = open_page(PAGE)
    page.button(key="open_lead").click().run()
    assert page.title[0].value == "Lead"
    text = shown(page)
    assert "<strong>Lead e-mail 1</strong><small>lead 1</small>" in text
    assert "Day 7" in text
    assert "66.7 % all" in text
    drawn = [str(block.proto.body) for block in page.get("html")]
    first, behind = (body for body in drawn if body.startswith('<div class="figure-groups">'))
    assert first.count('class="figure"') == 6
    assert "66.7 % with machines" in first, "machines stand beside people at the first look"
    assert behind.count('class="figure"') == 6
    assert [name for name in ("Reach", "Response", "Outcome") if name in first and name in behind]
    page.button(key="back_to_campaigns").click().run()
    assert page.title[0].value == "Campaign manager"


@pytest.mark.parametrize(
    ("part", "hint"),
    [
        ("Sequence", "This campaign has no e\\-mails yet\\."),
        ("By day", "No e\\-mail went out in these days\\."),
        ("By month of enrollment", "Nobody joined this campaign in the last twelve months\\."),
        ("Enrollments", "Nobody in this campaign fits\\."),
    ],
)
def test_each_part_of_an_empty_campaign_says_what_to_do(
    open_page: OpenPage, part: str, hint: str
) -> None:
    text = shown(open_page(PAGE, campaign="lead", part=part))
    assert hint in text
    assert not CODES.search(text)


def test_days_and_months_of_a_campaign(open_page: OpenPage, three: list[str]) -> None:
    assert open_page(PAGE, campaign="lead", part="By day").get("vega_lite_chart")
    months = open_page(PAGE, campaign="lead", part="By month of enrollment")
    [row] = rows_of(months, "Joined in")
    assert (row["Enrolled"], row["Got an e-mail"], row["Opened"]) == ("3", "100 %", "33.3 %")


def test_a_campaign_nobody_knows_is_the_overview(open_page: OpenPage) -> None:
    assert open_page(PAGE, campaign="nonsense").title[0].value == "Campaign manager"


def test_campaigns_and_periods_are_compared_over_chosen_figures(
    open_page: OpenPage, three: list[str]
) -> None:
    page = open_page(PAGE, view="Compare")
    lead = page.multiselect(key="compared").value[1]
    page.multiselect(key="compared").set_value([lead]).run()
    page.pills(key="compared_figures").set_value(["Sent", "Opened"]).run()
    assert [tuple(row.values()) for row in rows_of(page, "Campaign")] == [
        ("Lead", "3", "1 (33.3 %)", "66.7 %")
    ], "what people opened, and beside it what machines opened too"
    page.segmented_control(key="against").set_value("The days before").run()
    now, before = rows_of(page, "Campaign")
    assert str(now["Campaign"]).startswith("Lead, ")
    assert (now["Sent"], before["Sent"]) == ("3", "0")
    page.pills(key="compared_figures").set_value([]).run()
    assert "Nothing is chosen to compare" in shown(page)


def test_what_was_put_off_is_told_with_its_reason(
    open_page: OpenPage, three: list[str], raw: Raw
) -> None:
    raw.execute(
        "insert into drip_decisions"
        " (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, until)"
        " select contact_id, id, campaign_id, next_step, now(), 'account_daily_cap', '',"
        " next_send_at from campaign_enrollments where contact_id = %s",
        (three[0],),
    )
    page = open_page(PAGE, view="Queue")
    page.segmented_control(key="queue_part").set_value("put_off").run()
    [row] = rows_of(page, "Why")
    assert (row["Contact"], row["E-mail"]) == ("Ada", "Lead e-mail 2")
    assert row["Why"] == "The account had sent as many e-mails that day as it may"


def test_a_long_queue_leaves_whole_and_where_it_cannot_the_menu_says_so(
    open_page: OpenPage,
    published_steps: PublishedSteps,
    raw: Raw,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published_steps("lead", 1)
    raw.execute(
        "insert into contacts (first_name, email, contact_type)"
        " select 'Lead ' || n, 'l' || n || '@c.example', 'lead' from generate_series(1, 1200) n"
    )
    page = open_page(PAGE, view="Queue")
    page.button(key="queue_due_export_csv").click().run()
    assert "Download 1,200 rows" in [one.proto.label for one in page.get("download_button")]
    assert "The first 1,000" not in shown(page)
    # As over REST.
    monkeypatch.setattr(PostgresGateway, "most_rows", lambda _: 1000)
    page.button(key="queue_due_export_csv").click().run()
    assert "Download 1,000 rows" in [one.proto.label for one in page.get("download_button")]
    assert "The first 1,000 of 1,200 rows" in shown(page)


def test_a_paused_campaign_explains_what_does_not_leave(
    open_page: OpenPage, three: list[str], raw: Raw
) -> None:
    raw.execute("update drip_campaigns set status = 'paused' where key = 'lead'")
    text = shown(open_page(PAGE, view="Queue"))
    assert "Lead is paused: its 2 active contacts wait until it is resumed" in text.replace(
        "\\", ""
    )
    [first, _] = rows_of(open_page(PAGE, view="Queue"), "Subject")
    assert first["Campaign"] == "Lead (paused)"
    assert first["Subject"] == "lead 2"


MOMENTS = Moments(ZoneInfo("UTC"), NOW)


def _run(**changed: object) -> SchedulerRun:
    values = {
        "id": 1,
        "started_at": NOW - timedelta(minutes=5),
        "finished_at": NOW - timedelta(minutes=4),
        "trigger": "interval",
        "status": "ok",
        "counts": {},
        "error": "",
        "next_run_at": NOW + timedelta(minutes=55),
    }
    return SchedulerRun(**{**values, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("run", "hint"),
    [
        (_run(started_at=NOW - timedelta(hours=3), finished_at=None), "never ended"),
        (_run(next_run_at=NOW - timedelta(hours=1)), "did not begin"),
        (_run(error="No *answer*"), "ended early: No \\*answer\\*"),
        (_run(counts={"failed": 2}), "wait for a person"),
    ],
)
def test_the_monitor_says_what_to_look_at(run: SchedulerRun, hint: str) -> None:
    [said] = runs.hints([run], MOMENTS)
    assert hint in said


def test_the_monitor_is_silent_while_all_is_well() -> None:
    assert runs.hints([_run()], MOMENTS) == []


def test_days_without_a_run_are_days_without_e_mails_and_not_left_out() -> None:
    ran = [
        _run(started_at=NOW - timedelta(days=2), counts={"accepted": 3}),
        _run(started_at=NOW - timedelta(days=5), counts={"accepted": 2}),
        _run(started_at=NOW - timedelta(days=5, seconds=1), counts={"accepted": 4}),
    ]
    frame = runs.by_day(ran, MOMENTS, until=NOW)
    today = NOW.astimezone(MOMENTS.zone).date()
    assert list(frame["Day"]) == [today - timedelta(days=n) for n in (5, 4, 3, 2, 1, 0)]
    assert list(frame["Sent"]) == [6, 0, 0, 3, 0, 0]


def test_the_error_of_a_run_stands_before_what_it_did(open_page: OpenPage, raw: Raw) -> None:
    raw.execute(
        "insert into scheduler_runs (started_at, finished_at, trigger, status, counts, error)"
        " select now() - n * interval '1 hour', now(), 'interval', 'failed',"
        " jsonb_build_object('accepted', n - 1, 'requests', 1), 'No answer.'"
        " from generate_series(4, 1, -3) n"
    )
    rows = rows_of(open_page(PAGE, view="Runs"), "Started")
    assert [row["What it did"] for row in rows] == ["No answer.", "No answer. Until then: 3 sent"]


def test_runs_are_turned_page_by_page(open_page: OpenPage, raw: Raw) -> None:
    raw.execute(
        "insert into scheduler_runs (started_at, finished_at, trigger, status, counts)"
        " select now() - n * interval '1 hour', now() - n * interval '1 hour', 'interval', 'ok',"
        " jsonb_build_object('accepted', n) from generate_series(60, 1, -1) n"
    )
    page = open_page(PAGE, view="Runs")
    assert rows_of(page, "Started")[0]["What it did"] == "1 sent"
    assert len(rows_of(page, "Started")) == 50
    page.button(key="runs_on").click().run()
    assert rows_of(page, "Started")[0]["What it did"] == "51 sent"
    page.button(key="runs_back").click().run()
    assert rows_of(page, "Started")[0]["What it did"] == "1 sent"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("How a project runs", "How a project runs"),
        (
            'First steps for {{ company.name | default("your team") }}',
            "First steps for [company name]",
        ),
        (
            "Good to connect{% if contact.first_name %}, {{ contact.first_name }}{% endif %}",
            "Good to connect, [first name]",
        ),
    ],
)
def test_a_subject_is_read_with_its_merge_fields_named(written: str, read: str) -> None:
    assert campaign_sequence.subject_in_words(written) == read
