"""The routes of fulfilment: from events to commands, as `handlers.fulfilment` draws them."""

from collections.abc import Iterator

from engine import EventContext, Rejection, Router, Send, send
from handlers.fulfilment import (
    AllReserved,
    BeginFulfilment,
    FulfilmentBegun,
    FulfilmentFailed,
    Line,
    NoteCancelled,
    NoteConfirmed,
    NoteRefused,
    NoteReserved,
    NoteShipped,
    ReservationsReleased,
    ReservationsShipped,
)
from handlers.orders import (
    CancelOrder,
    ConfirmOrder,
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderShipped,
)
from handlers.products import (
    ORDER_ID_LIMIT,
    ReleaseStock,
    ReserveStock,
    ShipStock,
    StockReserved,
)
from handlers.values import TEXT_LIMIT

# -- Of the order -----------------------------------------------------------------


def fulfilment_of(order_id: str) -> str:
    """The fulfilment of an order."""
    return f"fulfilment-{order_id.removeprefix('order-')}"


def order_of(fulfilment_id: str) -> str:
    """The order of a fulfilment."""
    return f"order-{fulfilment_id.removeprefix('fulfilment-')}"


def on_created(event: OrderCreated, context: EventContext) -> Send | None:
    """It begins, where fulfilment was on when the order came."""
    if not event.is_fulfilled:
        return None
    if not (context.aggregate.isascii() and len(context.aggregate) <= ORDER_ID_LIMIT):
        return send(context.aggregate, CancelOrder(reason="its id is too long, or not in ASCII"))
    lines = tuple(Line(*units) for units in event.quantities.items())
    return send(fulfilment_of(context.aggregate), BeginFulfilment(lines=lines))


def on_confirmed(_event: OrderConfirmed, context: EventContext) -> Send:
    """In time."""
    return send(fulfilment_of(context.aggregate), NoteConfirmed())


def on_end(event: OrderShipped | OrderCancelled, context: EventContext) -> Send | None:
    """By whomever."""
    if not event.is_fulfilled:
        return None
    note = NoteShipped() if isinstance(event, OrderShipped) else NoteCancelled()
    return send(fulfilment_of(context.aggregate), note)


# -- Of the products --------------------------------------------------------------


def on_reserved(event: StockReserved, context: EventContext) -> Send:
    """A product is held for an order."""
    product_id = context.aggregate.removeprefix("product-")
    return send(fulfilment_of(event.order_id), NoteReserved(product_id=product_id))


def on_refused(rejection: Rejection) -> Send | None:
    """A product is not; what else is refused has come to its end otherwise."""
    if rejection.command != ReserveStock.__name__:
        return None
    product_id = rejection.aggregate.removeprefix("product-")
    reason = f"{product_id} cannot be reserved: {rejection.message}"
    return send(rejection.cause, NoteRefused(reason=reason[:TEXT_LIMIT]))


# -- Of the fulfilment's own wishes -----------------------------------------------


def on_begun(event: FulfilmentBegun, context: EventContext) -> Iterator[Send]:
    """Each product is asked for."""
    order_id = order_of(context.aggregate)
    for line in event.lines:
        reserve = ReserveStock(order_id=order_id, quantity=line.quantity)
        yield send(f"product-{line.product_id}", reserve)


def on_all_reserved(_event: AllReserved, context: EventContext) -> Send:
    """The order can be confirmed."""
    return send(order_of(context.aggregate), ConfirmOrder())


def on_failed(event: FulfilmentFailed, context: EventContext) -> Send:
    """The order is given up; that it is comes back as the end of it."""
    return send(order_of(context.aggregate), CancelOrder(reason=event.reason))


def on_over(
    event: ReservationsShipped | ReservationsReleased, context: EventContext
) -> Iterator[Send]:
    """Each product is told, behind what it was asked for before."""
    order_id = order_of(context.aggregate)
    over = ShipStock if isinstance(event, ReservationsShipped) else ReleaseStock
    for product_id in event.products:
        yield send(f"product-{product_id}", over(order_id=order_id))


router = Router(
    name="fulfilment",
    routes=[
        on_created,
        on_confirmed,
        on_end,
        on_reserved,
        on_refused,
        on_begun,
        on_all_reserved,
        on_failed,
        on_over,
    ],
)
