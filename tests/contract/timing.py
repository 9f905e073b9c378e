"""Timers of order-1, and commits that write them."""

from msgspec.structs import replace

from engine.core.firing import Timer, TimerWrite
from tests.contract.owners import Owner, happened, record

KEY = "order-1/payment"


def timer(at: int, number: str = "5-0", name: str = "payment") -> Timer:
    """A timer of order-1."""
    id = f"timer/order-1/{name}/{number}/tag"
    return Timer(number, at, id, "ExpireOrder", "order-1", '{"why":"é"}', '{"user":"ann"}')


def setting(at: int, number: str = "5-0", name: str = "payment") -> TimerWrite:
    """What sets it."""
    return TimerWrite(f"order-1/{name}", timer(at, number, name))


async def write(owner: Owner, *timers: TimerWrite) -> None:
    """Commit a command that does this to timers."""
    ms = int(owner.head.command.partition("-")[0]) + 1
    commit = replace(owner.draft(record(f"{ms}-0", "order-1", happened())), timers=timers)
    await owner.ledger.commit(commit)
    owner.head.commit, owner.head.command = commit.number + 1, commit.command
    owner.head.position += 1
    owner.versions["order-1"] = owner.versions.get("order-1", 0) + 1
