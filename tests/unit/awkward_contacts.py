"""The contacts that break e-mails, and what must hold for an e-mail to any of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import html5lib

from crm.drip.compile import CompiledTemplate, bind_shared, compile_template
from crm.drip.render import RenderedEmail, Renderer, fill
from crm.drip.template_source import TemplateSource, load_layout, load_library

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
LIBRARY: Mapping[str, TemplateSource] = {
    f"{source.campaign}/{source.step}": source for source in load_library(TEMPLATES)
}
LAYOUT = load_layout(TEMPLATES)
UNSUBSCRIBE_URL = "https://crm.example/unsubscribe/AaH9UQ.c2lnbmF0dXJl"

Merge = Mapping[str, Mapping[str, str | None]]

SENDERS: Mapping[str, Mapping[str, str]] = {
    "full sender": {
        "name": "Morgan at MPT",
        "email": "hello@mpt.example",
        "postal_address": "1 Main Street, Columbus, OH 43215",
        "company": "MPT & Partners Inc.",
        "website": "https://mpt.example",
        "booking_url": "https://mpt.example/call?from=mail&length=20",
    },
    "bare sender": {
        "name": "MPT",
        "email": "hello@mpt.example",
        "postal_address": "1 Main Street, Columbus, OH 43215",
    },
}
OWNER = {
    "name": "Alex Moreno",
    "first_name": "Alex",
    "email": "alex@mpt.example",
    "phone": "+1 614 555 0100",
}


def contact(*, company: str | None = "Whitfield Tools", **fields: str | None) -> Merge:
    """Dana, of whom everything is known, with these fields otherwise."""
    dana: dict[str, str | None] = {
        "first_name": "Dana",
        "last_name": "Whitfield",
        "email": "dana@whitfield.example",
        "job_title": "Operations Manager",
        "industry": "Manufacturing",
        "city": "Columbus",
        "country": "US",
    }
    dana.update(fields)
    names = (dana["first_name"], dana["last_name"])
    dana["full_name"] = " ".join(name for name in names if name)
    return {"contact": dana, "company": {"name": company}, "owner": OWNER}


def everywhere(value: str) -> Merge:
    """The same value in every field that a contact or a colleague can fill."""
    fields = dict.fromkeys(("first_name", "last_name", "job_title", "industry", "city"), value)
    merge = contact(company=value, **fields)
    return {**merge, "owner": dict.fromkeys(("name", "first_name", "phone"), value)}


DANA = contact()
_NOTHING: Merge = {"contact": {"email": "someone@whitfield.example"}, "company": {}, "owner": {}}
_SIXTY = "Wolfeschlegelsteinhausenbergerdorff-Montgomery-Featherstone"[:60].ljust(60, "e")

AWKWARD: Mapping[str, Merge] = {
    "dana": DANA,
    "everything missing": _NOTHING,
    "everything empty": everywhere(""),
    "everything blank": everywhere(" \t \n "),
    "no first name": contact(first_name=None),
    "no company": contact(company=None),
    "no owner": {**DANA, "owner": {}},
    "owner without a phone": {**DANA, "owner": {**OWNER, "phone": None}},
    "unknown industry": contact(industry="Deep-sea salvage"),
    "60-character names": contact(first_name=_SIXTY, last_name=_SIXTY, company=_SIXTY),
    "japanese": contact(
        first_name="さくら", last_name="佐藤", company="株式会社ホイットフィールド"
    ),
    "arabic": contact(first_name="محمد", last_name="العربي", company="شركة النور", city="عمّان"),
    "emoji": contact(first_name="Zoë 👩🏽‍💻", company="Rocket 🚀 Labs"),
    "bold markup": everywhere("<b>x</b>"),
    "script": everywhere("<script>alert(1)</script>"),
    "attribute breakout": everywhere('"><img src=x onerror=alert(1)>'),
    "markdown": everywhere("**x** [x](https://evil.example) `x`"),
    "jinja expression": everywhere("{{ 7*7 }}"),
    "jinja block": everywhere("{% raw %}"),
    "line breaks": everywhere("Dana\r\nBcc: all@whitfield.example\r\n\r\nWelcome"),
    "spaces around": everywhere("  Dana   Marie  "),
    "ampersand and quotes": contact(first_name="D'Arcy", company='Smith & "Sons" <Tools>'),
    "company with a full stop": contact(company="Acme Inc.", job_title="Asst. Mgr."),
    "entity": everywhere("&lt;b&gt; &amp;amp;"),
}


@lru_cache(maxsize=64)
def bound(key: str, sender: str) -> tuple[CompiledTemplate, Renderer]:
    compiled = bind_shared(compile_template(LIBRARY[key], LAYOUT), SENDERS[sender])
    return compiled, Renderer(compiled)


def written_for(key: str, merge: Merge, sender: str = "full sender") -> RenderedEmail:
    """The e-mail `campaign/step` of the library as this contact would get it."""
    compiled, renderer = bound(key, sender)
    return fill(compiled, renderer.values(merge, UNSUBSCRIBE_URL))


_FOREIGN = re.compile(r"\{\{|\}\}|\{%|%\}")
_TAG = re.compile(r"\b(?:mf\d+x|z[xb]\d+q)[0-9a-f]{8}")
_EMPTY_GREETING = re.compile(r"\b(?:Hi|Hello|Dear)(?: *,|  )")
_PUNCTUATION = re.compile(r" [,.;:?!](?=\s|$)|,,|\.\.(?!\.)|\?\.|,\.")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|nbsp|#\d+|#x[0-9a-f]+);")
_EMPTY_PARAGRAPH = re.compile(r"<(p|li|ul|ol)\b[^>]*>\s*</\1>")


def problems(email: RenderedEmail, merge: Merge = DANA) -> list[str]:
    """What is wrong with an e-mail, whoever gets it. What a contact's own values bring along,
    such as braces or an entity in a name, is text and no problem."""
    own = "\n".join(v for group in merge.values() for v in group.values() if v)
    return [*_in_text(email, own), *_in_html(email.html, own)]


def _in_text(email: RenderedEmail, own: str) -> Iterator[str]:
    if "\r" in email.subject or "\n" in email.subject:
        yield "a line break in the subject"
    if not 0 < len(email.subject) < 78:
        yield f"a subject of {len(email.subject)} characters"
    for name, text in (("subject", email.subject), ("text", email.text)):
        searched = {
            "Jinja left over": None if _FOREIGN.search(own) else _FOREIGN.search(text),
            "a tag left over": _TAG.search(text),
            "an empty greeting": _EMPTY_GREETING.search(text),
            "a doubled space": re.search(r"\S  +\S", text),
            "odd punctuation": _PUNCTUATION.search(text),
            "an HTML entity": None if _ENTITY.search(own) else _ENTITY.search(text),
            "None": re.search(r"\bNone\b", text),
            "a pile of blank lines": re.search(r"\n[ \t]*\n[ \t]*\n", text),
            "space at a line's end": re.search(r"[ \t]\n", text),
        }
        yield from (f"{what} in the {name}: {m[0]!r}" for what, m in searched.items() if m)
    if UNSUBSCRIBE_URL not in email.text:
        yield "no unsubscribe link in the text"


def _in_html(page: str, own: str) -> Iterator[str]:
    try:
        document = html5lib.HTMLParser(strict=True).parse(page)
    except html5lib.html5parser.ParseError as error:
        yield f"invalid HTML: {error}"
        return
    names = [str(element.tag).rpartition("}")[2] for element in document.iter()]
    yield from (f"a <{n}> element" for n in ("script", "img", "b", "iframe") if n in names)
    targets = [str(e.get("href")) for e in document.iter() if e.get("href")]
    if UNSUBSCRIBE_URL not in targets:
        yield "no unsubscribe link in the HTML"
    if any("evil.example" in target for target in targets):
        yield "a link from a contact's value"
    body = "".join(document.itertext())
    if _EMPTY_PARAGRAPH.search(page):
        yield "an empty paragraph"
    if _TAG.search(page):
        yield "a tag left over in the HTML"
    if _FOREIGN.search(body) and not _FOREIGN.search(own):
        yield "Jinja left over in the HTML"
    if _EMPTY_GREETING.search(body):
        yield "an empty greeting in the HTML"
