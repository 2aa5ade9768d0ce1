"""The contact list in a real browser, over a million contacts: search, filters, page turns.

Each is timed from the last keystroke or press to the contacts drawn, beside the time that a bare
SQL query takes for the same contacts.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from playwright.sync_api import Page
from psycopg.rows import dict_row

from bench.drawing import milliseconds_until_drawn, rest
from bench.timing import Beside, Timings, milliseconds_of

SEARCHES, TURNS, FILTERS = 40, 40, 40
_TYPES = ("Networking", "Lead", "Prospect", "Client")
_STATUSES = {"Unsubscribed": "unsubscribed", "Bounced": "bounced", "Marked as spam": "complained"}
_KEYSTROKE = 60  # milliseconds between two: a fast typist


@dataclass(frozen=True, slots=True)
class ContactPageTimes:
    search: Beside
    filters: Beside
    turns: Beside

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name).as_json() for name in ("search", "filters", "turns")}


class _Bare:
    """The same contacts by plain SQL, without row-level security and the gateway."""

    def __init__(self, address: str) -> None:
        self._connection = psycopg.connect(address, autocommit=True, row_factory=dict_row)
        self.milliseconds: list[float] = []

    def close(self) -> None:
        self._connection.close()

    def first_email(self, condition: str, *values: object, offset: int = 0) -> str | None:
        """Of the contacts that a page will show; None if there are none."""
        query = (
            f"select * from contact_list where archived_at is null and {condition}"
            f" order by id desc offset {offset} limit 25"
        )
        rows: list[dict[str, Any]] = []

        def ask() -> None:
            nonlocal rows
            rows = self._connection.execute(query.encode(), values).fetchall()

        self.milliseconds.append(milliseconds_of(ask))
        return str(rows[0]["email"]) if rows else None

    def words(self) -> list[str]:
        """Names and companies as people would look for them."""
        rows = self._connection.execute(
            "select last_name, company_name from contacts tablesample bernoulli (0.1) limit 500"
        ).fetchall()
        return [w for row in rows for w in " ".join(row.values()).lower().split() if len(w) > 3]


def measure_contact_page(page: Page, address: str) -> ContactPageTimes:
    """`page` is watched (bench.drawing) and wide enough to show the addresses."""
    page.goto("/contacts")
    page.locator("[data-testid=stDataFrame]").wait_for(timeout=60_000)
    rest(page)
    return ContactPageTimes(
        *(_beside(page, address, actions) for actions in (_searches, _filter_choices, _page_turns))
    )


Actions = Callable[[Page, _Bare], Iterator[tuple[str | None, Callable[[], None]]]]


def _beside(page: Page, address: str, actions: Actions) -> Beside:
    bare = _Bare(address)
    found, shown = [], None
    try:
        for email, act in actions(page, bare):
            if email in {None, shown}:
                act()  # what stays in sight is no proof of an answer
            else:
                found.append(milliseconds_until_drawn(page, str(email), act))
            shown = email
            rest(page)
        return Beside(Timings.of(found), Timings.of(bare.milliseconds))
    finally:
        bare.close()


def _searches(page: Page, bare: _Bare) -> Iterator[tuple[str | None, Callable[[], None]]]:
    chance, words = random.Random(7), bare.words()
    box = page.get_by_label("Search contacts")
    for _ in range(SEARCHES):
        text = chance.choice(words)[: chance.randint(3, 9)]
        email = bare.first_email(
            "id in (select id from contacts"
            " where search_text like '%%' || private.plain(%s) || '%%')",
            text,
        )
        box.fill("")
        rest(page)

        def type_it(text: str = text) -> None:
            box.press_sequentially(text, delay=_KEYSTROKE)

        yield email, type_it
    box.fill("")
    rest(page)


def _filter_choices(page: Page, bare: _Bare) -> Iterator[tuple[str | None, Callable[[], None]]]:
    """One of the types or standings, and everybody again."""
    chance = random.Random(8)
    for _ in range(FILTERS):
        label, column, code = chance.choice(
            [("Type", "contact_type", t.lower()) for t in _TYPES]
            + [("E-mail status", "email_status", code) for code in _STATUSES.values()]
        )
        shown = next((n for n, c in _STATUSES.items() if c == code), code.capitalize())
        email = bare.first_email(f"{column} = %s", code)
        page.get_by_role("combobox", name=label).click()
        option = page.get_by_role("option", name=shown, exact=True)
        yield email, option.click
        page.keyboard.press("Escape")
        everybody = page.locator(".st-key-views").get_by_text("All contacts")
        yield bare.first_email("true"), everybody.click


def _page_turns(page: Page, bare: _Bare) -> Iterator[tuple[str | None, Callable[[], None]]]:
    on = page.get_by_role("button", name="Next")
    for number in range(1, TURNS + 1):
        yield bare.first_email("true", offset=25 * number), on.click
