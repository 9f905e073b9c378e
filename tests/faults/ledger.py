"""Decides whether the bank's books are right: no money is made, lost, or set aside for ever.

Pure, and without the bank's own rules: accounts are summed here once more.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from engine.core.outcome import Outcome, Status
from tests.faults.histories import Dump, Logged
from tests.faults.inside import TIMER, is_inside
from tests.faults.violation import Violation

ROUTER = "bank"

ENDS = ("Finished", "Cancelled", "LetGo")
"""How a transfer ends: in one of these ways, once."""

OF_AN_ACCOUNT = {"Deposited": 1, "Reserved": -1, "Confirmed": 0, "Released": 1}
"""By the events of an account what each does to its balance."""


def check_ledger(dump: Dump) -> Iterator[Violation]:
    """Everything that is wrong with accounts and transfers."""
    by_aggregate: dict[str, list[Logged]] = defaultdict(list)
    of_transfer: dict[str, Counter[str]] = defaultdict(Counter)
    for event in dump.events:
        by_aggregate[event.aggregate].append(event)
        if event.type in OF_AN_ACCOUNT:
            of_transfer[event.said["transfer"]][event.type] += 1
    for aggregate, events in by_aggregate.items():
        if aggregate.startswith("account-"):
            yield from _account(aggregate, events)
        elif aggregate.startswith("transfer-"):
            yield from _transfer(aggregate, events, of_transfer.pop(aggregate, Counter()))
    of_transfer.pop("", None)
    for aggregate, moved in of_transfer.items():
        yield Violation("money_without_transfer", aggregate, "", f"{dict(moved)}")
    yield from _sums(dump.events)
    yield from _refused(dump.outcomes)


def business(dump: Dump) -> Counter[str]:
    """How much of what is judged there was: ends of transfers, refusals, timers, retries."""
    counts = Counter(event.type for event in dump.events if event.type in (*ENDS, "Expired"))
    for one in dump.outcomes:
        if one.id.startswith(f"{TIMER}/"):
            counts["timer fired" if one.status is Status.ACCEPTED else "timer stale"] += 1
    late = sum(is_inside(one.id) and bool(one.late) for one in dump.outcomes)
    return counts + Counter({"refusal noted": len(dump.notes), "decided late": late})


def _account(aggregate: str, events: Sequence[Logged]) -> Iterator[Violation]:
    """What an account says that it has is the sum of its events, at each of them."""
    balance, aside = 0, dict[str, int]()
    for event in events:
        amount, transfer = event.said["amount"], event.said["transfer"]
        balance += OF_AN_ACCOUNT[event.type] * amount
        if event.type == "Reserved":
            aside[transfer] = aside.get(transfer, 0) + amount
        elif event.type in ("Confirmed", "Released") and aside.pop(transfer, None) != amount:
            said = f"version {event.version}: {amount} of {transfer} was not aside"
            yield Violation("not_aside", aggregate, event.causation, said)
        if balance < 0:
            said = f"version {event.version} leaves {balance}"
            yield Violation("balance_negative", aggregate, event.causation, said)
        if balance != event.said["balance"]:
            said = f"version {event.version} says {event.said['balance']}, the sum is {balance}"
            yield Violation("balance_differs", aggregate, event.causation, said)
    for transfer, amount in aside.items():
        said = f"{amount} of {transfer} was neither confirmed nor released"
        yield Violation("aside_for_ever", aggregate, "", said)


def _transfer(aggregate: str, events: Sequence[Logged], moved: Counter[str]) -> Iterator[Violation]:
    """A transfer ends once, and money has moved as its end says."""
    ends = [event.type for event in events if event.type in ENDS]
    if len(ends) != 1:
        yield Violation("transfer_not_over_once", aggregate, "", f"it ended as {ends}")
        return
    wanted = {
        "Finished": {"Reserved": 1, "Deposited": 1, "Confirmed": 1},
        "LetGo": {"Reserved": 1, "Released": 1},
        "Cancelled": {},
    }[ends[0]]
    if moved != wanted:
        yield Violation("money_astray", aggregate, "", f"{ends[0]}, and accounts say {dict(moved)}")


def _sums(events: Sequence[Logged]) -> Iterator[Violation]:
    """What went out for transfers has come in for transfers."""
    out = sum(event.said["amount"] for event in events if event.type == "Confirmed")
    came = [event.said for event in events if event.type == "Deposited"]
    inside = sum(said["amount"] for said in came if said["transfer"])
    if out != inside:
        yield Violation("money_not_kept", "", "", f"{out} went out, and {inside} came in")


def _refused(outcomes: Sequence[Outcome]) -> Iterator[Violation]:
    """Of what the bank asks itself nothing is refused but too much money, and what is too late."""
    for one in outcomes:
        fine = one.detail.get("code") in ("too_little", "stale_timer")
        if (
            one.id.startswith((f"{ROUTER}/", f"{TIMER}/"))
            and one.status is not Status.ACCEPTED
            and not fine
        ):
            yield Violation("refused", one.aggregate, one.id, f"{one.status}: {one.detail}")
