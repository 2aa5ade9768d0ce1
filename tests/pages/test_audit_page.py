"""The audit log as an admin reads it: the list, the chain's state, filters, pages, the export."""

from __future__ import annotations

from datetime import UTC, datetime

from crm.ui.audit_words import AREAS
from db_service import LOCAL_ADMIN_ID, DbService
from tests.conftest import PublishedSteps, Raw
from tests.database.sending import values
from tests.database.tampering import make_entries, tamper
from tests.pages.conftest import OpenPage, TakeAway, shown

PAGE = "22_Audit_Log"
NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


def test_the_newest_comes_first_with_what_changed_and_nothing_raw(
    open_page: OpenPage, admin: DbService, raw: Raw, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    lead = values(raw, "select id::text from drip_campaigns where key = 'lead'")[0]
    admin.campaigns.pause(lead, reason="<b>Holidays</b>", now=NOW)
    page = open_page(PAGE)
    text = shown(page)
    sentence_ = "Morgan Local changed campaign Lead: status Running → Paused"
    assert text.index(sentence_) < text.index(
        "published version 1 of e-mail “Lead e-mail 1” of Lead"
    )
    assert "&lt;b&gt;Holidays" in text
    [told] = [block.proto.body for block in page.get("html") if "timeline" in block.proto.body[:30]]
    for code in (lead, "drip_campaign", "UPDATE", "{", LOCAL_ADMIN_ID):
        assert code not in told, code
    assert "Today, " in told


def test_the_chain_is_checked_at_once_and_again_on_demand(
    open_page: OpenPage, admin: DbService, raw: Raw
) -> None:
    tamper(raw, "truncate audit_log")
    make_entries(raw, 3)
    page = open_page(PAGE)
    assert "nothing was changed or removed" in shown(page)
    assert "3 entries, checked just now" in shown(page)
    assert admin.audit.verify().head in [code.value for code in page.code]
    tamper(raw, "update audit_log set actor_name = 'Eve' where number = 2")
    assert "nothing was changed or removed" in shown(page.run()), (
        "what was found is kept until somebody asks"
    )
    page.button(key="audit_check").click().run()
    text = shown(page)
    assert "Tampered with" in text
    assert "Entry 2 is not as it was written." in text
    assert "Eve" in text, "the log itself is still shown"


def test_filters_narrow_the_list_and_can_be_cleared(
    open_page: OpenPage, admin: DbService, raw: Raw
) -> None:
    make_entries(raw, 1)
    admin.audit.record_export("contacts", 7, "Everybody in Ohio", now=NOW)
    page = open_page(PAGE)
    assert "Everybody in Ohio" in shown(page)
    assert "No. 0" in shown(page)
    page.selectbox(key="audit_what").select(next(a for a in AREAS if a.kind == "Export")).run()
    assert "Everybody in Ohio" in shown(page)
    assert "No. 0" not in shown(page)
    operators = next(o for o in page.selectbox(key="audit_who").options if o == "Operators")
    page.selectbox(key="audit_who").select(operators).run()
    assert "Nothing was written down that fits." in shown(page)
    page.button(key="audit_clear").click().run()
    assert "No. 0" in shown(page)


def test_it_is_paged_by_fifty(open_page: OpenPage, admin: DbService, raw: Raw) -> None:
    tamper(raw, "truncate audit_log")
    make_entries(raw, 60)
    page = open_page(PAGE)
    assert shown(page).count("<li>") == 50
    assert "1–50" in shown(page)
    page.button(key="audit_older").click().run()
    assert (shown(page).count("<li>"), "51–60" in shown(page)) == (10, True)
    assert page.button(key="audit_older").disabled
    page.button(key="audit_newer").click().run()
    assert "No. 59" in shown(page)


def test_an_export_is_written_down_before_the_file_is_offered(
    open_page: OpenPage, admin: DbService, raw: Raw
) -> None:
    tamper(raw, "truncate audit_log")
    make_entries(raw, 3)
    page = open_page(PAGE)
    page.button(key="audit_export").click().run()
    assert not page.get("download_button")
    assert admin.audit.verify().entries == 3
    page.button(key="audit_write").click().run()
    assert page.get("download_button")
    entry = admin.audit.page(size=1)[0]
    assert (entry.operation, entry.actor_name) == ("EXPORT", "Morgan Local")
    assert entry.after == {"row_count": 3, "description": "everything"}
    page.button(key="audit_done").click().run()
    assert "exported 3 entries of the audit log: everything" in shown(page)


def test_sales_read_no_log(open_page: OpenPage, raw: Raw) -> None:
    raw.execute("update profiles set role = 'sales' where full_name = 'Morgan Local'")
    page = open_page(PAGE)
    assert "The audit log is for admins." in shown(page)
    assert not page.button


def test_an_empty_log_says_so(open_page: OpenPage, raw: Raw) -> None:
    tamper(raw, "truncate audit_log")
    page = open_page(PAGE)
    text = shown(page)
    assert "Nothing was written down yet." in text
    assert "0 entries, checked just now" in text
    assert "<li>" not in text


def test_of_thousands_of_entries_a_page_is_drawn(open_page: OpenPage, raw: Raw) -> None:
    tamper(raw, "truncate audit_log")
    raw.execute(
        "insert into drip_campaigns (key, name) select 'c' || n, 'C' || n"
        " from generate_series(1, 5000) n"
    )
    page = open_page(PAGE)
    text = shown(page)
    assert "5,000 entries" in text
    assert (text.count("<li>"), "1–50" in text) == (50, True)


def test_a_database_that_is_away_is_told_calmly(
    open_page: OpenPage, take_database_away: TakeAway
) -> None:
    page = open_page(PAGE)
    assert "<li>" in shown(page)
    take_database_away()
    text = shown(page.run())
    assert "The database does not answer" in text
    assert "<li>" not in text, "no entry of before stands there as if it were read now"
