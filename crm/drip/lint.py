"""What an e-mail must be before it may be published: the sales team's rules for its copy.

Every rule looks at what readers would get, not at the source: each e-mail is rendered for sample
contacts that reach every branch of its conditions and lack each field in turn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

from crm.drip.compile import (
    CompiledTemplate,
    bind_shared,
    compile_template,
    fields_without_default,
)
from crm.drip.merge_fields import MERGE_FIELDS, example_values
from crm.drip.render import RenderedEmail, Renderer, fill
from crm.drip.template_source import TemplateError, TemplateSource

MAX_SUBJECT_LENGTH = 59
"""Characters, for a contact with ordinary names: what phones and desktop clients show in a list."""

PREHEADER_LENGTH = (30, 110)
"""Characters. A shorter one is filled up by the client with the greeting; a longer one is cut."""

BODY_WORDS = (60, 200)
"""Words from greeting to signature, the footer not counted."""

SPAM_WORDS = (
    "!!",
    "$$",
    "100%",
    "act now",
    "amazing",
    "bargain",
    "buy now",
    "click here",
    "congratulations",
    "dear friend",
    "double your",
    "exclusive deal",
    "for free",
    "free",
    "game changer",
    "game-changer",
    "guarantee",
    "guaranteed",
    "last chance",
    "limited time",
    "lowest price",
    "miracle",
    "no obligation",
    "once in a lifetime",
    "order now",
    "revolutionary",
    "risk-free",
    "special promotion",
    "urgent",
    "winner",
)
"""Words that cost trust with readers, and points with many mail filters."""

_SPAM = re.compile(
    "|".join(rf"(?<!\w){re.escape(words)}(?!\w)" for words in SPAM_WORDS), re.IGNORECASE
)
_REPLY_ASK = re.compile(r"\breply (?:to this e-?mail|with|and)\b", re.IGNORECASE)
_GAP = re.compile(r"\S {2,}\S|\w [,;!?](?:\s|$)|\w \.(?:\s|$)")
_COMPARED = re.compile(r"""(\w+)\.(\w+)\s*==\s*(["'])(.*?)\3""")
_UNSUBSCRIBE_URL = str(MERGE_FIELDS["unsubscribe_url"].example)

# The body between known borders, so that the words of a layout never count as copy.
_BARE_LAYOUT = (
    "<html><head><title>{{ subject }}</title></head><body><div>{{ preheader }}</div>"
    "<main>{{ content }}</main><p>{{ sender.postal_address }}</p>"
    '<a href="{{ unsubscribe_url }}">Unsubscribe</a></body></html>'
)

Merge = Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True, slots=True)
class LintFinding:
    """A rule that an e-mail breaks, with what to do about it."""

    origin: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.message} ({self.rule})"


@dataclass(frozen=True, slots=True)
class _Copy:
    """What one sample contact would read; `text` and `links` are those of the body alone."""

    reader: str
    postal_address: str
    email: RenderedEmail
    preheader: str
    text: str
    links: int


Rule = Callable[[_Copy], str | None]


def lint_template(source: TemplateSource, layout: str) -> list[LintFinding]:
    """What to mend before publishing, one finding a rule; empty when all is well."""
    try:
        whole = _Printer(compile_template(source, layout))
        bare = _Printer(compile_template(source, _BARE_LAYOUT))
        missing = sorted(fields_without_default(source, layout))
    except TemplateError as error:
        return [LintFinding(source.origin, "compiles", str(error))]
    if missing:
        # Such an e-mail can't be rendered for everybody, so the other rules can't be asked.
        message = f"give {', '.join(missing)} a default(…), or an if around it"
        return [LintFinding(source.origin, "default", message)]
    copies = [_copy(reader, merge, whole, bare) for reader, merge in _samples(source)]
    return list(_findings(source.origin, copies))


def _findings(origin: str, copies: list[_Copy]) -> Iterator[LintFinding]:
    subject = _subject_length(copies[0])
    if subject:
        yield LintFinding(origin, "subject", subject)
    for name, rule in _RULES.items():
        # The first reader it goes wrong for is enough to find the passage.
        found = next((problem for copy in copies if (problem := rule(copy))), None)
        if found:
            yield LintFinding(origin, name, found)


def _subject_length(copy: _Copy) -> str | None:
    length = len(copy.email.subject)
    if 0 < length <= MAX_SUBJECT_LENGTH:
        return None
    return f"the subject has {length} characters; keep it between 1 and {MAX_SUBJECT_LENGTH}"


def _preheader_length(copy: _Copy) -> str | None:
    least, most = PREHEADER_LENGTH
    if least <= len(copy.preheader) <= most:
        return None
    return (
        f"the preheader has {len(copy.preheader)} characters for {copy.reader}; "
        f"keep it between {least} and {most}"
    )


def _word_count(copy: _Copy) -> str | None:
    least, most = BODY_WORDS
    words = len(copy.text.split())
    if least <= words <= most:
        return None
    return f"{words} words for {copy.reader}; keep it between {least} and {most}"


def _one_call_to_action(copy: _Copy) -> str | None:
    asks = len(_REPLY_ASK.findall(copy.text))
    if copy.links + asks == 1:
        return None
    return (
        f"{copy.links} link(s) and {asks} request(s) to reply for {copy.reader}; "
        "ask for exactly one thing"
    )


def _no_spam_words(copy: _Copy) -> str | None:
    found = _SPAM.search(f"{copy.email.subject}\n{copy.preheader}\n{copy.text}")
    return f"“{found[0]}” reads like spam; say it another way" if found else None


def _no_gap(copy: _Copy) -> str | None:
    # Both are what an empty passage leaves behind when its own space stands outside of it.
    for line in (copy.email.subject, *copy.email.text.splitlines()):
        found = _GAP.search(line)
        if found:
            around = line[max(0, found.start() - 15) : found.end() + 15].strip()
            return f"a gap at “{around}” for {copy.reader}; put the space inside the condition"
    return None


def _footer(copy: _Copy) -> str | None:
    # In HTML the whole target: the hidden link for scanners starts with it, and nobody sees that.
    for part, content, link in (
        ("HTML", copy.email.html, f'href="{_UNSUBSCRIBE_URL}"'),
        ("text", copy.email.text, _UNSUBSCRIBE_URL),
    ):
        if link not in content:
            return f"the {part} part has no unsubscribe link; put it into the layout"
        if copy.postal_address not in content:
            return f"the {part} part has no postal address; put it into the layout"
    return None


_RULES: Mapping[str, Rule] = {
    "preheader": _preheader_length,
    "words": _word_count,
    "call to action": _one_call_to_action,
    "spam words": _no_spam_words,
    "gap": _no_gap,
    "footer": _footer,
}


def _samples(source: TemplateSource) -> Iterator[tuple[str, Merge]]:
    """An ordinary contact first, then one for every branch and one for every missing field."""
    full = example_values()
    optional = [tuple(f.name.split(".", 1)) for f in MERGE_FIELDS.values() if f.may_be_missing]
    bare: Merge = full
    for group, field in optional:
        bare = _with(bare, group, field, None)
    yield "an ordinary contact", full
    yield "a contact of whom only the address is known", bare
    for group, field in optional:
        yield f"a contact without {group}.{field}", _with(full, group, field, None)
    compared = {(m[1], m[2], m[4]) for m in _COMPARED.finditer(f"{source.subject}\n{source.body}")}
    for group, field, value in sorted(compared):
        yield f"a contact with {group}.{field} {value}", _with(full, group, field, value)
        yield (
            f"a contact with nothing but {group}.{field} {value}",
            _with(bare, group, field, value),
        )


def _with(merge: Merge, group: str, field: str, value: str | None) -> Merge:
    return {**merge, group: {**merge.get(group, {}), field: value}}


def _copy(reader: str, merge: Merge, whole: _Printer, bare: _Printer) -> _Copy:
    page = _BarePage()
    page.feed(bare.email(merge).html)
    page.close()
    return _Copy(
        reader=reader,
        postal_address=str(merge["sender"]["postal_address"]),
        email=whole.email(merge),
        preheader=page.text("div"),
        text=page.text("main"),
        links=page.links,
    )


class _Printer:
    """Renders one template for many readers; there are only a few senders to bind it to."""

    def __init__(self, compiled: CompiledTemplate) -> None:
        self._compiled = compiled
        self._bound: dict[tuple[tuple[str, str], ...], tuple[CompiledTemplate, Renderer]] = {}

    def email(self, merge: Merge) -> RenderedEmail:
        sender = tuple((name, value) for name, value in merge["sender"].items() if value)
        if sender not in self._bound:
            bound = bind_shared(self._compiled, dict(sender))
            self._bound[sender] = bound, Renderer(bound)
        bound, renderer = self._bound[sender]
        return fill(bound, renderer.values(merge, _UNSUBSCRIBE_URL))


class _BarePage(HTMLParser):
    """Reads what stands in the <div> (the preheader) and in <main> (the body) of _BARE_LAYOUT."""

    def __init__(self) -> None:
        super().__init__()
        self.links = 0
        self._inside: str | None = None
        self._pieces: dict[str, list[str]] = {"div": [], "main": []}

    def text(self, element: str) -> str:
        """Its text on one line."""
        return " ".join("".join(self._pieces[element]).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - HTMLParser's own signature
        if tag in self._pieces:
            self._inside = tag
        elif self._inside == "main":
            self.links += tag == "a"
            self._pieces["main"].append(" " if tag in _BREAKS else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is not None:
            self._pieces[self._inside].append(data)


_BREAKS = frozenset({"p", "br", "li", "ul", "ol", "h1", "h2", "h3"})
