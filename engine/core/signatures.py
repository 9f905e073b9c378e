"""What a function takes, read from its annotations, and where it is written."""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from engine.core.errors import Misregistered


def taken(function: Callable[..., Any], index: int, *kinds: type) -> tuple[type[Any], ...]:
    """The message types that a function takes, by the annotation of one parameter."""
    names = list(inspect.signature(function).parameters)
    annotation = hints_of(function).get(names[index]) if len(names) > index else None
    union = get_origin(annotation) in (Union, UnionType)
    members = get_args(annotation) if union else (annotation,)
    for member in members:
        if not (isinstance(member, type) and issubclass(member, kinds)):
            raise Misregistered(
                f"{place_of(function)}: parameter {index + 1} of {function.__name__} must be "
                f"annotated with a subclass of {_named(kinds)}, or a union of some; it says "
                f"{annotation!r}"
            )
    return members


def _named(kinds: tuple[type, ...]) -> str:
    return " or ".join(kind.__name__ for kind in kinds)


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """A function's annotations, evaluated; raises `Misregistered` where that cannot be done."""
    hints: dict[str, Any] = {}
    try:
        hints = get_type_hints(function)
    except NameError as error:
        raise Misregistered(
            f"{place_of(function)}: an annotation of {function.__name__} cannot be read: {error}. "
            f"Import it outside TYPE_CHECKING"
        ) from error
    return hints


def subclasses(kind: type[Any]) -> Iterable[type[Any]]:
    """Every class below one, however far."""
    for subclass in kind.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


def place_of(thing: Any) -> str:
    """Where a class or function is written, as ``handlers/orders.py:41``."""
    try:
        path = Path(inspect.getsourcefile(thing) or "?")
        code = getattr(thing, "__code__", None)
        line = code.co_firstlineno if code else inspect.getsourcelines(thing)[1]
    except (OSError, TypeError):
        return f"{thing.__module__}.{thing.__qualname__}"
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{shown}:{line}"
