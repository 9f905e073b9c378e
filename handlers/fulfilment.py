"""Fulfilment: has an order's items reserved, and the order confirmed, or cancelled with a reason.

A process manager: the fulfilment of ``order-42`` is the aggregate ``fulfilment-42``. What it
wishes are its events. Routes (`handlers.routes`) carry them to products and orders as commands,
and tell it what became of them::

    OrderCreated ──▶ begin ──▶ reserve each product ──▶ all are ──▶ ConfirmOrder
                                      │ one is refused, or time is up
                                      ▼
                                 CancelOrder
    OrderShipped, OrderCancelled ──▶ ship what is reserved, or release it

Reservations end by the order's own end, and by nothing else: whoever cancelled or shipped it, and
whenever that was. The order knows best which came first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

import msgspec

from engine import Command, Decider, Event, Rejected, TimerChange, cancel_timer, set_timer
from handlers.inventory import FulfilmentSettings
from handlers.values import Amount, Key, Text

TIMER = "confirm"


@dataclass(frozen=True, slots=True)
class Line:
    """So many units of one product, however many of the order's items they are."""

    product_id: Key
    quantity: Amount


# -- Commands: given by the routes and the timer ------------------------------------------


class BeginFulfilment(Command):
    """Reserve these for a new order."""

    lines: tuple[Line, ...]


class NoteReserved(Command):
    """A product is reserved."""

    product_id: Key


class NoteRefused(Command):
    """A product cannot be reserved."""

    reason: Text


class NoteConfirmed(Command):
    """The order is confirmed."""


class ExpireFulfilment(Command):
    """The time is up in which the order was to be confirmed."""


class NoteShipped(Command):
    """The order was shipped."""


class NoteCancelled(Command):
    """The order was cancelled."""


# -- Events: some are wishes, which the routes carry to others ----------------------------


class FulfilmentBegun(Event):
    """These are to be reserved."""

    lines: tuple[Line, ...]


class ProductReserved(Event):
    """One of them is."""

    product_id: str


class AllReserved(Event):
    """All of them are: the order is to be confirmed."""


class FulfilmentConfirmed(Event):
    """The order is confirmed, in time."""


class FulfilmentFailed(Event):
    """It cannot be done: the order is to be cancelled."""

    reason: str


class ReservationsShipped(Event):
    """It is over: what is reserved of these products has left the house."""

    products: tuple[str, ...]


class ReservationsReleased(Event):
    """It is over: what is reserved of these products is to be free again."""

    products: tuple[str, ...]


FulfilmentEvent: TypeAlias = (
    FulfilmentBegun
    | ProductReserved
    | AllReserved
    | FulfilmentConfirmed
    | FulfilmentFailed
    | ReservationsShipped
    | ReservationsReleased
)


# -- State --------------------------------------------------------------------------------


class Stage(StrEnum):
    """How far a fulfilment has come."""

    RESERVING = "reserving"
    RESERVED = "reserved"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    OVER = "over"


class Fulfilment(msgspec.Struct, frozen=True):
    """What the rules need to know; without a stage it has not begun."""

    stage: Stage | None = None
    products: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()


# -- Rules --------------------------------------------------------------------------------


def begin(
    command: BeginFulfilment, state: Fulfilment, settings: FulfilmentSettings
) -> Iterator[Event | TimerChange]:
    """An order is fulfilled once, and has so much time."""
    if state.stage is not None:
        raise Rejected("fulfilment_exists", "this order's fulfilment has begun already")
    yield FulfilmentBegun(command.lines)
    patience = timedelta(seconds=settings.confirm_seconds)
    yield set_timer(TIMER, ExpireFulfilment(), after=patience)


def note_reserved(command: NoteReserved, state: Fulfilment) -> Iterator[Event]:
    """With the last one, all are reserved."""
    _must_have_begun(state)
    if state.stage is Stage.RESERVING and command.product_id in state.missing:
        yield ProductReserved(command.product_id)
        if len(state.missing) == 1:
            yield AllReserved()


def note_refused(command: NoteRefused, state: Fulfilment) -> Iterator[Event | TimerChange]:
    """One that cannot be reserved is one too many."""
    _must_have_begun(state)
    if state.stage is Stage.RESERVING:
        yield FulfilmentFailed(command.reason)
        yield cancel_timer(TIMER)


def expire(_command: ExpireFulfilment, state: Fulfilment) -> Iterator[Event]:
    """Whatever has kept the order from being confirmed has done so for too long."""
    if state.stage in (Stage.RESERVING, Stage.RESERVED):
        yield FulfilmentFailed("it was not confirmed in time")


def note_confirmed(_command: NoteConfirmed, state: Fulfilment) -> Iterator[Event | TimerChange]:
    """Nothing is left to do until the order ends."""
    _must_have_begun(state)
    if state.stage is Stage.RESERVED:
        yield FulfilmentConfirmed()
        yield cancel_timer(TIMER)


def end(command: NoteShipped | NoteCancelled, state: Fulfilment) -> Iterator[Event | TimerChange]:
    """All products are told, also those that have not answered: each knows what it holds."""
    _must_have_begun(state)
    if state.stage is not Stage.OVER:
        is_shipped = isinstance(command, NoteShipped)
        over = ReservationsShipped if is_shipped else ReservationsReleased
        yield over(state.products)
        yield cancel_timer(TIMER)


def _must_have_begun(state: Fulfilment) -> None:
    if state.stage is None:
        raise Rejected("fulfilment_unknown", "no such order is being fulfilled")


def evolve(state: Fulfilment, event: FulfilmentEvent) -> Fulfilment:
    """The fulfilment after an event."""
    match event:
        case FulfilmentBegun(lines):
            products = tuple(line.product_id for line in lines)
            return Fulfilment(Stage.RESERVING, products, frozenset(products))
        case ProductReserved(product_id):
            return msgspec.structs.replace(state, missing=state.missing - {product_id})
        case AllReserved():
            return msgspec.structs.replace(state, stage=Stage.RESERVED)
        case FulfilmentConfirmed():
            return msgspec.structs.replace(state, stage=Stage.CONFIRMED)
        case FulfilmentFailed():
            return msgspec.structs.replace(state, stage=Stage.FAILED)
        case ReservationsShipped() | ReservationsReleased():
            return msgspec.structs.replace(state, stage=Stage.OVER)


decider = Decider(
    kind="fulfilment",
    initial=Fulfilment(),
    decide=[begin, note_reserved, note_refused, expire, note_confirmed, end],
    evolve=evolve,
)
