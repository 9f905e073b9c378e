"""What keeps read models to themselves: what their handlers are given, what their code imports.

A projection's operations follow from its events alone, and a query reads rows and lists, never
events or actors. Whoever means to can get around that in Python. Nobody should by mistake, or
for want of knowing: so a query handler that asks for more than `Views`, and a package that
imports a way to Redis, are refused at start, with the place.
"""

import ast
import inspect
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from engine.core.errors import Misregistered
from engine.core.signatures import hints_of, place_of
from engine.core.views import Views

_WAYS = (
    "engine.app", "engine.connect", "engine.edge", "engine.runtime", "engine.store",
    "aioredis", "coredis", "glide", "hiredis", "redis", "valkey",
)  # fmt: skip
"""What leads to Redis: semel's own upper floors, and the clients that people use."""


def require_query_handler(answer: Callable[..., Awaitable[Any]]) -> None:
    """Raise `Misregistered` unless it is a plain async function of a query and `Views`.

    Nothing may be bound to it before, so what it sees at a call is these two.
    """
    is_plain = inspect.isfunction(answer) and inspect.iscoroutinefunction(answer)
    place = place_of(answer) if inspect.isfunction(answer) else repr(answer)
    parameters = list(inspect.signature(answer).parameters.values())
    if (
        not is_plain
        or [each.kind for each in parameters] != [inspect.Parameter.POSITIONAL_OR_KEYWORD] * 2
        or any(each.default is not inspect.Parameter.empty for each in parameters)
        or hints_of(answer).get(parameters[1].name) is not Views
    ):
        raise Misregistered(
            f"{place}: a query is answered by a plain async function (query, views: Views), which "
            f"is given nothing else: it reads rows and lists alone"
        )


def require_confined(package: str, but: str) -> None:
    """Raise `Misregistered` where a package of read models, as loaded, imports a way to Redis.

    What lies in the package ``but``, of the deciders, may: their services are of any kind.
    """
    for name, module in sorted(sys.modules.items()):
        if not _is_within(name, package) or _is_within(name, but):
            continue
        try:
            source = inspect.getsource(module)
        except (OSError, TypeError):
            continue  # it came without its source
        for line, imported in _imports(ast.parse(source)):
            if any(_is_within(imported, way) for way in _WAYS):
                path = place_of(module).rpartition(":")[0]
                raise Misregistered(
                    f"{path}:{line}: {imported} leads to Redis, and read models know nothing of "
                    f"it: a projection yields operations, a query asks its `Views`. Move what "
                    f"needs more out of the package {package!r}"
                )


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What a module imports, wherever in it, and what it takes from ``engine`` by a dot."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in names)
            case ast.Attribute(value=ast.Name(id="engine"), attr=attr):
                yield node.lineno, f"engine.{attr}"


def _is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")
