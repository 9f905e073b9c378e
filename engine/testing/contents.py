"""What a value holds, down to its leaves: to see whether it was changed in place."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import msgspec

Contents = dict[str, object]
"""Leaves by their paths, such as ``state.items[0].quantity``."""


def contents_of(value: object, path: str = "state") -> Contents:
    """Everything that a value holds now; what cannot be looked into counts by its ``repr``."""
    return dict(_leaves(value, path, frozenset()))


def changes(before: Contents, after: Contents) -> list[str]:
    """What differs, a sentence each."""
    paths = dict.fromkeys((*before, *after))
    return [
        f"{path}: {_shown(before, path)} → {_shown(after, path)}"
        for path in paths
        if before.get(path, _NOTHING) != after.get(path, _NOTHING)
    ]


_NOTHING = object()


def _shown(contents: Contents, path: str) -> str:
    return repr(contents[path]) if path in contents else "nothing"


def _leaves(value: object, path: str, above: frozenset[int]) -> Iterator[tuple[str, object]]:
    inner = None if id(value) in above else _inside(value)
    if inner is None:
        yield path, value if isinstance(value, _PLAIN) else repr(value)
        return
    yield f"{path}, its size" if isinstance(value, _SIZED) else path, _head(value, inner)
    for name, part in inner.items():
        yield from _leaves(part, f"{path}{name}", above | {id(value)})


def _head(value: object, inner: Mapping[str, Any]) -> object:
    """What is to be the same beside the parts: how many there are, or what they are parts of."""
    return len(inner) if isinstance(value, _SIZED) else type(value).__name__


_PLAIN = (str, bytes, int, float, bool, type(None))
_SIZED = (dict, list, tuple)


def _inside(value: object) -> dict[str, Any] | None:
    """The parts of a value by how their paths go on; None for a leaf."""
    match value:
        case Mapping():
            return {f"[{key!r}]": part for key, part in value.items()}
        case list() | tuple():
            return {f"[{number}]": part for number, part in enumerate(value)}
        case AbstractSet():
            return {f"{{{part}}}": True for part in sorted(map(repr, value))}
        case type() | Enum():
            return None
    names = _fields_of(value)
    return None if names is None else {f".{name}": getattr(value, name) for name in names}


def _fields_of(value: object) -> Iterable[str] | None:
    """The names of what an object keeps; None where that is not known."""
    if isinstance(value, msgspec.Struct):
        return value.__struct_fields__
    if is_dataclass(value):
        return [each.name for each in fields(value)]
    return list(vars(value)) if hasattr(value, "__dict__") else None
