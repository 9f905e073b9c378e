"""A command as it stands in its stream."""

from typing import Any

import msgspec

from engine.core.errors import Misuse
from engine.core.messages import CommandMeta, KnownMeta
from engine.core.routing import aggregate_fault, id_fault


def entry_fields(type: str, aggregate: str, data: bytes, id: str, meta: bytes) -> dict[str, bytes]:
    """A command as it stands in its stream; raises `Misuse` for an id that cannot be one."""
    for name, fault in (("id", id_fault(id)), ("aggregate", aggregate_fault(aggregate))):
        if fault:
            raise Misuse(f"the {name} {fault}")
    return {
        "id": id.encode(), "type": type.encode(), "aggregate": aggregate.encode(),
        "data": data, "meta": meta,
    }  # fmt: skip


def meta_json(meta: CommandMeta) -> bytes:
    """A command's ``meta`` as JSON; nothing at all where nothing is said."""
    said: dict[str, Any] = {
        name: value
        for name, value in msgspec.structs.asdict(meta).items()
        if value is not None and name in KnownMeta.__struct_fields__
    }
    said |= meta.extra
    return msgspec.json.encode(said) if said else b""
