"""A project of its own, whose code is changed as it would be over the years."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis

from engine.store.keys import Keys
from tests.edge.command_line import Said, Semel
from tests.eventually import at_last

HANDLERS = '''\
"""A till."""

from decimal import Decimal

from engine import Command, Decider, Event, Rejected, Upcaster


class Pay(Command):
    """Pay something."""

    amount: Decimal
    note: str = ""


class Take(Command):
    """Take something out."""

    amount: Decimal


class Paid(Event):
    """Something was paid."""

    euros: Decimal
    note: str = ""


class Taken(Event):
    """Something was taken out."""

    euros: Decimal


LIMIT = Decimal(1000)


def pay(command: Pay, total: Decimal) -> Paid:
    if total + command.amount > LIMIT:
        raise Rejected("till_full", "so much is not kept here")
    return Paid(command.amount, command.note)


def take(command: Take, total: Decimal) -> Taken:
    if command.amount > total:
        raise Rejected("too_little", f"there are {total}")
    return Taken(command.amount)


def evolve(total: Decimal, event: Paid | Taken) -> Decimal:
    return total + event.euros if isinstance(event, Paid) else total - event.euros


deciders = [Decider(kind="till", initial=Decimal(0), decide=[pay, take], evolve=evolve)]
upcasters: list[Upcaster] = []
'''

PROJECTIONS = '''\
"""What is in each till."""

from decimal import Decimal

from engine import EventContext, Projection, Row, add
from handlers import Paid, Taken


class TillRow(Row):
    """One till."""

    total: Decimal = Decimal(0)
    payments: int = 0


def on_paid(event: Paid, context: EventContext):
    yield add(context.aggregate, total=event.euros, payments=1)


def on_taken(event: Taken, context: EventContext):
    yield add(context.aggregate, total=-event.euros)


tills = Projection(name="tills", row=TillRow, on=[on_paid, on_taken])
projections = [tills]
'''

Changes = Mapping[str, str]

IN_CENTS: Changes = {
    "    euros: Decimal\n    note": "    cents: int\n    note",
    "return Paid(command.amount,": "return Paid(int(command.amount * 100),",
    "total + event.euros if": "total + Decimal(event.cents) / 100 if",
}
"""The planted change: what was paid is kept in cents."""

LIFTED: Changes = {
    "class Paid(Event):": "class Paid(Event, version=2):",
    "upcasters: list[Upcaster] = []": """\
def in_cents(said):
    said["cents"] = int(Decimal(said.pop("euros")) * 100)
    return said


upcasters = [Upcaster(Paid, 1, in_cents)]""",
}
"""What makes it one that can be deployed."""

ROWS_IN_CENTS: Changes = {
    "total=event.euros, pay": 'total=(Decimal(event.cents) / 100).quantize(Decimal("0.01")), pay'
}
"""The same rows, from cents."""


class Project:
    """The code of a till on disk, and its namespace."""

    def __init__(self, home: Path, url: str, namespace: str) -> None:
        self.semel = Semel(url, namespace, home)
        self.redis: Any = Redis.from_url(url, protocol=2)
        self.keys = Keys(namespace)
        self.write()

    def write(self, *handlers: Changes, projections: Sequence[Changes] = ()) -> None:
        """Have the code of the beginning, with these changes."""
        for package, text, changes in (
            ("handlers", HANDLERS, handlers),
            ("projections", PROJECTIONS, projections),
        ):
            folder = self.semel.home / package
            folder.mkdir(exist_ok=True)
            for old, new in (pair for change in changes for pair in change.items()):
                assert text.count(old) == 1, old
                text = text.replace(old, new)  # noqa: PLW2901 -- changed bit by bit
            (folder / "__init__.py").write_text(text)

    def check(self, *words: str) -> Said:
        return self.semel.process("check", *words, PYTHONDONTWRITEBYTECODE="1")

    def clear(self) -> None:
        """Remove the namespace."""
        self.redis.delete(*self.redis.keys(f"*{self.keys.namespace}*"))

    def rows_are_made(self) -> bool:
        """Wait until the rows show everything."""
        rows = f"{self.keys.namespace}:view:tills@1:*"
        at_last(lambda: len(self.redis.keys(rows)) == 3, "there are rows")
        return True

    @contextmanager
    def served(self) -> Iterator[None]:
        """By an engine, and a worker."""
        quick = {"PYTHONDONTWRITEBYTECODE": "1"}
        with self.semel.daemon("run", **quick) as one, self.semel.daemon("project", **quick) as two:
            one.logged("engine.started")
            two.logged("worker.started")
            yield
            for daemon in (one, two):
                assert daemon.stop().code == 0

    def submit(self, *commands: tuple[str, str, str]) -> list[dict[str, Any]]:
        """Have commands answered, each a type, a till and an amount; their outcomes."""
        lines = [
            {"type": kind, "aggregate": till, "data": {"amount": amount}}
            for kind, till, amount in commands
        ]
        text = "\n".join(map(json.dumps, lines)).encode()
        said = self.semel.process("submit", "--from", "-", "-o", "jsonl", stdin=text)
        return sorted(said.lines, key=lambda line: int(line["line"]))
