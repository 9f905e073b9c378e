"""How messages are written in Redis: JSON that a person can read in redis-cli."""

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, get_args, get_type_hints

import msgspec

from engine.core.branches import Branch
from engine.core.errors import Torn
from engine.core.ids import stream_ms
from engine.core.messages import NO_META, CommandMeta, EventContext, EventMeta, KnownMeta
from engine.core.outcome import Outcome, Status
from engine.core.records import Entry, LoggedEvent

_DIGEST_BYTES = 8
"""64 bits tell two contents of one id apart; nobody gains by a collision of their own."""

encode = msgspec.json.Encoder().encode
"""Any message as JSON bytes; decimals as strings, times in ISO 8601."""

_META_TEXT_LIMIT = 200
"""Characters in one text of ``meta``: it travels with every event."""

_DEPTH_LIMIT = 1_000_000
"""Beyond whatever `causation_depth` may be: such a depth was not counted by the engine."""


_META_TYPES = {name: get_args(kind)[0] for name, kind in get_type_hints(KnownMeta).items()}
_read_plain_meta = msgspec.json.Decoder(KnownMeta).decode
_read_any_meta = msgspec.json.Decoder(dict[str, Any]).decode


def digest_of(kind: str, data: bytes, expect: int | None) -> str:
    """What tells a repeat from a misuse of its id: type, data as sent, expected version."""
    said = b"%s\0%s\0%s" % (kind.encode(), b"" if expect is None else b"%d" % expect, data)
    return blake2b(said, digest_size=_DIGEST_BYTES).hexdigest()


def read_meta(raw: bytes) -> tuple[CommandMeta, dict[str, str]]:
    """A command's ``meta`` and what is wrong with it, by key (``meta.expect``)."""
    if not raw or raw == b"{}":
        return NO_META, {}
    try:
        said = _read_plain_meta(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_odd_meta(raw)
    return _sound(said, {}, {})


def _read_odd_meta(raw: bytes) -> tuple[CommandMeta, dict[str, str]]:
    """A ``meta`` with keys of the client's own, or with faults to be named one by one."""
    try:
        said = _read_any_meta(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return NO_META, {"meta": f"is not a JSON object: {error}"}
    return _sorted_out(said)


def read_inside_meta(raw: bytes) -> tuple[CommandMeta, dict[str, str]]:
    """The ``meta`` of a command of a router, or a timer: with what the engine adds to it."""
    try:
        said = _read_any_meta(raw or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return NO_META, {"meta": f"is not a JSON object: {error}"}
    depth = said.pop("depth", 0)
    said.pop("causation", None)
    meta, faults = _sorted_out(said)
    if type(depth) is not int or not 0 <= depth <= _DEPTH_LIMIT:
        return meta, faults | {"meta.depth": "must be how many commands from inside came before"}
    return msgspec.structs.replace(meta, depth=depth), faults


def _sorted_out(said: dict[str, Any]) -> tuple[CommandMeta, dict[str, str]]:
    faults: dict[str, str] = {}
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in said.items():
        if key.startswith("x_"):
            extra[key] = value
        elif key in _META_TYPES and value is None:
            continue
        elif key in _META_TYPES:
            try:
                known[key] = msgspec.convert(value, _META_TYPES[key])
            except msgspec.ValidationError as error:
                faults[f"meta.{key}"] = str(error)
        else:
            names = ", ".join(_META_TYPES)
            faults[f"meta.{key}"] = f"is not a key of meta; clients may set {names} and x_…"
    return _sound(KnownMeta(**known), extra, faults)


def _sound(
    meta: KnownMeta, extra: dict[str, Any], faults: dict[str, str]
) -> tuple[CommandMeta, dict[str, str]]:
    """Values of the right types, without those that are wrong all the same."""
    for key in ("user", "correlation", "traceparent", "reply"):
        text = getattr(meta, key)
        if text is not None and not (0 < len(text) <= _META_TEXT_LIMIT and text.isprintable()):
            faults[f"meta.{key}"] = f"must be 1 to {_META_TEXT_LIMIT} printable characters"
    if meta.time is not None and meta.time.tzinfo is None:
        faults["meta.time"] = "must carry its offset, as in 2026-01-31T12:00:00Z"
    if meta.expect is not None and meta.expect < 0:
        faults["meta.expect"] = "must be 0 or more: the number of events the aggregate has"
    if meta.durability not in (None, "memory"):
        faults["meta.durability"] = "only 'memory' is promised by this release"
    if faults:
        wrong = _META_TYPES.keys() & {key.removeprefix("meta.") for key in faults}
        meta = msgspec.structs.replace(meta, **dict.fromkeys(wrong))
    sound = CommandMeta(
        meta.user, meta.time, meta.correlation, meta.traceparent,
        meta.expect, meta.durability, meta.reply, extra,
    )  # fmt: skip
    return sound, faults


@lru_cache(maxsize=1024)
def time_of(unix_ms: int) -> datetime:
    """A time in milliseconds since 1970, in UTC."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC)


def event_meta(id: str, entry: str, time: datetime, meta: CommandMeta) -> bytes:
    """The ``meta`` of the events that follow from a command; its ``x_`` keys pass through."""
    cause = EventMeta(
        id, entry, time, meta.user, meta.correlation, meta.traceparent, depth=meta.depth
    )
    if not meta.extra:
        return encode(cause)
    return encode({**msgspec.to_builtins(cause), **meta.extra})


VERSIONED = b'{"schema":'
"""How the ``meta`` of an event begins whose type is not at its first version any more. Most
are, so the version is said to stand first: one look at the beginning tells."""


def of_version(meta: bytes, version: int) -> bytes:
    """An event's ``meta`` that says the version of its type, beyond the first."""
    return b"%b%d,%b" % (VERSIONED, version, meta[1:])


class _Versioned(msgspec.Struct):
    schema: int = 1


_decode_version = msgspec.json.Decoder(_Versioned).decode


def version_in(meta: bytes) -> int:
    """The version of its type that an event was stored in."""
    return _decode_version(meta).schema if meta.startswith(VERSIONED) else 1


_decode_event_meta = msgspec.json.Decoder(EventMeta).decode


def read_event_meta(raw: bytes) -> EventMeta:
    """An event's ``meta`` as it was stored."""
    return _decode_event_meta(raw)


def event_context(partition: int, event: LoggedEvent, meta: EventMeta) -> EventContext:
    """What surrounds an event of a partition's log."""
    return EventContext(
        event.aggregate, event.version, partition, event.position, meta.time,
        meta.causation, meta.entry, meta.user, meta.correlation, meta.traceparent,
    )  # fmt: skip


def came_ms(meta: bytes) -> int:
    """When an event's command came, by Redis's clock; 0 where its ``meta`` does not tell."""
    try:
        return stream_ms(read_event_meta(meta).entry)
    except (msgspec.DecodeError, ValueError):
        return 0


def logged(entry: Entry) -> LoggedEvent:
    """An entry of a log; raises `Torn` where it is none that a commit writes."""
    fields = entry.fields
    try:
        return LoggedEvent(
            int(entry.id.partition("-")[0]), fields[b"aggregate"].decode(), int(fields[b"version"]),
            fields[b"type"].decode(), fields[b"data"], fields[b"meta"],
        )  # fmt: skip
    except (KeyError, ValueError) as error:
        raise Torn(
            f"the log's entry {entry.id} is not one that a commit writes: {error}"
        ) from error


def branch_of(entry: Entry) -> Branch:
    """An entry of ``branches``."""
    fields = entry.fields
    return Branch(fields[b"branch"].decode(), int(fields[b"from"]), fields[b"server"].decode())


def outcome_of(entry: Entry, partition: int) -> Outcome:
    """An entry of ``outcomes`` or ``late``; an id that is no text shows replacement characters."""
    fields = entry.fields
    of = fields.get(b"of")
    return Outcome(
        entry=entry.id if of is None else of.decode(),
        id=fields[b"id"].decode(errors="replace"),
        status=Status(fields[b"status"].decode()),
        aggregate=fields[b"aggregate"].decode(errors="replace"),
        version=int(fields[b"version"]),
        position=int(fields[b"position"]),
        partition=partition,
        branch=fields[b"branch"].decode(),
        digest=fields[b"digest"].decode(),
        detail=msgspec.json.decode(fields[b"detail"]),
        late="" if of is None else entry.id,
    )
