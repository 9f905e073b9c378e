"""How much memory a state takes, about."""

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import msgspec

_SHARED = (type, Enum, bool, type(None))
"""What is there once, however many states refer to it."""


def size_of(state: Any) -> int:
    """The bytes of a state and of all that it holds; what it holds twice counts once.

    Structs, dataclasses and collections are looked into. Of anything else only its own size is
    known, and that of what its ``__dict__`` holds.
    """
    seen: set[int] = set()
    todo, size = [state], 0
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, _SHARED):
            continue
        seen.add(id(one))
        size += sys.getsizeof(one)
        todo += _held(one)
    return size


def _held(one: Any) -> list[Any]:
    if isinstance(one, msgspec.Struct):
        return [getattr(one, name) for name in one.__struct_fields__]
    if isinstance(one, Mapping):
        return [*one.keys(), *one.values()]
    if isinstance(one, list | tuple | set | frozenset):
        return list(one)
    if is_dataclass(one) and not hasattr(one, "__dict__"):
        return [getattr(one, each.name) for each in fields(one)]
    return [vars(one)] if hasattr(one, "__dict__") else []
