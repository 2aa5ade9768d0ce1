"""Write a gallery of the e-mail library to look at in a browser: `make preview`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path

from jinja2 import Environment, StrictUndefined

# Scripts run from anywhere as `python scripts/x.py`; the project root holds the packages.
PROJECT_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_ROOT))

from crm.drip.compile import bind_shared, compile_template
from crm.drip.merge_fields import MERGE_FIELDS, example_values
from crm.drip.render import Renderer, fill
from crm.drip.template_source import CAMPAIGNS, TemplateError, TemplateSource, load_library
from crm.drip.template_source import load_layout as read_layout

LIBRARY = PROJECT_ROOT / "templates"
OUTPUT = PROJECT_ROOT / "build" / "preview"

Merge = Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True, slots=True)
class Reading:
    """One e-mail as one sample contact reads it."""

    reader: str
    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """One e-mail of the gallery; `day` counts from the enrollment."""

    source: TemplateSource
    day: int
    page: str
    readings: tuple[Reading, ...]


def sample_contacts() -> dict[str, Merge]:
    """The readers to choose from, the ordinary one first."""
    ordinary = example_values()
    only_address: Merge = {"contact": {"email": "someone@example.com"}}
    samples: dict[str, Merge] = {"An ordinary contact": ordinary}
    for industry in ("Manufacturing", "Healthcare", "Software", "Non-profit", "Retail"):
        samples[f"Industry: {industry}"] = _with(ordinary, industry=industry)
    return samples | {
        "Only the address is known": only_address,
        "Very long names": _with(
            ordinary,
            company="Wolfeschlegelsteinhausenbergerdorff & Daughters Holding",
            first_name="Maximiliane-Alexandrina",
            job_title="Deputy Vice President of Operational Excellence",
        ),
        "Arabic": _with(ordinary, first_name="محمد", company="شركة النور", city="عمّان"),
        "Japanese": _with(ordinary, first_name="さくら", company="株式会社桜井", city="大阪"),
        "Markup in the name": _with(ordinary, first_name="<b>Dana</b>", company="Smith & Sons"),
    }


def previews(folder: Path) -> list[Preview]:
    """Every e-mail, rendered for every sample contact; raises TemplateError."""
    layout = read_layout(folder)
    library = load_library(folder)
    samples = sample_contacts()
    found: list[Preview] = []
    for campaign in CAMPAIGNS:
        sources = [source for source in library if source.campaign == campaign]
        days = accumulate(source.delay_days for source in sources)
        for source, day in zip(sources, days, strict=True):
            page = f"{campaign}-{source.step:02}.html"
            found.append(Preview(source, day, page, tuple(_readings(source, layout, samples))))
    return found


def write_gallery(emails: list[Preview], output: Path) -> Path:
    """The path of the gallery's index; the folder is made where it lacks."""
    output.mkdir(parents=True, exist_ok=True)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page = environment.from_string(_EMAIL_PAGE)
    around = [None, *emails, None]
    for email, before, after in zip(emails, around, around[2:], strict=False):
        content = page.render(
            style=_STYLE,
            email=email,
            readings=[asdict(reading) for reading in email.readings],
            before=before,
            after=after,
        )
        (output / email.page).write_text(content, encoding="utf-8")
    index = output / "index.html"
    sections = {c: [e for e in emails if e.source.campaign == c] for c in CAMPAIGNS}
    gallery = environment.from_string(_GALLERY_PAGE)
    content = gallery.render(style=_STYLE, sections=sections, total=len(emails))
    index.write_text(content, encoding="utf-8")
    return index


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=LIBRARY, help="where the library is")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where to write the gallery")
    wanted = parser.parse_args()
    try:
        print(write_gallery(previews(wanted.folder), wanted.output))
    except (TemplateError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _with(merge: Merge, *, company: str | None = None, **fields: str) -> Merge:
    contact = {**merge["contact"], **fields}
    return {**merge, "contact": contact, "company": {"name": company or merge["company"]["name"]}}


def _readings(
    source: TemplateSource, layout: str, samples: Mapping[str, Merge]
) -> Iterable[Reading]:
    sender = {name: value for name, value in example_values()["sender"].items() if value}
    compiled = bind_shared(compile_template(source, layout), sender)
    renderer = Renderer(compiled)
    unsubscribe_url = MERGE_FIELDS["unsubscribe_url"].example
    for reader, merge in samples.items():
        email = fill(compiled, renderer.values(merge, unsubscribe_url))
        yield Reading(reader, email.subject, email.html, email.text)


_STYLE = """
:root { color-scheme: light dark; --page: #f3f5f7; --card: #fff; --ink: #17212b; --soft: #566473;
  --line: #dde3e8; --accent: #17607a; --tint: #e3f0f4; }
@media (prefers-color-scheme: dark) { :root { --page: #11161c; --card: #1b222b; --ink: #e6ebf0;
  --soft: #9aa8b6; --line: #2d3743; --accent: #7cc7e0; --tint: #17323d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); line-height: 1.5;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 40px 24px 72px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -.015em; }
h2 { font-size: 20px; margin: 0; text-transform: capitalize; }
a { color: var(--accent); }
a:focus-visible, select:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.soft { color: var(--soft); margin: 0; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: baseline; }
.chips { margin: 20px 0 8px; }
.chips a { padding: 6px 14px; border-radius: 99px; background: var(--tint); text-decoration: none;
  text-transform: capitalize; font-weight: 600; font-size: 14px; }
section { margin-top: 40px; }
.title { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; }
ol { list-style: none; margin: 16px 0 0; padding: 0; display: grid; gap: 14px;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 290px), 1fr)); }
.card { display: flex; flex-direction: column; gap: 8px; height: 100%; padding: 18px 20px;
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  color: inherit; text-decoration: none; }
.card:hover { border-color: var(--accent); }
.day { align-self: flex-start; font-size: 13px; font-weight: 700; color: var(--accent); }
.subject { font-weight: 650; font-size: 17px; line-height: 1.3; }
.card .soft { font-size: 14px; }
.card .purpose { margin-top: auto; padding-top: 10px; border-top: 1px solid var(--line);
  font-size: 13px; }
.bar { display: flex; flex-wrap: wrap; gap: 12px 24px; justify-content: space-between;
  align-items: end; margin: 24px 0; }
.bar label { font-size: 13px; font-weight: 600; color: var(--soft); }
select { display: block; margin-top: 4px; padding: 9px 12px; font: inherit; min-width: 260px;
  max-width: 100%; color: var(--ink); background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; }
.views { display: grid; gap: 24px; grid-template-columns: minmax(0, 1fr) 410px;
  align-items: start; }
.view { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  overflow: hidden; }
.view h3 { margin: 0; padding: 10px 16px; font-size: 13px; color: var(--soft);
  border-bottom: 1px solid var(--line); }
.view iframe { display: block; width: 100%; height: 900px; border: 0; }
.phone { width: 392px; max-width: 100%; justify-self: center; }
.text { margin-top: 24px; }
pre { margin: 0; padding: 20px 24px; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 14px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
@media (max-width: 1000px) { .views { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 480px) { main { padding: 24px 14px 48px; } h1 { font-size: 25px; }
  .bar > *, select { width: 100%; } .phone { width: 100%; } .wide { display: none; } }
"""

_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{{ style | safe }}</style>
"""

_GALLERY_PAGE = (
    _HEAD
    + """<title>The e-mail library</title></head><body><main>
<h1>The e-mail library</h1>
<p class="soft">{{ total }} e-mails in {{ sections | length }} campaigns, as an ordinary contact
reads them. Open one to see it on a desktop, on a phone, as plain text, and for other contacts.</p>
<nav class="chips" aria-label="Campaigns">
{% for campaign in sections %}<a href="#{{ campaign }}">{{ campaign }}</a>{% endfor %}</nav>
{% for campaign, emails in sections.items() if emails %}
<section id="{{ campaign }}"><div class="title"><h2>{{ campaign }}</h2>
<p class="soft">{{ emails | length }} e-mails over {{ emails[-1].day }} days</p></div><ol>
{% for email in emails %}
<li><a class="card" href="{{ email.page }}"><span class="day">Day {{ email.day }}</span>
<span class="subject" dir="auto">{{ email.readings[0].subject }}</span>
<p class="soft">{{ email.source.preheader }}</p>
<p class="soft purpose">{{ email.source.step }}. {{ email.source.name }}</p></a></li>
{% endfor %}</ol></section>
{% endfor %}</main></body></html>
"""
)

_EMAIL_PAGE = (
    _HEAD
    + """<title>{{ email.source.campaign | capitalize }} {{ email.source.step }}</title></head>
<body><main>
<nav aria-label="E-mails"><a href="index.html">All e-mails</a>
{% if before %}<a href="{{ before.page }}" rel="prev">← Previous</a>{% endif %}
{% if after %}<a href="{{ after.page }}" rel="next">Next →</a>{% endif %}</nav>
<div class="bar"><div>
<p class="day">{{ email.source.campaign | capitalize }}, e-mail {{ email.source.step }},
day {{ email.day }}</p>
<h1 id="subject" dir="auto">{{ email.readings[0].subject }}</h1>
<p class="soft">{{ email.source.preheader }}</p>
<p class="soft">Purpose: {{ email.source.name }}</p></div>
<label>Read as<select id="reader">
{% for reading in readings %}<option value="{{ loop.index0 }}">{{ reading.reader }}</option>
{% endfor %}</select></label></div>
<div class="views">
<div class="view wide"><h3>Desktop</h3>
<iframe title="Desktop" sandbox="allow-same-origin" srcdoc="{{ readings[0].html }}"></iframe></div>
<div class="view phone"><h3>Phone, 390 pixels</h3>
<iframe title="Phone" sandbox="allow-same-origin" srcdoc="{{ readings[0].html }}"></iframe></div>
</div>
<div class="view text"><h3>Plain text</h3><pre id="text" dir="auto">{{ readings[0].text }}</pre>
</div></main>
<script>
const readings = {{ readings | tojson }};
const frames = document.querySelectorAll("iframe");
const fit = (frame) => {
  const page = frame.contentDocument && frame.contentDocument.documentElement;
  if (page) { frame.style.height = "0"; frame.style.height = page.scrollHeight + "px"; }
};
frames.forEach((frame) => { frame.addEventListener("load", () => fit(frame)); fit(frame); });
window.addEventListener("resize", () => frames.forEach(fit));
const choice = document.getElementById("reader");
const show = () => {
  const reading = readings[Number(choice.value)];
  document.getElementById("subject").textContent = reading.subject;
  document.getElementById("text").textContent = reading.text;
  frames.forEach((frame) => { frame.srcdoc = reading.html; });
};
choice.addEventListener("change", show);
// A browser that returns to this page keeps the choice but not what it showed.
if (choice.value !== "0") { show(); }
</script></body></html>
"""
)


if __name__ == "__main__":
    sys.exit(main())
