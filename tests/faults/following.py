"""What must follow from events: whom each router asks for something because of one, in order.

Without the routers' own code: it is written down here once more.
"""

from collections.abc import Callable, Mapping, Sequence

from engine.core.rejections import REJECTED
from tests.faults.histories import Logged

_OF_THE_BANK = {
    "Begun": "source", "Reserved": "transfer", "Offered": "target", "Deposited": "transfer",
    "Finished": "source", "LetGo": "source", REJECTED: "cause",
}  # fmt: skip
"""From each of these one command follows, for whom it names there; where it names nobody, none."""


_TOLD_BY_THE_SHOP = ("fulfilment", "ReserveStock")


def by_the_bank(event: Logged) -> Sequence[str]:
    """For whom the bank's router has a command because of an event."""
    if event.type not in _OF_THE_BANK or _is_of_others(event, "bank", "Reserve"):
        return ()
    target = str(event.said[_OF_THE_BANK[event.type]])
    return (target,) if target else ()


def by_the_shop(event: Logged) -> Sequence[str]:
    """For whom the shop's router has commands because of an event."""
    key = event.aggregate.partition("-")[2]
    match event.type:
        case "OrderCreated" | "OrderConfirmed" | "OrderShipped" | "OrderCancelled":
            is_fulfilled = event.type == "OrderConfirmed" or event.said.get("is_fulfilled")
            return [f"fulfilment-{key}"] if is_fulfilled else []
        case "FulfilmentBegun":
            return [f"product-{line['product_id']}" for line in event.said["lines"]]
        case "StockReserved":
            return [f"fulfilment-{event.said['order_id'].removeprefix('order-')}"]
        case "AllReserved" | "FulfilmentFailed":
            return [f"order-{key}"]
        case "ReservationsShipped" | "ReservationsReleased":
            return [f"product-{product}" for product in event.said["products"]]
        case _:
            is_told = event.type == REJECTED and not _is_of_others(event, *_TOLD_BY_THE_SHOP)
            return [event.said["cause"]] if is_told else []


def _is_of_others(event: Logged, router: str, command: str) -> bool:
    """Whether it is a note that a router does not take up."""
    own = (router, command)
    return event.type == REJECTED and (event.said["router"], event.said["command"]) != own


ROUTERS: Mapping[str, Callable[[Logged], Sequence[str]]] = {
    "bank": by_the_bank, "fulfilment": by_the_shop,
}  # fmt: skip
"""By their names, as ids of their commands begin."""
