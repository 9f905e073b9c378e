"""One writer per field of a row: who writes what, read from the source of a projection's functions.

Events of two aggregates reach a row in an order that nobody promises. So a field is put or
appended to by the events of one aggregate, or added to by many; and a row is deleted by who
writes it. From which kinds of aggregate a function's events come, the deciders say.

What cannot be known is no fault: fields given as ``**fields``, a function without its source,
an operation that another function makes. Rows that are named after the aggregate of their event
(``context.aggregate``) are rows apart for each kind.
"""

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations
from textwrap import dedent
from types import ModuleType
from typing import Any, NamedTuple

from engine.core.errors import Misregistered
from engine.core.messages import Event
from engine.core.projection import Projection, add, append, delete, put
from engine.core.signatures import place_of, taken

_DOES = {put: "puts", append: "appends to", add: "adds to", delete: "deletes"}

_WHOLE = "the row"
"""What a deletion writes: every field."""


class _Write(NamedTuple):
    """What a function does to a field, on events of a kind, or of one of several."""

    function: Callable[..., Any]
    does: str
    field: str
    is_own: bool
    """Whether the row is named after the aggregate of the event."""
    kinds: frozenset[str]

    def disturbs(self, other: "_Write") -> bool:
        """Whether what is left of both depends on which comes first."""
        if self.does == other.does in (_DOES[add], _DOES[delete]):
            return False
        is_same = self.field == other.field or _WHOLE in (self.field, other.field)
        is_apart = self.is_own and other.is_own
        return is_same and not is_apart and not self.kinds & other.kinds

    def __str__(self) -> str:
        kinds = " or ".join(sorted(self.kinds))
        place = f"{self.function.__name__} ({place_of(self.function)})"
        return f"{place} {self.does} it on events of {kinds}"


def require_one_writer(
    projection: Projection[Any], kind_events: Mapping[str, Iterable[str]]
) -> None:
    """Raise `Misregistered` for a field that events of different kinds of aggregate write."""
    kinds_of: dict[str, set[str]] = {}
    for kind, events in kind_events.items():
        for event in events:
            kinds_of.setdefault(event, set()).add(kind)
    writes = [write for function in projection.on for write in _writes(function, kinds_of)]
    for one, other in combinations(writes, 2):
        if one.disturbs(other):
            field = other.field if one.field == _WHOLE else one.field
            raise Misregistered(
                f"the projection {projection.name!r} has two writers of {field!r}: {one}; {other}. "
                f"Events of different aggregates come in any order, and what is left of {field!r} "
                f"would depend on it. Have one of them write a read model of its own, and join "
                f"the two in the query; or have all of them `add`. If the rows are not the same, "
                f"name them by context.aggregate"
            )


def _writes(function: Callable[..., Any], kinds_of: Mapping[str, set[str]]) -> Iterator[_Write]:
    """What a function does to rows; nothing where its events come from nobody knows whom."""
    events = [kinds_of.get(event.__name__, set()) for event in taken(function, 0, Event)]
    if not all(events):
        return
    # Of one event each kind does all that the function does; of several it may tell them apart.
    of = [{kind} for kind in events[0]] if len(events) == 1 else [set[str]().union(*events)]
    for does, field, is_own in _operations(function):
        for kinds in of:
            yield _Write(function, does, field, is_own, frozenset(kinds))


def _operations(function: Callable[..., Any]) -> Iterator[tuple[str, str, bool]]:
    """What a function's source says that it does, to which field, and whether of its own row."""
    written = _definition_of(function)
    if written is None:
        return
    context = [*inspect.signature(function).parameters, ""][1]
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    local = _assigned(written)
    for call in ast.walk(written):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        does = _DOES.get(_meant(call.func, scope))
        names = [keyword.arg for keyword in call.keywords]
        if does is None or None in names:
            continue
        is_own = _speaks_of(call.args[0], context, local)
        if does == _DOES[delete]:
            yield does, _WHOLE, is_own
        for name in names:
            if name is not None and (does, name) != (_DOES[append], "limit"):
                yield does, name, is_own


def _definition_of(function: Callable[..., Any]) -> ast.AST | None:
    """A function as it is written; None where that cannot be had for it alone."""
    try:
        [written] = ast.parse(dedent(inspect.getsource(function))).body
    except (OSError, TypeError, ValueError, SyntaxError):
        return None
    return written if isinstance(written, ast.FunctionDef) else None


def _meant(name: ast.expr, scope: Mapping[str, Any]) -> Any:
    """What a name means where a function stands, also ``engine.put`` or one imported `as`."""
    if isinstance(name, ast.Attribute):
        owner = _meant(name.value, scope)
        return getattr(owner, name.attr, None) if isinstance(owner, ModuleType) else None
    found = scope.get(name.id) if isinstance(name, ast.Name) else None
    return found if isinstance(found, ModuleType) or inspect.isfunction(found) else None


def _assigned(function: ast.AST) -> dict[str, list[ast.expr]]:
    """By the names that a function gives, what they may stand for."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=targets, value=value):
                given = targets
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                given = [target]
            case ast.NamedExpr(target=target, value=value):
                given = [target]
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                given = [target]
            case _:
                continue
        for name in (part for target in given for part in ast.walk(target)):
            if isinstance(name, ast.Name):
                assigned.setdefault(name.id, []).append(value)
    return assigned


def _speaks_of(row: ast.expr, context: str, local: dict[str, list[ast.expr]]) -> bool:
    """Whether a row's name is made of the aggregate in the context, or may be."""
    open_, seen = [row], set[str]()
    while open_:
        parts = list(ast.walk(open_.pop()))
        others = {
            id(part.value)
            for part in parts
            if isinstance(part, ast.Attribute) and part.attr != "aggregate"
        }
        for part in parts:
            if not isinstance(part, ast.Name) or part.id in seen:
                continue
            if part.id == context:
                if id(part) not in others:
                    return True
            else:
                seen.add(part.id)
                open_ += local.get(part.id, [])
    return False
