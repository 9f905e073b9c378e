"""A kind of aggregate whose decider asks a service: a file says whether that is there."""

import os
from pathlib import Path

import anyio

from engine import Command, Decider, Event

__all__ = ["deciders"]


class Charge(Command):
    """Ask the service for money."""

    amount: int = 1


class Ponder(Command):
    """Take longer than anybody waits."""


class Charged(Event):
    """The service was there."""

    amount: int


def charge(command: Charge, _: int) -> Charged:
    """Raise while the service is down."""
    if not Path(os.environ["FLAKY_SERVICE"]).exists():
        raise ConnectionError("the bank is closed")
    return Charged(command.amount)


async def ponder(_command: Ponder, _: int) -> None:
    """Wait for ever."""
    await anyio.sleep_forever()


def evolve(state: int, event: Charged) -> int:
    """Count what was charged."""
    return state + event.amount


deciders = [Decider(kind="account", initial=0, decide=[charge, ponder], evolve=evolve)]
