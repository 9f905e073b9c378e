"""States as snapshots: only what is decoded to what it was, by the same code, on its own event."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from engine import Decider, Event
from engine.core.codec import event_meta
from engine.core.messages import NO_META
from engine.core.records import Recalled, StoredEvent
from engine.core.snapshots import STATE_BYTES_LIMIT, States, Unbelievable, Unkept

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Counted(Event):
    """One more."""


@dataclass(frozen=True)
class Count:
    number: int = 0
    seen: tuple[Decimal, ...] = ()
    names: frozenset[str] = frozenset()


def count(state: Count, _: Counted) -> Count:
    return replace(state, number=state.number + 1)


def loose(state: dict[str, Any], _: Counted) -> dict[str, Any]:
    return {**state, "n": len(state)}


class Opaque:
    """Nothing that JSON knows."""


def opaque(state: Opaque, _: Counted) -> Opaque:
    return state


class Sly(msgspec.Struct, frozen=True):
    """Read again it is another type."""

    number: int = 0


class Slier(Sly, frozen=True):
    """So it is lost what this one was."""


def sly(state: Sly, _: Counted) -> Sly:
    return state


def states(initial: Any = Count(), evolve: Any = count) -> States:
    return States(Decider(kind="thing", initial=initial, decide=(), evolve=evolve))


def stored(version: int, entry: str | None = None) -> StoredEvent:
    meta = event_meta("c-1", entry or f"{version}-0", NOON, NO_META)
    return StoredEvent(version, "Counted", b"{}", meta)


FULL = Count(7, (Decimal("1.50"), Decimal("-0")), frozenset("abcdefgh"))


def test_a_state_comes_back_as_it_was() -> None:
    text = states().written(FULL, 3, "3-0")
    state, version, above = states().read(Recalled(text, 4, [stored(3), stored(4)]))
    assert (state, version, above) == (FULL, 3, [stored(4)])
    assert [str(one) for one in state.seen] == ["1.50", "-0"]


def test_it_can_be_read_by_people() -> None:
    said = msgspec.json.decode(states().written(Count(2), 3, "3-1"))
    assert list(said) == ["version", "entry", "schema", "state"]
    assert (said["version"], said["entry"]) == (3, "3-1")
    assert said["state"] == {"number": 2, "seen": [], "names": []}


def test_without_a_snapshot_all_begins_at_the_beginning() -> None:
    events = [stored(1), stored(2)]
    assert states().read(Recalled(None, 0, events)) == (Count(), 0, events)


@pytest.mark.parametrize(
    ("recalled", "reason"),
    [
        (lambda text: Recalled(text, 2, []), "ahead"),
        (lambda text: Recalled(text, 0, []), "ahead"),
        (lambda text: Recalled(text, 4, [stored(4)]), "replaced"),
        (lambda text: Recalled(text, 3, [stored(3, "9-0")]), "replaced"),
        (lambda text: Recalled(text, 3, [StoredEvent(3, "Counted", b"{}", b"?")]), "replaced"),
        (lambda text: Recalled(text, 3, [stored(3), stored(4)]), "gap"),
        (lambda text: Recalled(text.replace(b'"number":7', b'"number":"x"'), 3, [stored(3)]),
         "damaged"),
        (lambda text: Recalled(text[:-1], 3, [stored(3)]), "damaged"),
        (lambda text: Recalled(text.replace(b'"seen":[', b'"seen":\xff['), 3, [stored(3)]),
         "damaged"),
    ],
)  # fmt: skip
def test_what_does_not_fit_its_events_is_not_believed(recalled: Any, reason: str) -> None:
    with pytest.raises(Unbelievable) as found:
        states().read(recalled(states().written(FULL, 3, "3-0")))
    assert found.value.reason == reason


@pytest.mark.parametrize("raw", [b"", b"planted", b'{"version":"x"}'])
def test_what_is_no_snapshot_is_damaged(raw: bytes) -> None:
    with pytest.raises(Unbelievable) as found:
        states().read(Recalled(raw, 1, [stored(1)]))
    assert found.value.reason == "damaged"


def test_what_other_code_made_is_not_believed() -> None:
    text = states().written(FULL, 3, "3-0")
    other = states(Count(1))
    assert other.schema != states().schema
    with pytest.raises(Unbelievable) as found:
        other.read(Recalled(text[:200], 3, [stored(1), stored(2), stored(3)]))
    assert found.value.reason == "schema"


@pytest.mark.parametrize(
    ("initial", "evolve", "state"),
    [
        (Opaque(), opaque, Opaque()),
        ({}, loose, {"at": (1, 2)}),
        ({}, loose, {"price": Decimal(1)}),
        ({}, loose, {"number": float("nan")}),
        (Sly(), sly, Slier()),
    ],
)
def test_what_does_not_come_back_as_it_was_is_not_kept(
    initial: Any, evolve: Any, state: Any
) -> None:
    kept = states(initial, evolve)
    with pytest.raises(Unkept) as found:
        kept.written(state, 1, "1-0")
    assert found.value.is_for_good
    assert kept.fault
    assert kept.schema == "", "no snapshot is asked for from now on"


def test_it_is_known_before_whether_a_kind_can_be_kept() -> None:
    assert states().fault == ""
    assert states({}, loose).fault == ""
    assert states(Opaque(), opaque).fault != ""


def test_a_huge_state_is_not_kept_for_now() -> None:
    kept = states({}, loose)
    with pytest.raises(Unkept) as found:
        kept.written({"text": "x" * STATE_BYTES_LIMIT}, 1, "1-0")
    assert not found.value.is_for_good
    assert kept.written({"text": "x"}, 1, "1-0")
