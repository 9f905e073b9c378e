"""Digests of a domain's code: what tells changed code from the same.

A projection's covers the row's type, the indexes, the handlers and the events they take, with
the upcasters of these; that of a decider's states covers its evolve and the same of events. And
of the domain's own modules whatever these lead to, name by name: a function that a handler
calls, a constant that this one uses. Not what else stands in those modules, such as queries; nor
comments, docstrings and layout. What is reached through `getattr` or other tricks is not seen.
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from hashlib import blake2b
from importlib.util import resolve_name
from types import ModuleType
from typing import Any, NamedTuple

from engine.core.decider import Decider
from engine.core.messages import Event
from engine.core.projection import Projection
from engine.core.signatures import taken
from engine.core.upcasting import Upcaster

_DIGEST_BYTES = 8
"""64 bits tell one version of some code from another."""

_NOT_DOMAIN = {*sys.stdlib_module_names, "engine", "msgspec", "pydantic", "annotated_types"}
"""Packages whose code is known by their version: changes to it are no changes of a domain."""


class _Place(NamedTuple):
    """A name at the top of a module."""

    module: str
    name: str


def code_digest(projection: Projection[Any], upcasters: Iterable[Upcaster] = ()) -> str:
    """The same for the same code, in every process; another one for changed code."""
    seed = repr(projection.indexes).encode()
    return _digest(seed, _beginnings(projection), upcasters)


def evolve_digest(decider: Decider[Any], seed: bytes, upcasters: Iterable[Upcaster] = ()) -> str:
    """The same of whatever a decider's states follow from, beside what is said of their type.

    Empty where the source of its evolve is not at hand: nobody could tell when that changes.
    """
    places = list(_places_of(decider.evolve))
    if not places or not all(place.name in _definitions(place.module) for place in places):
        return ""
    for event in taken(decider.evolve, 1, Event):
        places += _places_of(event)
    return _digest(seed, places, upcasters)


def _digest(seed: bytes, beginnings: Iterable[_Place], upcasters: Iterable[Upcaster]) -> str:
    digest = blake2b(seed, digest_size=_DIGEST_BYTES)
    reached: dict[_Place, str] = {}
    todo = list(beginnings)
    for upcaster in upcasters:
        digest.update(f"\0{upcaster}".encode())
        todo += _places_of(upcaster.lift)
    while todo:
        place = todo.pop()
        if place not in reached:
            node = _definitions(place.module).get(place.name)
            reached[place] = "" if node is None else ast.unparse(_bare(node))
            todo += () if node is None else _led_to(place.module, node)
    for place in sorted(reached):
        digest.update(f"\0{place.module}.{place.name}\0{reached[place]}".encode())
    return digest.hexdigest()


def _beginnings(projection: Projection[Any]) -> Iterator[_Place]:
    """Where to begin: the row, the handlers, and the events they take."""
    yield from _places_of(projection.row)
    for function in projection.on:
        yield from _places_of(function)
        for event in taken(function, 0, Event):
            yield from _places_of(event)


def _places_of(thing: type | Callable[..., Any]) -> Iterable[_Place]:
    """Where something is defined; of what a function made, all of that module."""
    name, _, inner = thing.__qualname__.partition(".")
    if "<locals>" in inner:
        return _all_of(thing.__module__)
    return [_Place(thing.__module__, name)]


def _all_of(module: str) -> list[_Place]:
    return [_Place(module, name) for name in _definitions(module)]


def _led_to(module: str, node: ast.stmt) -> Iterator[_Place]:
    """The places whose names a statement uses."""
    known = _definitions(module)
    inner = {n.value for n in ast.walk(node) if isinstance(n, ast.Attribute)}
    for used in ast.walk(node):
        match used:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in known:
                target = _module_named(module, known[name], name)
                yield from [_Place(module, name)] if target is None else [_Place(target, attribute)]
            case ast.Name(id=name) if name in known and used not in inner:
                target = _module_named(module, known[name], name)
                yield from [_Place(module, name)] if target is None else _all_of(target)
            case ast.ImportFrom():
                source = _source_of(module, used)
                yield from (_Place(source, alias.name) for alias in used.names if _is_ours(source))


def _module_named(module: str, node: ast.stmt, name: str) -> str | None:
    """The module of the domain that a name stands for, if it stands for one."""
    if isinstance(node, ast.Import):
        alias = next(a for a in node.names if (a.asname or a.name.partition(".")[0]) == name)
        target = alias.name if alias.asname else name
    elif isinstance(node, ast.ImportFrom):
        alias = next(a for a in node.names if (a.asname or a.name) == name)
        target = f"{_source_of(module, node)}.{alias.name}"
    else:
        return None
    return target if _is_ours(target) and target in sys.modules else None


def _source_of(module: str, node: ast.ImportFrom) -> str:
    """The module that something is imported from, as an absolute name."""
    package = getattr(sys.modules.get(module), "__package__", None) or module
    return resolve_name("." * node.level + (node.module or ""), package)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] not in _NOT_DOMAIN


@cache
def _definitions(module: str) -> Mapping[str, ast.stmt]:
    """What defines each name at the top of a module; nothing where its source is not at hand."""
    loaded = sys.modules.get(module)
    if not isinstance(loaded, ModuleType) or not _is_ours(module):
        return {}
    try:
        tree = ast.parse(inspect.getsource(loaded))
    except (OSError, TypeError):
        return {}  # typed in by hand, or compiled
    return {name: statement for statement in tree.body for name in _names_of(statement)}


def _names_of(node: ast.AST) -> Iterator[str]:
    """The names that a statement at the top of a module gives a meaning."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.Import() | ast.ImportFrom():
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _names_of(child)


def _bare(statement: ast.stmt) -> ast.stmt:
    """A statement without its docstrings; changed in place, since nobody else looks at it."""
    for node in ast.walk(statement):
        body = getattr(node, "body", None)
        if isinstance(body, list) and len(body) > 1:
            node.body = [line for line in body if not _is_text(line)]  # type: ignore[attr-defined]
    return statement


def _is_text(line: ast.AST) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
