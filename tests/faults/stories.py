"""Sound histories of the bank and the shop, made by hand, for tests to spoil."""

import json
from typing import Any

import msgspec

from engine.core.codec import digest_of
from engine.core.outcome import Outcome, Status
from tests.faults.checker import check
from tests.faults.histories import Attempt, Dump, Logged

DIGEST = digest_of("Do", b"{}", None)
FROM, TO, MANAGER = "account-1", "account-2", "transfer-1"


def answer(id: str, entry: str, aggregate: str, code: str = "", **more: Any) -> Outcome:
    status = Status(more.get("status", "rejected" if code else "accepted"))
    detail = {"code": code} if code else {}
    version = more.get("version", 0)
    return Outcome(entry, id, status, aggregate, version, 0, 0, "b1", DIGEST, detail)


class Story:
    """Commands one after the other, each an entry of one partition a second after the last."""

    def __init__(self) -> None:
        self.events: list[Logged] = []
        self.notes: list[Logged] = []
        self.outcomes: list[Outcome] = []
        self.attempts: list[Attempt] = []
        self._versions: dict[str, int] = {}

    def does(self, id: str, aggregate: str, type: str = "", **said: Any) -> str:
        """A command that is accepted, with one event; its entry."""
        entry = f"{1000 * (len(self.outcomes) + 1)}-0"
        version = self._versions[aggregate] = self._versions.get(aggregate, 0) + 1
        self.events.append(self._event(aggregate, id, entry, type, said)._replace(version=version))
        self.outcomes.append(answer(id, entry, aggregate))
        return entry

    def asks(self, id: str, aggregate: str, type: str, **said: Any) -> str:
        """The same, of a client that hears nothing of it."""
        self.attempts.append(Attempt("c", len(self.attempts), id, "Do", aggregate, "{}", "", 1))
        return self.does(id, aggregate, type, **said)

    def refuses(  # noqa: PLR0913 -- what a note says
        self, id: str, aggregate: str, code: str, command: str, cause: str, message: str = ""
    ) -> None:
        """A command that is refused, and noted."""
        entry = f"{1000 * (len(self.outcomes) + 1)}-0"
        router = id.partition("/")[0]
        said = {"router": router, "command": command, "code": code, "cause": cause}
        self.notes.append(self._event(aggregate, id, entry, "_rejected", said))
        refused = answer(id, entry, aggregate, code, version=self._versions.get(aggregate, 0))
        refused.detail["message"] = message
        self.outcomes.append(refused)

    def is_stale(self, id: str, aggregate: str) -> None:
        """A timer's command that came too late."""
        entry = f"{1000 * (len(self.outcomes) + 1)}-0"
        self.outcomes.append(answer(id, entry, aggregate, "stale_timer"))

    def _event(
        self, aggregate: str, id: str, entry: str, type: str, said: dict[str, Any]
    ) -> Logged:
        position = len(self.events) + len(self.notes) + 1
        return Logged(0, position, aggregate, 0, id, entry, type, json.dumps(said).encode())

    @property
    def dump(self) -> Dump:
        """All that stands in Redis."""
        return Dump(self.events, self.outcomes, ["0-0"], (), self.notes)


def follows(command: str, aggregate: str, tag: str) -> str:
    return f"bank/{aggregate}/{command}/0/0/{tag}"


def finished() -> Story:
    """Of 10 there 4 are moved; patience is extended once, and cancelled in time."""
    story = Story()
    story.asks("in", FROM, "Deposited", amount=10, transfer="", balance=10)
    begun = story.asks("go", MANAGER, "Begun", source=FROM, target=TO, amount=4, patience_ms=900)
    extended = story.asks("more", MANAGER, "Extended", patience_ms=900)
    story.is_stale(f"timer/{MANAGER}/patience/{begun}/x", MANAGER)
    story.does(
        follows("go", MANAGER, "t1"), FROM, "Reserved", amount=4, transfer=MANAGER, balance=6
    )
    offered = story.does(follows("t1", FROM, "t2"), MANAGER, "Offered", target=TO, amount=4)
    story.is_stale(f"timer/{MANAGER}/patience/{extended}/x", MANAGER)
    story.does(follows("t2", MANAGER, "t3"), TO, "Deposited", amount=4, transfer=MANAGER, balance=4)
    story.does(follows("t3", TO, "t4"), MANAGER, "Finished", source=FROM)
    story.does(
        follows("t4", MANAGER, "t5"), FROM, "Confirmed", amount=4, transfer=MANAGER, balance=6
    )
    story.does(f"timer/{MANAGER}/reminder/{offered}/x", MANAGER, "Reminded")
    return story


def expired(*, is_late: bool = True) -> Story:
    """Patience is over before the account has answered: late, or with a no."""
    story = Story()
    story.asks("in", FROM, "Deposited", amount=10, transfer="", balance=10)
    begun = story.asks("go", MANAGER, "Begun", source=FROM, target=TO, amount=4, patience_ms=900)
    timer = f"timer/{MANAGER}/patience/{begun}/x"
    asked = follows("go", MANAGER, "t1")
    if not is_late:
        story.refuses(asked, FROM, "too_little", "Reserve", MANAGER)
        story.does(follows("t1", FROM, "t2"), MANAGER, "Cancelled")
        return story
    story.does(timer, MANAGER, "Expired")
    story.does(asked, FROM, "Reserved", amount=4, transfer=MANAGER, balance=6)
    story.does(follows("t1", FROM, "t2"), MANAGER, "LetGo", source=FROM)
    story.does(
        follows("t2", MANAGER, "t3"), FROM, "Released", amount=4, transfer=MANAGER, balance=10
    )
    return story


ORDER, FULFILMENT, PRODUCT = "order-f", "fulfilment-f", "product-p"
_LINES = [{"product_id": "p", "quantity": 2}]


def sold(*, ends: str = "") -> Story:
    """Two of five are reserved, and the order confirmed; then it may be shipped or cancelled."""
    story = _ordered(5)
    story.does(leads("o", ORDER, "b"), FULFILMENT, "FulfilmentBegun", lines=_LINES)
    story.does(leads("b", FULFILMENT, "r"), PRODUCT, "StockReserved", order_id=ORDER, quantity=2)
    story.does(leads("r", PRODUCT, "n"), FULFILMENT, "AllReserved")
    story.does(leads("n", FULFILMENT, "c"), ORDER, "OrderConfirmed")
    story.does(leads("c", ORDER, "d"), FULFILMENT, "FulfilmentConfirmed")
    if ends:
        how, over, moved = {
            "shipped": ("OrderShipped", "ReservationsShipped", "StockShipped"),
            "cancelled": ("OrderCancelled", "ReservationsReleased", "StockReleased"),
        }[ends]
        story.asks("end", ORDER, how, is_fulfilled=True)
        story.does(leads("end", ORDER, "e"), FULFILMENT, over, products=["p"])
        story.does(leads("e", FULFILMENT, "m"), PRODUCT, moved, order_id=ORDER, quantity=2)
    return story


def timed_out() -> Story:
    """A product has answered, and its fulfilment was slow to learn of it."""
    story = _ordered(5)
    begun = story.does(leads("o", ORDER, "b"), FULFILMENT, "FulfilmentBegun", lines=_LINES)
    story.does(leads("b", FULFILMENT, "r"), PRODUCT, "StockReserved", order_id=ORDER, quantity=2)
    fired = f"timer/{FULFILMENT}/confirm/{begun}/x"
    story.does(fired, FULFILMENT, "FulfilmentFailed")
    story.outcomes.append(answer(leads("r", PRODUCT, "n"), "8000-0", FULFILMENT))
    story.does(leads("x", FULFILMENT, "g"), ORDER, "OrderCancelled", is_fulfilled=True)
    story.does(leads("g", ORDER, "e"), FULFILMENT, "ReservationsReleased", products=["p"])
    story.does(leads("e", FULFILMENT, "m"), PRODUCT, "StockReleased", order_id=ORDER, quantity=2)
    return story


def sold_out() -> Story:
    """Two of one cannot be reserved, and the order is cancelled."""
    story = _ordered(1)
    story.does(leads("o", ORDER, "b"), FULFILMENT, "FulfilmentBegun", lines=_LINES)
    said = "1 of this product are left, 2 were asked for"
    reserve = leads("b", FULFILMENT, "r")
    story.refuses(reserve, PRODUCT, "insufficient_inventory", "ReserveStock", FULFILMENT, said)
    story.does(leads("r", PRODUCT, "f"), FULFILMENT, "FulfilmentFailed")
    story.does(leads("f", FULFILMENT, "x"), ORDER, "OrderCancelled", is_fulfilled=True)
    story.does(leads("x", ORDER, "e"), FULFILMENT, "ReservationsReleased", products=["p"])
    # A product that holds nothing for the order says nothing.
    story.outcomes.append(answer(leads("e", FULFILMENT, "m"), "9000-0", PRODUCT))
    return story


def leads(command: str, aggregate: str, tag: str) -> str:
    return f"fulfilment/{aggregate}/{command}/0/0/{tag}"


def _ordered(units: int) -> Story:
    story = Story()
    story.asks("s", PRODUCT, "ProductStocked", quantity=units)
    story.asks("o", ORDER, "OrderCreated", is_fulfilled=True)
    return story


def found(story: Story) -> set[str]:
    return {violation.check for violation in check(story.attempts, story.dump).violations}


def outcome_of(story: Story, id: str) -> int:
    [index] = [n for n, one in enumerate(story.outcomes) if one.id.startswith(id)]
    return index


def event_of(story: Story, type: str) -> int:
    return next(n for n, event in enumerate(story.events) if event.type == type)


def changed(story: Story, type: str, **said: Any) -> None:
    """An event says something else."""
    index = event_of(story, type)
    event = story.events[index]
    story.events[index] = event._replace(data=json.dumps({**event.said, **said}).encode())


def judged(story: Story, id: str, **more: Any) -> None:
    """A command was answered otherwise."""
    index = outcome_of(story, id)
    story.outcomes[index] = msgspec.structs.replace(story.outcomes[index], **more)
