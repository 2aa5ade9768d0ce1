"""When the browser draws something: from what a person does to the text being on the canvas."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

# Tables are drawn on a canvas. This notes when a wanted text is drawn on one, and when a person
# last typed or pressed something; both by the browser's own clock.
_WATCH = """
(() => {
  const watch = { text: null, drawn: 0, acted: 0 };
  window.watchDrawing = watch;
  const draw = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    if (watch.text !== null && !watch.drawn && text === watch.text) watch.drawn = performance.now();
    return draw.call(this, text, ...place);
  };
  for (const kind of ['input', 'pointerdown'])
    document.addEventListener(
      kind, () => { watch.acted = performance.now(); watch.drawn = 0; }, true);
})();
"""
_TIMEOUT = 20_000


def watch(page: Page) -> None:
    """Before the page is opened."""
    page.add_init_script(_WATCH)


def milliseconds_until_drawn(page: Page, text: str, act: Callable[[], None]) -> float:
    """From the last keystroke or press of `act` until a canvas shows the text.

    Raises:
        playwright.sync_api.TimeoutError: if it is never drawn.
    """
    page.evaluate("text => Object.assign(watchDrawing, { text, drawn: 0 })", text)
    act()
    page.wait_for_function("watchDrawing.drawn > 0", timeout=_TIMEOUT)
    return float(page.evaluate("watchDrawing.drawn - watchDrawing.acted"))


def milliseconds_until_at_rest(page: Page, heading: str, act: Callable[[], None]) -> float:
    """From the last press of `act` until the page of this heading is whole.

    Raises:
        playwright.sync_api.TimeoutError: if it never is.
    """
    act()
    waited: float = page.wait_for_function(
        """heading => {
          const title = document.querySelector('[data-testid=stMain] h1');
          const rests = document.querySelector('[data-test-script-state=notRunning]');
          const skeleton = document.querySelector('[data-testid=stMain] [data-testid=stSkeleton]');
          return title && title.textContent === heading && rests && !skeleton
            && performance.now() - watchDrawing.acted;
        }""",
        arg=heading,
        timeout=_TIMEOUT,
    ).json_value()
    return float(waited)


def rest(page: Page) -> None:
    """Until the page is at rest, as somebody who looks at it before they go on."""
    page.locator("[data-test-script-state=notRunning]").wait_for(timeout=_TIMEOUT)
    page.wait_for_timeout(250)
