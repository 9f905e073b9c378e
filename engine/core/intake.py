"""From an entry of a command stream to a command, or to everything that is wrong with it.

Every entry is somebody's input and possibly hostile. What comes out of `Intake.receive`
has an id, an aggregate of this partition and a validated command; or it has a `Refusal`
that names every fault. Nothing here raises for bad input.
"""

from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches

import msgspec
from pydantic import ValidationError

from engine.core.codec import digest_of, read_inside_meta, read_meta, time_of
from engine.core.firing import Fired, fired_of
from engine.core.handling import CommandHandler
from engine.core.ids import stream_ms
from engine.core.inside import OF_TIMERS, Cause, cause_in, is_inside_id
from engine.core.messages import NO_META, Command, CommandContext, CommandMeta
from engine.core.records import Entry
from engine.core.refusal import Refusal, field_errors, malformed
from engine.core.registry import Domain
from engine.core.routing import ID_LENGTH_LIMIT, aggregate_fault, id_fault, kind_of, partition_of

_REQUIRED = (b"type", b"aggregate", b"data")
FIELD_NAMES = frozenset((*_REQUIRED, b"id", b"meta"))
"""The fields that a command's entry may have."""

_ECHO_BYTES = ID_LENGTH_LIMIT
"""Bytes of an unusable id that its outcome repeats."""

_USABLE_BYTES = 4 * ID_LENGTH_LIMIT
"""A usable id has no more bytes than this in UTF-8."""


class Received(msgspec.Struct, gc=False):
    """An entry that has been judged. ``refusal`` is None exactly when ``command`` is not.

    ``raw_id`` and ``raw_aggregate`` are as the sender wrote them, for the outcome.
    ``addressed`` says whether id and aggregate are usable, so that a repeat can be known, by
    ``key``.
    ``fired`` is the timer that it comes from, where it comes from one.
    ``broken`` is why it is answered `failed` unseen, as code and sentence: its type's
    validator raised, or it has killed owner after owner. Neither is the sender's fault.
    ``cause`` is what it follows from where a router asked for it; ``type`` is what it says it is.
    """

    entry: str
    raw_id: bytes
    raw_aggregate: bytes
    id: str = ""
    aggregate: str = ""
    addressed: bool = False
    key: tuple[str, str] = ("", "")
    digest: str = ""
    meta: CommandMeta = NO_META
    fired: Fired | None = None
    handler: CommandHandler | None = None
    command: Command | None = None
    refusal: Refusal | None = None
    broken: tuple[str, str] | None = None
    cause: Cause | None = None
    type: str = ""

    @property
    def may_wait(self) -> bool:
        """Whether deciding this command may wait for something."""
        return self.handler is not None and self.handler.is_async

    @property
    def time(self) -> datetime:
        """When the command was given: what its sender says, or else when it was added."""
        return self.meta.time or time_of(stream_ms(self.entry))

    def context(self) -> CommandContext:
        """What a decider may want to know beside the command."""
        return CommandContext(
            self.id, self.entry, type(self.command).__name__, self.aggregate, self.time,
            self.meta.user, self.meta.correlation,
        )  # fmt: skip


class Intake:
    """Judges the entries of one partition's command stream."""

    def __init__(
        self, domain: Domain, partition: int, partitions: int, secret: bytes, command_bytes: int
    ) -> None:
        self._domain = domain
        self._partition, self._partitions = partition, partitions
        self._secret, self._command_bytes = secret, command_bytes

    def receive(self, entry: Entry, *, is_deadly: bool = False) -> Received:
        """Judge one entry; the data of one that is deadly is not looked at any more."""
        fields = entry.fields
        raw_id = fields.get(b"id") or entry.id.encode()
        received = Received(entry.id, raw_id, fields.get(b"aggregate", b""))
        received.refusal = (
            self._size_fault(received, fields)
            or self._address_fault(received, raw_id)
            or (
                _condemned(received, fields) if is_deadly else self._content_fault(received, fields)
            )
        )
        return received

    def _size_fault(self, received: Received, fields: Mapping[bytes, bytes]) -> Refusal | None:
        size = sum(map(len, fields.values()))
        if size <= self._command_bytes:
            return None
        if len(received.raw_id) > _USABLE_BYTES:
            received.raw_id = received.raw_id[:_ECHO_BYTES]
        received.raw_aggregate = received.raw_aggregate[:_ECHO_BYTES]
        return Refusal("too_large", f"{size} bytes; at most {self._command_bytes} are taken")

    def _address_fault(self, received: Received, raw_id: bytes) -> Refusal | None:
        """Whose command this is: without that, nothing else about it can be remembered."""
        faults: dict[str, str] = {}
        try:
            received.id = raw_id.decode()
            fault = id_fault(received.id)
            if fault and self._is_from_inside(received):
                fault = None
        except UnicodeDecodeError:
            fault = "is not UTF-8"
        if fault:
            received.raw_id = raw_id[:_ECHO_BYTES]
            faults["id"] = fault
        try:
            received.aggregate = received.raw_aggregate.decode()
            fault = aggregate_fault(received.aggregate)
            if received.fired is not None and received.fired.aggregate != received.aggregate:
                fault, received.fired = "is not the one that the timer in the id belongs to", None
        except UnicodeDecodeError:
            fault = "is not UTF-8"
        if fault:
            received.raw_aggregate = received.raw_aggregate[:_ECHO_BYTES]
            faults["aggregate"] = fault
        if faults:
            return malformed(faults)
        home = partition_of(received.aggregate, self._partitions)
        if home != self._partition:
            return Refusal(
                "wrong_partition",
                f"{received.aggregate} belongs to partition {home}, not {self._partition}: "
                f"CRC16 of the aggregate id modulo {self._partitions}",
            )
        received.key = (received.aggregate, received.id)
        received.addressed = True
        return None

    def _is_from_inside(self, received: Received) -> bool:
        """Whether an id that no client may use is one of ours; notes what it says of its cause."""
        target = received.raw_aggregate.decode(errors="replace")
        is_ours = is_inside_id(self._secret, received.id, target)
        if is_ours:
            received.cause, received.fired = cause_in(received.id), fired_of(received.id)
        return is_ours

    def _content_fault(self, received: Received, fields: Mapping[bytes, bytes]) -> Refusal | None:
        """What is wanted, and whether it is well said."""
        data, faults = fields.get(b"data", b""), _take_down(received, fields)
        kind = received.type
        for name in _REQUIRED:
            if not fields.get(name):
                faults[name.decode()] = "is missing"
        for name in () if fields.keys() <= FIELD_NAMES else fields.keys() - FIELD_NAMES:
            faults[name.decode(errors="replace")] = "is not a field of a command"
        handler = self._domain.commands.get(kind)
        if handler is None:
            return malformed(faults) if faults else self._unknown(kind[:ID_LENGTH_LIMIT])
        if handler.decider.kind != kind_of(received.aggregate):
            return Refusal(
                "wrong_kind",
                f"{kind} is for {handler.decider.kind}-…, and {received.aggregate} is not one",
            )
        if data:
            faults |= _read_command(received, handler, data)
        if faults:
            received.command = None
            return malformed(faults)
        received.handler = handler
        return None

    def _unknown(self, kind: str) -> Refusal:
        close = get_close_matches(kind, self._domain.commands, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return Refusal("unknown_type", f"nobody here handles a command {kind!r}{hint}")


def _take_down(received: Received, fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """What a command says beside its data; returns what is wrong with its ``meta``."""
    is_counted = received.cause is not None or received.id.startswith(OF_TIMERS)
    read = read_inside_meta if is_counted else read_meta
    received.meta, faults = read(fields.get(b"meta", b""))
    received.type = fields.get(b"type", b"").decode(errors="replace")
    received.digest = digest_of(received.type, fields.get(b"data", b""), received.meta.expect)
    return faults


def _condemned(received: Received, fields: Mapping[bytes, bytes]) -> Refusal:
    """A command that killed those who handled it: known by its id, and tried no more."""
    _take_down(received, fields)
    said = "the processes that handled this command died of it, again and again"
    received.broken = "deadly", said
    return Refusal(*received.broken)


def _read_command(received: Received, handler: CommandHandler, data: bytes) -> dict[str, str]:
    """Validate a command's data; returns what is wrong with it, by field."""
    try:
        received.command = handler.validate(data)
    except ValidationError as error:
        return field_errors(error)
    except Exception as error:  # noqa: BLE001 -- a validator's own fault: answered as `failed`
        received.broken = "raised", f"{type(error).__name__}: {error}"
        return {"data": f"a validator raised {received.broken[1]}"}
    return {}
