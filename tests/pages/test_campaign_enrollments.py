"""Enrollments of a campaign: filters, pages, what is done to many at once, and the file of them."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import db_service
from crm.records.campaign_enrollments import CampaignEnrollmentRecords
from db_service import DbService
from tests.conftest import PublishedSteps, Raw
from tests.pages.conftest import OpenPage, shown
from tests.pages.manager_stage import CODES, NOW, PAGE, Rows, rows_of, three

__all__ = ["three"]


def _enrollments(open_page: OpenPage) -> AppTest:
    return open_page(PAGE, campaign="lead", part="Enrollments")


def _table(page: AppTest) -> Rows:
    return rows_of(page, "Contact")


def _select(page: AppTest, rows: list[int]) -> AppTest:
    [table] = page.dataframe
    page.session_state[str(table.key)] = {"selection": {"rows": rows, "columns": []}}
    return page.run()


def test_filters_narrow_the_enrollments(
    open_page: OpenPage, three: list[str], admin: DbService
) -> None:
    admin.enrollments.change([admin.enrollments.of_contact(three[0])[0].id], "pause", now=NOW)
    page = _enrollments(open_page)
    assert [row["Contact"] for row in _table(page)] == ["Bea", "Ada"], "Cleo answered and stopped"
    page.pills(key="enrollments_status").set_value([]).run()
    assert [row["Contact"] for row in _table(page)] == ["Cleo", "Bea", "Ada"]
    page.multiselect(key="enrollments_reason").set_value(["paused_by_user"]).run()
    assert [row["Status"] for row in _table(page)] == ["Paused: paused by hand"]
    page.multiselect(key="enrollments_reason").set_value([]).run()
    page.text_input(key="enrollments_search").set_value("cleo@").run()
    assert [row["Contact"] for row in _table(page)] == ["Cleo"]
    assert not CODES.search(shown(page))


def test_selected_ones_are_stopped_after_a_question_with_a_summary(
    open_page: OpenPage, three: list[str], admin: DbService
) -> None:
    page = _select(_enrollments(open_page), [0, 1])
    assert "**2 selected**" in shown(page)
    page.button(key="bulk_stop").click().run()
    assert "They receive no more e-mails of this campaign" in shown(page)
    assert admin.enrollments.of_contact(three[0])[0].status == "active"
    page.button(key="bulk_sure").click().run()
    assert "**2 enrollments** stopped." in shown(page)
    page.button(key="bulk_done").click().run()
    assert admin.enrollments.of_contact(three[0])[0].status == "stopped"
    assert "Nobody in this campaign fits" in shown(page)


def test_a_bulk_change_can_be_left(open_page: OpenPage, three: list[str], admin: DbService) -> None:
    page = _select(_enrollments(open_page), [0])
    page.button(key="bulk_pause").click().run()
    page.button(key="bulk_cancel").click().run()
    assert "keep their place" not in shown(page)
    assert admin.enrollments.of_contact(three[1])[0].status == "active"


def test_a_sales_person_changes_their_own_and_is_told_about_the_others(
    open_page: OpenPage, three: list[str], raw: Raw
) -> None:
    raw.execute(
        "update contacts set owner_id = (select id from profiles where full_name = 'Morgan Local')"
        " where id = %s",
        (three[0],),
    )
    raw.execute("update profiles set role = 'sales' where full_name = 'Morgan Local'")
    page = _select(_enrollments(open_page), [0, 1])
    page.button(key="bulk_restart").click().run()
    page.button(key="bulk_sure").click().run()
    text = shown(page)
    assert "**1 enrollment** restarted." in text
    assert "**1 enrollment** belong to colleagues." in text


@pytest.fixture
def crowd(admin: DbService, published_steps: PublishedSteps, raw: Raw) -> int:
    published_steps("lead", 2)
    raw.execute(
        "insert into contacts (first_name, email, contact_type)"
        " select 'N' || n, 'n' || n || '@example.com', 'lead' from generate_series(1, 450) n"
    )
    return 450


def test_of_many_only_a_page_is_read_and_the_next_follows(
    open_page: OpenPage, crowd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    page_of = CampaignEnrollmentRecords.page

    def counted(self: CampaignEnrollmentRecords, *asked: object, **wanted: object) -> object:
        sizes.append(int(str(wanted["size"])))
        return page_of(self, *asked, **wanted)  # type: ignore[arg-type]

    monkeypatch.setattr(CampaignEnrollmentRecords, "page", counted)
    page = _enrollments(open_page)
    assert "1–50 of 450" in shown(page)
    first = {row["Contact"] for row in _table(page)}
    page.button(key="enrollments_on").click().run()
    assert "51–100 of 450" in shown(page)
    assert len(first | {row["Contact"] for row in _table(page)}) == 100
    page.button(key="enrollments_back").click().run()
    assert {row["Contact"] for row in _table(page)} == first
    assert set(sizes) == {51}


def test_all_that_fit_are_changed_at_once(
    open_page: OpenPage, crowd: int, admin: DbService, raw: Raw
) -> None:
    page = _enrollments(open_page)
    page.checkbox(key="enrollments_all_0").check().run()
    page.button(key="bulk_pause").click().run()
    assert "All enrollments that fit the filters" in shown(page)
    page.button(key="bulk_sure").click().run()
    assert "**450 enrollments** paused." in shown(page)
    paused = raw.execute(
        "select count(*) from campaign_enrollments where status = 'paused'"
    ).fetchone()
    assert paused == {"count": 450}


def test_the_file_of_enrollments_has_all_that_fit_and_no_formula(
    open_page: OpenPage, three: list[str], raw: Raw
) -> None:
    raw.execute(
        "update contacts set first_name = '=1+1', last_name = '' where id = %s", (three[0],)
    )
    page = _enrollments(open_page)
    page.button(key="enrollments_export_csv").click().run()
    [download] = page.get("download_button")
    assert download.proto.label == "Download 2 rows"
    logged = raw.execute(
        "select count(*) from audit_log where operation = 'EXPORT'"
        " and relation = 'campaign_enrollments'"
    ).fetchone()
    assert logged == {"count": 1}


def test_a_part_that_is_refused_leaves_the_rest_standing(
    open_page: OpenPage, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise db_service.NotAllowedError("no")

    monkeypatch.setattr(CampaignEnrollmentRecords, "page", refused)
    page = _enrollments(open_page)
    assert "You may not do this" in shown(page)
    assert page.title[0].value == "Lead"
