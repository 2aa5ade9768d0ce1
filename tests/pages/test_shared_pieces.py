"""Figures, charts, empty states and the export menu, as a page draws them."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from crm.ui import exports, figure_words, words
from db_service import DbService
from tests.conftest import Raw
from tests.pages.conftest import shown


def test_a_tile_shows_the_figure_its_definition_and_how_it_compares() -> None:
    def page() -> None:
        from crm.ui.figures import Figure, tiles

        tiles(
            [
                Figure(
                    "Sent", "1,204", means="Handed over <and> accepted.", before="1,075", trend=0.12
                ),
                Figure("Bounced", "4 %", trend=0.5, good="down", tone="red"),
                Figure("Opened", "20 %", before="30 %", trend=-0.1, in_points=True),
                Figure("Held", "0", trend=0.0),
                Figure("New", "7"),
            ]
        )

    text = shown(AppTest.from_function(page, default_timeout=30).run())
    assert "Handed over &lt;and&gt; accepted." in text
    assert '<b class="tone-green">+12 %</b> <span>was 1,075</span>' in text
    assert '<b class="tone-red">+50 %</b>' in text
    assert '<b class="tone-gray">no change</b>' in text
    assert '<b class="tone-red">−10 points</b> <span>was 30 %</span>' in text
    assert text.count('class="compared"') == 4


def test_an_empty_state_says_the_next_step_and_takes_it() -> None:
    def page() -> None:
        import streamlit as st

        from crm.ui.empty_states import nothing

        def add(kind: str) -> None:
            st.session_state["added"] = kind

        nothing(
            "No *events* yet.", "Add the first.", key="add", button="Add", on_click=add, args=("x",)
        )

    app = AppTest.from_function(page, default_timeout=30).run()
    assert "**No \\*events\\* yet\\.**" in app.markdown[0].value
    app.button(key="add").click().run()
    assert app.session_state["added"] == "x"


def test_a_funnel_shows_shares_of_its_first_step() -> None:
    def page() -> None:
        from crm.ui import charts

        charts.funnel([("Sent", 200), ("Opened", 50), ("Clicked", 0)])
        charts.funnel([("Sent", 0), ("Opened", 0)])
        charts.funnel([])

    text = shown(AppTest.from_function(page, default_timeout=30).run())
    assert "<dd>50</dd><dd>25.0 %</dd>" in text
    assert "<dd>200</dd><dd>100 %</dd>" in text
    assert "<dd>0</dd><dd>–</dd>" in text


def test_charts_draw_what_they_are_given() -> None:
    def page() -> None:
        from datetime import date

        import pandas as pd

        from crm.ui import charts

        days = pd.DataFrame({"Day": [date(2026, 11, 20), date(2026, 11, 21)], "Sent": [1, 2]})
        charts.trend(days, x="Day", y="Sent", alt_text="E-mails sent by day")
        charts.bars(days.assign(Campaign=["Lead", "Client"]), x="Campaign", y="Sent")

    app = AppTest.from_function(page, default_timeout=30).run()
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == 2


def _export_page() -> None:
    from crm.ui import session
    from crm.ui.exports import download_menu

    session.open_session()

    def rows() -> list[dict[str, object]]:
        return [{"Name": "=Ada", "Sent": 2}]

    download_menu("Colleagues & co", rows, key="people")
    download_menu("Sums", rows, key="sums", log=False)
    download_menu("Nothing", list, key="nothing")


@pytest.fixture
def export_page(admin: DbService) -> AppTest:
    return AppTest.from_function(_export_page, default_timeout=30).run()


def test_a_table_with_people_is_written_down_before_it_is_offered(
    export_page: AppTest, raw: Raw
) -> None:
    assert not export_page.get("download_button")
    export_page.button(key="people_excel").click().run()
    [offer] = export_page.get("download_button")
    assert offer.proto.label == "Download 1 row"
    assert _exports(raw) == [("contacts", 1, "Colleagues & co, Excel")]


def test_sums_leave_no_line_in_the_audit_log(export_page: AppTest, raw: Raw) -> None:
    export_page.button(key="sums_csv").click().run()
    assert len(export_page.get("download_button")) == 1
    assert not _exports(raw)


def test_an_empty_table_says_so(export_page: AppTest, raw: Raw) -> None:
    export_page.button(key="nothing_csv").click().run()
    assert "There is nothing to export." in shown(export_page)
    assert not export_page.get("download_button")
    assert not _exports(raw)


def _exports(raw: Raw) -> list[tuple[object, ...]]:
    found = raw.execute(
        "select relation, (after->>'row_count')::int as row_count, after->>'description' as what"
        " from audit_log where operation = 'EXPORT'"
    )
    return [tuple(row.values()) for row in found]


def test_more_rows_than_fit_are_cut_and_the_menu_says_so(
    export_page: AppTest, raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_ROWS", 0)
    export_page.button(key="people_csv").click().run()
    assert "The first 0 of 1 rows." in shown(export_page)
    assert _exports(raw) == [("contacts", 0, "Colleagues & co, CSV")]


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0, "0 %"), (1, "100 %"), (0.1239, "12.4 %"), (12.5, "1,250.0 %")],
)
def test_a_share_in_words(share: float | None, text: str) -> None:
    assert words.percent(share) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0.0, "no change"), (0.004, "no change"), (0.12, "+12 %"), (-0.05, "−5 %")],
)
def test_a_change_in_words(share: float | None, text: str) -> None:
    assert figure_words.change(share) == text


@pytest.mark.parametrize(
    ("difference", "text"),
    [(0.0, "no change"), (0.0004, "no change"), (0.042, "+4.2 points"), (-0.01, "−1 point")],
)
def test_a_difference_of_two_shares_in_words(difference: float, text: str) -> None:
    assert figure_words.points(difference) == text


@pytest.mark.parametrize(
    ("cents", "text"),
    [(1250000, "$12,500"), (0, "$0"), (1250005, "$12,500.05"), (-99, "−$0.99")],
)
def test_money_in_words(cents: int, text: str) -> None:
    assert words.money(cents) == text


def test_what_was_loading_stays_once_it_is_there() -> None:
    def page() -> None:
        import streamlit as st

        from crm.ui import calm

        with calm.loading(height=80):
            st.markdown("Twelve contacts")

    assert "Twelve contacts" in shown(AppTest.from_function(page, default_timeout=30).run())
