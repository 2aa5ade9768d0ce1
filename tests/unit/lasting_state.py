"""What in the program's source outlives a run of a page, read from its syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CACHES = {"cache", "lru_cache", "cached_property"}
_STREAMLIT_CACHES = {"cache_data", "cache_resource", "connection", "cache", "singleton", "memo"}
# By the last part of their name: what these make has nothing that could change.
_HARMLESS = {
    *("compile", "getLogger", "timedelta", "timestamp", "Timeout", "Limits", "with_suffix"),
    *("frozenset", "tuple", "str", "decode", "TypeVar", "ParamSpec", "MappingProxyType", "Markup"),
    *("fromkeys", "maketrans"),  # changed only where a function does it, and that is looked for
}
_CHANGES = {
    *("append", "add", "update", "setdefault", "pop", "popitem", "clear", "extend", "insert"),
    *("remove", "discard", "appendleft", "move_to_end"),
}


def sources() -> list[Source]:
    """Everything that the app's process runs."""
    files = [ROOT / "app.py", ROOT / "db_service.py", ROOT / "drip_scheduler.py"]
    files += sorted((ROOT / "crm").rglob("*.py")) + sorted((ROOT / "pages").glob("*.py"))
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text()) for path in files]


class Source:
    """One file; a page's own variables end with its run, as it is run anew each time."""

    def __init__(self, path: str, code: str) -> None:
        self.path = path
        self._tree = ast.parse(code)

    def cached(self) -> list[str]:
        """Functions, or for cached properties the class; each once."""
        found = [
            name
            for node, owner in _functions(self._tree)
            for decorator in node.decorator_list
            if _last(decorator) in _CACHES
            for name in [owner if _last(decorator) == "cached_property" else node.name]
        ]
        made = [target for target, value in self._assigned() if _last(value) in _CACHES]
        return list(dict.fromkeys(found + made))

    def streamlit_caches(self) -> list[str]:
        used = [
            node.attr
            for node in ast.walk(self._tree)
            if isinstance(node, ast.Attribute) and _root(node) in {"st", "streamlit"}
        ]
        imported = [
            alias.name
            for node in ast.walk(self._tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("streamlit")
            for alias in node.names
        ]
        return [name for name in used + imported if name in _STREAMLIT_CACHES]

    def changing(self) -> list[str]:
        made = [] if self.path.startswith("pages/") else self._made()
        return list(dict.fromkeys([*made, *self._rebound(), *self._changed()]))

    def attributes(self, class_: str) -> set[str]:
        """What the class sets on its objects."""
        [found] = [
            node
            for node in self._tree.body
            if isinstance(node, ast.ClassDef) and node.name == class_
        ]
        return {
            target.attr
            for node in ast.walk(found)
            for target in _targets(node)
            if isinstance(target, ast.Attribute) and _root(target) == "self"
        }

    def _assigned(self) -> Iterator[tuple[str, ast.expr]]:
        """The module's variables and what they are made of."""
        for node in self._tree.body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                for target in _targets(node):
                    yield ast.unparse(target), node.value

    def _made(self) -> Iterator[str]:
        frozen = {
            node.name
            for node in self._tree.body
            if isinstance(node, ast.ClassDef)
            and any("frozen=True" in ast.unparse(d) for d in node.decorator_list)
        }
        for name, value in self._assigned():
            is_empty = ast.unparse(value) in {"{}", "[]"}
            is_call = isinstance(value, ast.Call) and _last(value) not in _HARMLESS | frozen
            if is_empty or is_call:
                yield name

    def _rebound(self) -> Iterator[str]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Global):
                yield from node.names

    def _changed(self) -> Iterator[str]:
        variables = {name for name, _ in self._assigned()}
        imported = _imported(self._tree) - {"st", "streamlit"}
        defined = {
            node.name
            for node in self._tree.body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        }
        for function, _ in _functions(self._tree):
            outer = (variables | imported | defined) - _locals(function)
            for changed, is_call in _changes(function):
                root = _root(changed)
                is_foreign = root in imported and is_call and isinstance(changed, ast.Name)
                if root in outer and not is_foreign:  # a call of a module's own function
                    yield ast.unparse(changed)


def _functions(
    tree: ast.AST, owner: str = ""
) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    """With the class that each stands in."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node, owner
        yield from _functions(node, node.name if isinstance(node, ast.ClassDef) else owner)


def _changes(function: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
    """What has an item or an attribute set, or is told to change by a method (True)."""
    for node in ast.walk(function):
        for target in _targets(node):
            if isinstance(target, (ast.Subscript, ast.Attribute)):
                yield target.value, False
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _CHANGES
        ):
            yield node.func.value, True


def _targets(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Assign() | ast.Delete():
            targets = node.targets
        case ast.AnnAssign() | ast.AugAssign():
            targets = [node.target]
        case _:
            return []
    return [
        part
        for target in targets
        for part in (target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target])
    ]


def _locals(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Names that mean something of the function's own."""
    rebound = {
        name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names
    }
    stored = {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    parameters = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    return (stored - rebound) | parameters


def _imported(tree: ast.AST) -> set[str]:
    return {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }


def _root(node: ast.expr) -> str:
    """The name that an expression such as a.b[c].d begins with."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _last(node: ast.expr) -> str:
    """The last name of a (called) function or decorator: of functools.lru_cache(…), lru_cache."""
    while isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
