"""A till in three versions of its code: what grew is the event that it keeps.

Version 1 keeps euros as a text, version 2 cents as a number, version 3 a currency too.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from engine import Command, Decider, Event, Operation, Projection, Rejected, Row, Upcaster, add, put
from engine.core import registry
from engine.core.messages import EventContext
from engine.core.registry import Domain


class Pay(Command):
    """Pay some cents."""

    cents: int


class Count(Command):
    """Rejected unless so many cents are in the till."""

    cents: int


class First:
    """What version 1 knew."""

    class Paid(Event):
        """Something was paid, in euros."""

        euros: str

        @property
        def cents(self) -> int:
            return int(Decimal(self.euros) * 100)


class Second:
    """What version 2 knew."""

    class Paid(Event, version=2):
        """The same, in cents."""

        cents: int


class Third:
    """What version 3 knows."""

    class Paid(Event, version=3):
        """The same, in some currency."""

        cents: int
        currency: str


AnyPaid = First.Paid | Second.Paid | Third.Paid
VERSIONS: tuple[type[AnyPaid], ...] = (First.Paid, Second.Paid, Third.Paid)


def in_cents(said: dict[str, Any]) -> dict[str, Any]:
    return {"cents": int(Decimal(said["euros"]) * 100)}


def with_currency(said: dict[str, Any]) -> dict[str, Any]:
    said["currency"] = "EUR"
    return said


class TillRow(Row):
    """What is in a till."""

    cents: Decimal = Decimal(0)
    versions: str = ""


def paid_in(version: int, cents: int) -> AnyPaid:
    """An event as one version of the code makes it."""
    match version:
        case 1:
            return First.Paid(f"{Decimal(cents) / 100:.2f}")
        case 2:
            return Second.Paid(cents)
        case _:
            return Third.Paid(cents, "EUR")


def decider_at(version: int) -> Decider[int]:
    """The rules, as one version of the code has them."""

    def pay(command: Pay, _total: int) -> AnyPaid:
        return paid_in(version, command.cents)

    def count(command: Count, total: int) -> None:
        if command.cents != total:
            raise Rejected("wrong_total", f"there are {total} cents")

    def evolve(total: int, event: Any) -> int:
        assert type(event) is VERSIONS[version - 1]
        return total + int(event.cents)

    evolve.__annotations__["event"] = VERSIONS[version - 1]
    return Decider(kind="till", initial=0, decide=[pay, count], evolve=evolve)


def projection_at(version: int) -> Projection[TillRow]:
    """The read model, likewise."""

    def on_paid(event: Any, context: EventContext) -> Iterator[Operation]:
        assert type(event) is VERSIONS[version - 1]
        yield add(context.aggregate, cents=Decimal(event.cents))
        yield put(context.aggregate, versions=getattr(event, "currency", ""))

    on_paid.__annotations__["event"] = VERSIONS[version - 1]
    return Projection(name="tills", row=TillRow, on=[on_paid])


def upcasters_to(version: int) -> list[Upcaster]:
    """All that lead to one version of the code."""
    event, lifts = VERSIONS[version - 1], (in_cents, with_currency)
    return [Upcaster(event, begins, lifts[begins - 1]) for begins in range(1, version)]


def domain_at(version: int, upcasters: Sequence[Upcaster] | None = None) -> Domain:
    """The domain, as one version of the code has it."""
    lifting = upcasters_to(version) if upcasters is None else upcasters
    return registry.build([decider_at(version)], [projection_at(version)], upcasters=lifting)
