"""How the pages look that anybody may open: plain HTML that needs no script, phone or desktop."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from markupsafe import Markup
from starlette.responses import HTMLResponse

from db_service import connect

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2b2a; --paper: #fff; --quiet: #55645f;
  --line: #c8d1ce; --accent: #1f6f6b; --on-accent: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4ebe9; --paper: #14191a; --quiet: #9aa8a5;
  --line: #3d4a4c; --accent: #5bb5ad; --on-accent: #0e1514; } }
body { font: 17px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 34rem; margin: 0 auto; padding: min(10vh, 5rem) 1.5rem 3rem; overflow-wrap: anywhere; }
header { color: var(--quiet); }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .25rem 0 1rem; }
a { color: var(--accent); }
fieldset { border: 0; padding: 0; margin: 0 0 1.5rem; }
legend { padding: 0; margin-bottom: .75rem; }
label { display: flex; gap: .75rem; padding: .85rem 1rem; margin-bottom: .6rem; cursor: pointer;
  border: 1px solid var(--line); border-radius: .5rem; }
label input { flex: none; width: 1.2rem; height: 1.2rem; margin: .15rem 0 0;
  accent-color: var(--accent); }
label.field { display: block; padding: 0; border: 0; margin-bottom: 1rem; cursor: auto; }
label.field input { width: 100%; height: auto; box-sizing: border-box; margin: .3rem 0 0;
  padding: .65rem .8rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: .5rem; }
.refusal { border-left: 3px solid #c2523f; padding-left: .75rem; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }
button.second { background: transparent; color: var(--accent); border: 1px solid var(--line); }
label small { display: block; font-size: .9rem; color: var(--quiet); }
button { font: inherit; font-weight: 600; min-height: 2.9rem; padding: .6rem 1.4rem; border: 0;
  border-radius: .5rem; cursor: pointer; background: var(--accent); color: var(--on-accent); }
/* Forms with many fields. */
label.asked { display: block; padding: 0; border: 0; margin: 0; cursor: auto; font-weight: 600; }
label.asked small { display: inline; font-weight: 400; }
.asked-at { margin-bottom: 1.15rem; }
.asked-at :is(input, textarea, select) { width: 100%; box-sizing: border-box; margin: .3rem 0 0;
  padding: .65rem .8rem; font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--line); border-radius: .5rem; }
.asked-at textarea { min-height: 6.5rem; resize: vertical; }
.asked-at [aria-invalid] { border-color: #c2523f; }
.wrong { margin: .3rem 0 0; color: color-mix(in srgb, #c2523f 80%, var(--ink)); font-size: .95rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 0 1rem; }
.aside { position: absolute; left: -10000px; width: 1px; height: 1px; overflow: hidden; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
_PAGE = Markup("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title} · {company}</title>
<style>{style}</style></head>
<body><header>{company}</header><main><h1>{title}</h1>
{content}
</main></body></html>
""")


def company() -> str:
    """The company's name, as the e-mails carry it."""
    return connect().settings.mail_company


def paragraph(text: str) -> Markup:
    return Markup("<p>{}</p>").format(text)


def page(
    title: str,
    *content: Markup | str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """A whole page. A plain string becomes a paragraph; Markup stands as it is."""
    parts = [part if isinstance(part, Markup) else paragraph(part) for part in content]
    html = _PAGE.format(
        title=title,
        company=company(),
        style=Markup(_STYLE),  # noqa: S704 - our own text, hashed into the policy above
        content=Markup("\n").join(parts),
    )
    return HTMLResponse(str(html), status_code=status, headers={**_HEADERS, **(headers or {})})


def link(text: str, target: str) -> Markup:
    return Markup('<p><a href="{}">{}</a></p>').format(target, text)


def too_many_requests(wait_seconds: int) -> HTMLResponse:
    """429 with Retry-After (RFC 9110, 10.2.3)."""
    return page(
        "Too many requests",
        "Please wait a minute, then try again.",
        status=429,
        headers={"Retry-After": str(wait_seconds)},
    )


def out_of_order(*content: Markup | str) -> HTMLResponse:
    """503: the database is away. Mail programs repeat their request then."""
    text = "Something is wrong on our side, and nothing was changed. Please try again soon."
    return page("Not yet", text, *content, status=503)


def not_read(status: int, words: str) -> HTMLResponse:
    """For a request whose body was too large, too slow, or broke off."""
    return page("Nothing was changed", words, status=status)
