"""What people do on the pages, in one place for all journeys."""

from __future__ import annotations

from playwright.sync_api import Error, Locator, Page, expect

# The first row of a Streamlit table: below a header of 35 pixels, rows of 35 each.
_ROW_PIXELS = 35


def at_rest(page: Page) -> None:
    """The script has run to its end: what is just being drawn anew loses a click."""
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_attached()


def add_contact(page: Page, first_name: str, *, kind: str = "Lead") -> None:
    """Through the dialog; ends on the new contact's own page."""
    expect(page.get_by_role("heading", name="Contacts", exact=True)).to_be_visible()
    at_rest(page)
    page.get_by_role("button", name="Add contact").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("First name").fill(first_name)
    dialog.get_by_label("E-mail", exact=True).fill(f"{first_name.lower()}@journey.example")
    choose(page, dialog, "Type", kind)
    dialog.get_by_role("button", name="Add contact").click()
    expect(page.get_by_role("heading", name=first_name)).to_be_visible()


def choose(page: Page, inside: Locator | Page, label: str, option: str) -> None:
    """An option of a select box."""
    pick(inside.get_by_role("combobox", name=label), option)


def pick(box: Locator, option: str) -> None:
    """An option of this select box. Its list closes when the page scrolls: the scrolling that
    brings the box into sight has to be over before the click."""
    box.scroll_into_view_if_needed()
    box.page.evaluate(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    box.click()
    box.page.get_by_role("option", name=option, exact=True).click()


def submit(field: Locator, *, keys: str = "Enter") -> None:
    """By keyboard. A field that was filled before its form's button came does not know of it and
    takes Enter for itself, until it is drawn once more; leaving it and coming back does that. A
    person's next keystroke does too, so only what types faster than the page comes would notice."""
    form = field.locator("xpath=ancestor::*[@data-testid='stForm'][1]")
    expect(form.get_by_test_id("stFormSubmitButton").last).to_be_visible()
    at_rest(field.page)
    field.blur()
    field.press(keys)


def choose_behind(menu: Locator, entry: Locator) -> None:
    """Clicks an entry of a menu. A dialog that just closed gives the focus back to the page a
    moment later, which closes a menu that was opened faster than a person could."""
    for _ in range(4):
        at_rest(menu.page)
        menu.click()
        try:
            entry.click(timeout=4_000)
        except Error:  # Playwright's own time-out
            continue
        return
    raise AssertionError("the menu's entry could not be clicked")


def open_bulk(page: Page, action: str) -> Locator:
    """The dialog of an action on those selected; actions that are not in sight stand under More."""
    at_rest(page)
    seen = page.locator(".st-key-bulk_bar").get_by_role("button", name=action, exact=True)
    if seen.count():
        seen.click()
    else:
        entry = page.get_by_role("menuitem", name=action, exact=True)
        choose_behind(page.locator(".st-key-bulk_more button"), entry)
    dialog = page.get_by_role("dialog", name=action)
    expect(dialog).to_be_visible()
    return dialog


def bulk_go(dialog: Locator, told: str) -> None:
    dialog.locator(".st-key-bulk_go button").click()
    expect(dialog.get_by_text(told, exact=True)).to_be_visible()


def bulk_done(page: Page, dialog: Locator) -> None:
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_be_hidden()
    at_rest(page)


def open_campaign_manager(page: Page) -> None:
    page.get_by_role("link", name="Campaign manager").click()
    expect(page.get_by_role("heading", name="Campaign manager")).to_be_visible()


def run_now(page: Page) -> None:
    """Asks the scheduler to run, and waits until the page says that it has."""
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_text("Run finished:")).to_be_visible(timeout=60_000)


def expect_cell(table: Locator, text: str) -> None:
    """What the canvas shows stands beneath it as a table for screen readers."""
    cell = table.locator("[data-testid^=glide-cell]").filter(has_text=text)
    expect(cell.first).to_be_attached()


def click_cell(table: Locator, *, row: int, x: int, leads_to: Locator) -> None:
    """Tables are drawn on a canvas: a cell is a place. `x` in pixels from the table's left edge.

    A click on a canvas that is just being drawn anew is lost, and nothing on the page tells when
    it is done: so it clicks once the script rests, and again while nothing came of it.
    """
    for _ in range(4):
        at_rest(table.page)
        table.click(position={"x": x, "y": _ROW_PIXELS * (row + 1) + _ROW_PIXELS // 2})
        try:
            leads_to.wait_for(state="visible", timeout=6_000)
        except Error:  # Playwright's own time-out
            continue
        break
    expect(leads_to).to_be_visible()
