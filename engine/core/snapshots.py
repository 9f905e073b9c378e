"""Snapshots: an aggregate's state as it was at a version, so that fewer events need be folded.

A snapshot is worth nothing by itself: events are the truth. It is believed where it was made by
the same code, decodes, and stands on an event of the very command that it names.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from engine.core.codec import encode, read_event_meta
from engine.core.decider import Decider
from engine.core.digest import evolve_digest
from engine.core.records import Recalled, StoredEvent
from engine.core.signatures import hints_of
from engine.core.upcasting import Steps, Upcaster, chain

STATE_BYTES_LIMIT = 1024 * 1024
"""A larger state is not kept: to write and to read it would hold up everybody else."""

_canonical = msgspec.json.Encoder(order="deterministic").encode
"""The same for equal sets and dicts, in whatever order they hold what they hold."""

_HEADER = re.compile(rb'\{"version":\d+,"entry":"\d+-\d+","schema":"([0-9a-f]+)"')
"""How a snapshot begins; recall.lua reads it too, and hands on no more of what is of other code."""


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """What stands in Redis, as JSON: ``entry`` is the stream id of the command that made it."""

    version: int
    entry: str
    schema: str
    state: msgspec.Raw


_decode = msgspec.json.Decoder(Snapshot).decode


class Unkept(Exception):
    """A state was not encoded; ``is_for_good`` where no other of its kind will be."""

    def __init__(self, why: str, *, is_for_good: bool) -> None:
        super().__init__(why)
        self.is_for_good = is_for_good


class Unbelievable(Exception):
    """A snapshot is not believed; ``reason`` is one word for the metric."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class States:
    """How states of one kind of aggregate are kept, if they can be; ``fault`` says why not.

    A state is kept only if it is decoded to what it was: that is tried with every snapshot.
    """

    def __init__(self, decider: Decider[Any], upcasters: Iterable[Upcaster] = ()) -> None:
        self._decider, self._upcasters = decider, tuple(upcasters)
        self._given_up = ""

    @property
    def fault(self) -> str:
        """Why states of this kind are not kept; empty where they are."""
        return self._given_up or self._reading.fault

    @property
    def schema(self) -> str:
        """A digest of all that a state follows from: its type, the code of evolve, upcasters."""
        return "" if self.fault else self._reading.schema

    def written(self, state: Any, version: int, entry: str) -> bytes:
        """A snapshot's text; raises `Unkept`."""
        if self.fault:
            raise Unkept(self.fault, is_for_good=True)
        try:
            text = _faithful(state, self._reading.decode)
        except Unkept as error:
            self._given_up = str(error)
            raise
        if len(text) > STATE_BYTES_LIMIT:
            raise Unkept(f"it has {len(text)} bytes", is_for_good=False)
        return encode(Snapshot(version, entry, self.schema, msgspec.Raw(text)))

    def read(self, recalled: Recalled) -> tuple[Any, int, list[StoredEvent]]:
        """A state, its version, and the events above; without a snapshot, from the beginning.

        Raises `Unbelievable`.
        """
        raw = recalled.snapshot
        if raw is None:
            return self._decider.initial, 0, recalled.events
        snapshot, state = self.decoded(raw)
        events = recalled.events
        if recalled.length < snapshot.version or not events:
            raise Unbelievable("ahead")
        if events[0].version != snapshot.version or entry_of(events[0]) != snapshot.entry:
            raise Unbelievable("replaced")
        if recalled.length != events[-1].version:
            raise Unbelievable("gap")
        return state, snapshot.version, events[1:]

    def decoded(self, raw: bytes) -> tuple[Snapshot, Any]:
        """A snapshot and its state, whatever its events are; raises `Unbelievable`."""
        header = _HEADER.match(raw)
        if header is None or header[1].decode() != self.schema:
            raise Unbelievable("schema" if header else "damaged")
        try:
            snapshot = _decode(raw)
            return snapshot, self._reading.decode(snapshot.state)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unbelievable("damaged") from error

    @cached_property
    def _reading(self) -> "_Reading":
        try:
            return _reading(self._decider, self._upcasters)
        except (TypeError, ValueError, msgspec.MsgspecError, Unkept) as error:
            return _Reading(str(error), "", _undecodable)


def states_of(
    deciders: Mapping[str, Decider[Any]],
    events: Mapping[str, Iterable[str]],
    upcasters: Mapping[str, Steps],
) -> dict[str, States]:
    """How the states of each kind are kept, by the events of each and the steps that lift them."""
    return {
        kind: States(decider, chain(upcasters, sorted(events[kind])))
        for kind, decider in deciders.items()
    }


class _Reading(NamedTuple):
    """How states of one kind are read, if they can be."""

    fault: str
    schema: str
    decode: Callable[[bytes | msgspec.Raw], Any]


def _reading(decider: Decider[Any], upcasters: Iterable[Upcaster]) -> _Reading:
    name = next(iter(inspect.signature(decider.evolve).parameters))
    kind = hints_of(decider.evolve).get(name, type(decider.initial))
    decode = msgspec.json.Decoder(kind).decode
    _faithful(decider.initial, decode)
    seed = _canonical((msgspec.json.schema(kind), decider.initial))
    schema = evolve_digest(decider, seed, upcasters)
    return _Reading("" if schema else "the source of its evolve is not at hand", schema, decode)


def _faithful(state: Any, decode: Callable[[bytes], Any]) -> bytes:
    """A state as JSON that is decoded to what it was; raises `Unkept`."""
    try:
        text = encode(state)
        again = decode(text)
        is_same = type(again) is type(state) and again == state
        if is_same and _canonical(again) == _canonical(state):
            return text
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise Unkept(f"its JSON cannot be read again: {error}", is_for_good=True) from error
    raise Unkept("what is read of its JSON is not equal to it", is_for_good=True)


def _undecodable(_: bytes | msgspec.Raw) -> Any:
    raise msgspec.DecodeError("states of this kind are not kept")


def entry_of(event: StoredEvent) -> str:
    """The stream id of the command that an event follows from; empty where it does not tell."""
    try:
        return read_event_meta(event.meta).entry
    except msgspec.DecodeError:
        return ""
