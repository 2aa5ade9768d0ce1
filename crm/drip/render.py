"""Renders the slots of a compiled template for one contact, and fills a skeleton with them.

Made for thousands of contacts: a plain merge field is a look-up, and a conditional passage is
rendered once for each combination of the values it depends on (one industry, one rendering).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from jinja2 import Template
from markupsafe import escape

from crm.drip.compile import CompiledTemplate, Slot, replace_tags
from crm.drip.expressions import HTML, TEXT, FieldGroup, MissingMergeValue, fields_of, plain_field
from crm.drip.merge_fields import clean_value

__all__ = ["MissingMergeValue", "RenderedEmail", "Renderer", "fill"]

# The link stands unescaped in HTML and text alike.
_PLAIN_LINK = re.compile(r"[^&<>\"'\s]*")

# Passages remembered per slot; a slot that depends on names would otherwise remember every contact.
_REMEMBERED = 2048

Values = Mapping[str, str]
MergeValues = Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """An e-mail as its reader gets it."""

    subject: str
    html: str
    text: str


class Renderer:
    """Compiles the slots of one template; `values` then renders them for a contact."""

    def __init__(self, compiled: CompiledTemplate) -> None:
        self._slots = [_slot_renderer(slot) for slot in compiled.slots]
        needed = {f for slot in compiled.slots for f in fields_of(TEXT.parse(slot.source))}
        self._fields = [
            (name, *name.split(".", 1))
            for name in sorted(needed)
            if name != "unsubscribe_url" and not name.startswith("sender.")
        ]
        self._sender = {
            name: compiled.sender.get(name.removeprefix("sender."), "")
            for name in needed
            if name.startswith("sender.")
        }

    def values(self, merge: MergeValues, unsubscribe_url: str) -> list[str]:
        """The values of the template's slots, in their order.

        Raises:
            MissingMergeValue: for a field that has neither a value nor a default.
            ValueError: for a link with characters that HTML would have to escape.
        """
        if not _PLAIN_LINK.fullmatch(unsubscribe_url):
            raise ValueError(
                "an unsubscribe link of plain URL characters only, without & and quotes"
            )
        values = {**self._sender, "unsubscribe_url": unsubscribe_url}
        for name, group, field in self._fields:
            values[name] = clean_value(merge.get(group, {}).get(field))
        return [render(values) for render in self._slots]


def fill(compiled: CompiledTemplate, values: Sequence[str]) -> RenderedEmail:
    """The whole e-mail: the skeleton with these slot values."""
    by_tag = {slot.tag: value for slot, value in zip(compiled.slots, values, strict=True)}
    return RenderedEmail(
        subject=replace_tags(compiled.subject, by_tag),
        html=replace_tags(compiled.html, by_tag),
        text=replace_tags(compiled.text, by_tag),
    )


def _slot_renderer(slot: Slot) -> Callable[[Values], str]:
    field = plain_field(slot.source)
    if field is not None:
        return _field_renderer(*field, escaped=slot.form == "html")
    environment = HTML if slot.form == "html" else TEXT
    names = tuple(sorted(fields_of(TEXT.parse(slot.source))))
    return _Passage(environment.from_string(slot.source), names).render


def _field_renderer(name: str, default: str | None, *, escaped: bool) -> Callable[[Values], str]:
    def render(values: Values) -> str:
        value = values[name] or default
        if value is None:
            raise MissingMergeValue(name)
        return str(escape(value)) if escaped else value

    return render


class _Passage:
    """A conditional passage, remembered by the values it reads."""

    def __init__(self, template: Template, names: tuple[str, ...]) -> None:
        self._template = template
        self._names = names
        self._groups = {name.partition(".")[0] for name in names if "." in name}
        self._known: dict[tuple[str, ...], str] = {}

    def render(self, values: Values) -> str:
        key = tuple([values[name] for name in self._names])
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[key] = self._write(key)
        return known

    def _write(self, values: tuple[str, ...]) -> str:
        context: dict[str, object] = {group: FieldGroup(group) for group in self._groups}
        for name, value in zip(self._names, values, strict=True):
            group, _, field = name.partition(".")
            if not field:
                context[name] = value
            elif value:
                cast(FieldGroup, context[group])[field] = value
        # What Template.render does, without its copy of the context.
        return "".join(self._template.root_render_func(self._template.new_context(context, True)))
