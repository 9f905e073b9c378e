"""The schema of a snapshot: whatever a state follows from changes it, and nothing else does."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import Decider, Upcaster
from engine.core import digest
from engine.core.snapshots import States

TALLY = '''\
"""Rules."""
from dataclasses import dataclass, replace
from engine import Command, Decider, Event

STEP = 1

class Ran(Event, version=2):
    metres: int

@dataclass(frozen=True)
class Way:
    """How far."""
    metres: int = 0
    laps: "tuple[Lap, ...]" = ()

@dataclass(frozen=True)
class Lap:
    number: int

class Run(Command):
    metres: int

def run(command: Run, state: Way) -> Ran:
    return Ran(command.metres)

def evolve(state: Way, event: Ran) -> Way:
    """Further."""
    return replace(state, metres=state.metres + _counted(event))  # a comment

def _counted(event):
    return event.metres * STEP

def in_metres(said):
    return {"metres": said["feet"] * 3}

def unused():
    return 1

runner = Decider(kind="runner", initial=Way(), decide=[run], evolve=evolve)
'''

Schema = Callable[..., str]


@pytest.fixture
def schema_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Schema]:
    """The schema of a runner's states, where some text of its module is another."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def change(old: str = "", new: str = "") -> str:
        sys.modules.pop("tally", None)
        digest._definitions.cache_clear()
        assert old in TALLY
        (tmp_path / "tally.py").write_text(TALLY.replace(old, new) if old else TALLY)
        importlib.invalidate_caches()
        tally = importlib.import_module("tally")
        states = States(tally.runner, [Upcaster(tally.Ran, 1, tally.in_metres)])
        assert states.fault == ""
        return states.schema

    yield change
    sys.modules.pop("tally", None)
    digest._definitions.cache_clear()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("STEP = 1", "STEP = 2"),
        ("state.metres + _counted(event)", "_counted(event)"),
        ("event.metres * STEP", "event.metres"),
        ("    metres: int = 0\n", "    metres: int = 0\n    at: float = 0.0\n"),
        ("    number: int\n", "    number: float\n"),
        ("initial=Way()", "initial=Way(1)"),
        ("Event, version=2):\n    metres: int\n", "Event, version=2):\n    metres: int = 7\n"),
        ('said["feet"] * 3', 'said["feet"] * 4'),
    ],
)
def test_what_states_follow_from_changes_it(schema_of: Schema, old: str, new: str) -> None:
    assert schema_of(old, new) != schema_of()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # a comment", ""),
        ('    """Further."""\n', ""),
        ("return 1", "return 2"),
        ("return Ran(command.metres)", "return Ran(command.metres + 1)"),
    ],
)
def test_what_they_do_not_follow_from_does_not(schema_of: Schema, old: str, new: str) -> None:
    assert schema_of(old, new) == schema_of()


def test_where_the_source_is_not_at_hand_nothing_is_kept() -> None:
    space: dict[str, object] = {"__name__": "typed_in"}
    exec(TALLY.replace('"tuple[Lap, ...]"', "tuple"), space)  # noqa: S102 -- as at a prompt
    runner = space["runner"]
    assert isinstance(runner, Decider)
    states = States(runner)
    assert states.schema == ""
    assert "source" in states.fault
