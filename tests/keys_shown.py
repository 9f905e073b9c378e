"""The functions that make keys, as documents show them."""

import inspect
from collections.abc import Iterator
from typing import Any

from engine.store.keys import Keys

_SHOWN = {
    "partition": "P", "generation": "GEN", "aggregate": "AGG", "projection": "NAME",
    "reaction": "NAME", "schedule": "NAME", "node": "ID", "row": "ROW", "index": "INDEX",
    "name": "VALUE",
}  # fmt: skip
"""What stands for each parameter."""


def keys_table() -> Iterator[tuple[str, str]]:
    """Every key and the sentences that its function says of it."""
    keys: Any = Keys("semel")
    for name, function in vars(Keys).items():
        if name.startswith("_") or name in {"namespace", "partition"}:
            continue
        said = [_SHOWN[each] for each in list(inspect.signature(function).parameters)[1:]]
        key = getattr(keys, name)(*said) + (":VALUE" if name == "index" else "")
        yield key, " ".join((inspect.getdoc(function) or "").replace("``", "`").split())
