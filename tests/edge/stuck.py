"""Handlers whose decider blocks its process's event loop, which no decider should."""

from pathlib import Path

from engine import Command, Decider, Event


class Block(Command):
    """Block until somebody has written to this named pipe, if it is still there."""

    pipe: str


class Blocked(Event):
    """It is over."""


def block(command: Block, _state: None) -> Blocked:
    """Opening a pipe waits for a writer."""
    pipe = Path(command.pipe)
    if pipe.exists():
        pipe.read_bytes()
    return Blocked()


def evolve(_state: None, _event: Blocked) -> None:
    """Nothing is remembered."""


deciders = [Decider(kind="stuck", initial=None, decide=[block], evolve=evolve)]
