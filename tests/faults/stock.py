"""Decides whether stock is right: nothing is held for nobody, sold twice, or lost.

Pure, and without the shop's own rules: products are summed here once more. Whoever was told that
too little is left must have been told so by that sum.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from engine.core.outcome import Outcome, Status
from tests.faults.histories import Dump, Logged
from tests.faults.violation import Violation

ROUTER = "fulfilment/"
REFUSED = {
    "insufficient_inventory": "product", "order_cancelled": "order", "order_shipped": "order",
}  # fmt: skip
"""What the shop may refuse itself, and who: there is too little, or the order is over already."""

ENDS = {"OrderShipped": "ReservationsShipped", "OrderCancelled": "ReservationsReleased"}
"""By how a fulfilled order ends, how its fulfilment does."""

LEFT = {"ProductStocked": 1, "StockReserved": -1, "StockReleased": 1, "StockShipped": 0}
"""By the events of a product what each does to what is left of it."""


def check_stock(dump: Dump) -> Iterator[Violation]:
    """Everything that is wrong with fulfilled orders and with products."""
    by_aggregate: dict[str, list[Logged]] = defaultdict(list)
    for event in dump.events:
        by_aggregate[event.aggregate].append(event)
    orders: dict[str, str] = {}
    for aggregate, events in by_aggregate.items():
        kind, _, key = aggregate.partition("-")
        if kind == "order" and events[0].said.get("is_fulfilled"):
            orders[aggregate] = events[-1].type
            yield from _order(aggregate, events, by_aggregate.get(f"fulfilment-{key}", []))
    for aggregate, events in by_aggregate.items():
        if aggregate.startswith("product-"):
            yield from _product(aggregate, events, orders)
    yield from _refused(dump.outcomes, by_aggregate)


def trade(dump: Dump) -> Counter[str]:
    """How much of what is judged there was."""
    ends = ("FulfilmentConfirmed", "FulfilmentFailed", *ENDS.values())
    counts = Counter(event.type for event in dump.events if event.type in ends)
    codes = (one.detail.get("code") for one in dump.outcomes if one.id.startswith(ROUTER))
    return counts + Counter(code for code in codes if code == "insufficient_inventory")


def _order(order: str, events: Sequence[Logged], own: Sequence[Logged]) -> Iterator[Violation]:
    """A fulfilled order is confirmed or over, and its fulfilment has ended as it has."""
    end = events[-1].type
    if end not in ("OrderConfirmed", *ENDS):
        yield Violation("order_pending", order, "", f"its last event is {end}")
    ended = [event.type for event in own if event.type in ENDS.values()]
    wanted = [ENDS[end]] if end in ENDS else []
    if ended != wanted:
        yield Violation("fulfilment_not_over_once", order, "", f"{end}, and {ended} followed")


def _product(product: str, events: Sequence[Logged], orders: dict[str, str]) -> Iterator[Violation]:
    """What is left is never below nothing; what is held is so for an order that is confirmed."""
    left, held = 0, dict[str, int]()
    for event in events:
        quantity, order = event.said["quantity"], event.said.get("order_id", "")
        left += LEFT[event.type] * quantity
        if event.type == "StockReserved":
            if order in held:
                said = f"version {event.version} holds for {order} again"
                yield Violation("held_twice", product, event.causation, said)
            held[order] = quantity
        elif event.type != "ProductStocked" and held.pop(order, None) != quantity:
            said = f"version {event.version}: {quantity} were not held for {order}"
            yield Violation("not_held", product, event.causation, said)
        if left < 0:
            said = f"version {event.version} leaves {left}"
            yield Violation("stock_negative", product, event.causation, said)
        wanted = {"StockShipped": "OrderShipped", "StockReleased": "OrderCancelled"}
        if event.type in wanted and orders.get(order) != wanted[event.type]:
            said = f"{event.type} for {order}, whose last event is {orders.get(order)}"
            yield Violation("reservation_ended_wrongly", product, event.causation, said)
    for order, quantity in held.items():
        if orders.get(order) != "OrderConfirmed":
            said = f"{quantity} for {order}, whose last event is {orders.get(order)}"
            yield Violation("held_for_ever", product, "", said)


def _refused(
    outcomes: Sequence[Outcome], by_aggregate: dict[str, list[Logged]]
) -> Iterator[Violation]:
    """Of what the shop asks itself nothing is refused but what must be, for the reason said."""
    for one in outcomes:
        if not one.id.startswith(ROUTER) or one.status is Status.ACCEPTED:
            continue
        code = one.detail.get("code", "")
        kind = one.aggregate.partition("-")[0]
        if one.status is not Status.REJECTED or REFUSED.get(code) != kind:
            yield Violation("shop_refused", one.aggregate, one.id, f"{one.status}: {one.detail}")
        elif kind == "product":
            left = _left_at(by_aggregate.get(one.aggregate, []), one.version)
            if not one.detail["message"].startswith(f"{left} of "):
                said = f"at version {one.version} {left} are left: {one.detail['message']}"
                yield Violation("refused_wrongly", one.aggregate, one.id, said)


def _left_at(events: Sequence[Logged], version: int) -> int:
    """What was left of a product at a version, by the sum of its events."""
    return sum(LEFT[event.type] * event.said["quantity"] for event in events[:version])
