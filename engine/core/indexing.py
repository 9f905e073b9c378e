"""Indexes as a projection declares them: each has a name of its own, and fields that are there."""

from collections.abc import Hashable
from typing import Any, cast

from engine.core.errors import Misregistered
from engine.core.lists import list_fields
from engine.core.projection import Projection
from engine.core.signatures import hints_of, place_of


def require_indexes(projection: Projection[Any]) -> None:
    """Raise `Misregistered` for an index that its rows cannot be listed by."""
    hints_of(projection.row)  # raises where the declaration of a field cannot be read
    fields, lists = projection.row.__struct_fields__, list_fields(cast("Hashable", projection.row))
    names = [index.name for index in projection.indexes]
    if len(set(names)) != len(names) or not all(name.isidentifier() for name in names):
        raise Misregistered(
            f"the indexes of {projection.name!r} need different names, each one word: {names}"
        )
    for index in projection.indexes:
        for name in (*index.group, index.order):
            if name not in fields:
                raise Misregistered(
                    f"the index {index.name!r} of {projection.name!r} names the field {name!r}, "
                    f"which {place_of(projection.row)} does not have"
                )
            if name in lists:
                raise Misregistered(
                    f"the index {index.name!r} of {projection.name!r} names the field {name!r}, "
                    f"which is a list at {place_of(projection.row)}: rows are grouped and ordered "
                    f"by single values"
                )
