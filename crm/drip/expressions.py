"""The part of Jinja2 a template may use: merge fields, a few filters, and plain conditions.

Everything else is refused by a list of what is allowed, before anything is rendered: no calls, no
arithmetic, no loops. ('a' * 10**9 in a sandboxed template eats a minute and a gigabyte.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinja2 import Undefined, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crm.drip.merge_fields import GROUPS, MERGE_FIELDS, nearest_field
from crm.drip.template_source import TemplateError

_ALLOWED_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.Getattr,
    nodes.Name,
    nodes.Filter,
    nodes.Const,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)
_ALLOWED_FILTERS = ("upper", "lower", "title", "capitalize", "trim")


class MissingMergeValue(Exception):  # noqa: N818 - says what is wrong, as the page does
    """A field without a value and without a default."""

    def __init__(self, field: str) -> None:
        super().__init__(f"This contact has no {field}, and the e-mail gives no default for it.")
        self.field = field


class FieldGroup(dict[str, str]):
    """The present values of contact.*, company.*, owner.* or sender.*."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self.label = label


class _Missing(Undefined):
    """Falsy in a condition, replaced by default(), and an error anywhere else."""

    def __str__(self) -> str:
        group = getattr(self._undefined_obj, "label", None)
        name = str(self._undefined_name)
        raise MissingMergeValue(f"{group}.{name}" if group else name)


def _default(value: Any, otherwise: str = "") -> Any:
    """Jinja's own default() leaves a blank value standing; ours replaces it."""
    return value if value else otherwise


def environment(*, autoescape: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(autoescape=autoescape, undefined=_Missing)
    made.filters = {name: made.filters[name] for name in _ALLOWED_FILTERS} | {"default": _default}
    made.globals = {}
    made.tests = {}
    return made


HTML = environment(autoescape=True)
TEXT = environment(autoescape=False)


def parse(source: str, *, origin: str, first_line: int) -> nodes.Template:
    """The syntax tree, checked; raises TemplateError with the line in the file."""
    try:
        tree = TEXT.parse(source)
        _refuse_forbidden(tree, origin, first_line)
        # Compiling finds unknown filters. It computes constants, so it comes after the refusals.
        TEXT.compile(source)
    except TemplateSyntaxError as error:
        line = first_line + (error.lineno or 1) - 1
        raise TemplateError(origin, line, f"{error.message}") from error
    except RecursionError as error:
        raise TemplateError(origin, first_line, "nested too deeply; simplify it") from error
    return tree


def _refuse_forbidden(tree: nodes.Template, origin: str, first_line: int) -> None:
    inside_dots = {id(node.node) for node in tree.find_all(nodes.Getattr)}
    for node in tree.find_all(nodes.Node):
        problem = None if id(node) in inside_dots else _problem(node)
        if problem:
            raise TemplateError(origin, first_line + node.lineno - 1, problem)


def fields_of(node: nodes.Node) -> frozenset[str]:
    """The merge fields that a node reads."""
    dotted = {f"{_base(n)}.{n.attr}" for n in _all(node, nodes.Getattr)}
    bare = {n.name for n in _all(node, nodes.Name) if n.name not in GROUPS}
    return frozenset(dotted | bare)


def plain_field(source: str) -> tuple[str, str | None] | None:
    """(field, default) where the source is just `{{ field }}` or `{{ field | default("…") }}`."""
    tree = TEXT.parse(source)
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    parts = tree.body[0].nodes
    if len(parts) != 1:
        return None
    node, otherwise = parts[0], None
    if isinstance(node, nodes.Filter) and node.name == "default" and len(node.args) == 1:
        argument = node.args[0]
        if not isinstance(argument, nodes.Const) or node.node is None:
            return None
        node, otherwise = node.node, str(argument.value)
    if isinstance(node, (nodes.Getattr, nodes.Name)):
        return next(iter(fields_of(node))), otherwise
    return None


def unguarded_fields(tree: nodes.Node) -> frozenset[str]:
    """Fields that may be missing and are written out with neither a default nor an `if` around."""
    return frozenset(_unguarded(tree, frozenset()))


def _unguarded(node: nodes.Node, known: frozenset[str]) -> Iterator[str]:
    if isinstance(node, nodes.If):
        for child in node.body:
            yield from _unguarded(child, known | _certain(node.test))
        for child in (*node.elif_, *node.else_):
            yield from _unguarded(child, known | _certain_otherwise(node.test))
        return
    if isinstance(node, nodes.Filter) and node.name == "default":
        # What stands in for a missing value may be missing itself.
        for child in node.args:
            yield from _unguarded(child, known)
        return
    if isinstance(node, (nodes.Getattr, nodes.Name)):
        for field in fields_of(node) - known:
            if MERGE_FIELDS[field].may_be_missing:
                yield field
        return
    for child in node.iter_child_nodes():
        yield from _unguarded(child, known)


def _certain(test: nodes.Node) -> frozenset[str]:
    """Fields that are present where the test holds."""
    if isinstance(test, nodes.And):
        return _certain(test.left) | _certain(test.right)
    if isinstance(test, (nodes.Or, nodes.Not)):
        return frozenset()
    if isinstance(test, nodes.Compare) and any(o.op not in {"eq", "in"} for o in test.ops):
        return frozenset()
    return fields_of(test)


def _certain_otherwise(test: nodes.Node) -> frozenset[str]:
    """Fields that are present where the test does not hold."""
    return _certain(test.node) if isinstance(test, nodes.Not) else frozenset()


def constants_of(node: nodes.Node) -> list[str]:
    """The texts a node can write out, apart from fields."""
    return [str(constant.value) for constant in _all(node, nodes.Const)]


def _problem(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.For):
        return "loops are not available in e-mails"
    if not isinstance(node, _ALLOWED_NODES):
        construct = type(node).__name__.lower()
        return f"{construct} is not available in e-mails; use merge fields, default() and if"
    if isinstance(node, nodes.Getattr):
        return _field_problem(f"{_base(node)}.{node.attr}")
    if isinstance(node, nodes.Name):
        return _field_problem(node.name)
    return None


def _field_problem(field: str) -> str | None:
    if field in MERGE_FIELDS:
        return None
    meant = nearest_field(field)
    hint = f"; did you mean {meant}?" if meant else f"; known are {', '.join(MERGE_FIELDS)}"
    return f"unknown merge field {field}{hint}"


def _base(node: nodes.Getattr) -> str:
    return node.node.name if isinstance(node.node, nodes.Name) else "?"


def _all(node: nodes.Node, kind: type[nodes.Node]) -> Iterator[Any]:
    if isinstance(node, kind):
        yield node
    yield from node.find_all(kind)
