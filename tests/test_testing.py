"""What domains are tested with: it says yes, it says no and why, and it needs no server."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import anyio.lowlevel
import pytest

from engine import (
    Command,
    CommandContext,
    Decider,
    Event,
    EventContext,
    Index,
    NotFound,
    Operation,
    Projection,
    Query,
    Rejected,
    Row,
    Views,
    add,
    append,
    delete,
    put,
)
from engine.core.errors import Misuse
from engine.testing import NOON, Happened, ReadModels, given

# -- A domain ---------------------------------------------------------------------------


class Pay(Command):
    amount: int


class Close(Command):
    pass


class Paid(Event):
    amount: int
    at: datetime


class Closed(Event):
    pass


class Bank:
    """A service that takes its time."""

    async def takes(self, amount: int) -> bool:
        await anyio.lowlevel.checkpoint()
        return amount < 100


async def pay(command: Pay, state: int, bank: Bank, context: CommandContext) -> list[Event]:
    if not await bank.takes(command.amount):
        raise Rejected("too_much", f"{command.amount} is too much on top of {state}")
    return [Paid(command.amount, context.time)]


def evolve(state: int, event: Paid | Closed) -> int:
    return state + event.amount if isinstance(event, Paid) else 0


account = Decider(kind="account", initial=0, decide=[pay], evolve=evolve)


class AccountRow(Row):
    id: str
    sum: int = 0
    since: datetime | None = None
    state: str | None = None
    last: tuple[int, ...] = ()


def on_paid(event: Paid, context: EventContext) -> Iterator[Operation]:
    if context.version == 1:
        yield put(context.aggregate, since=context.time, state="open")
    yield add(context.aggregate, sum=event.amount)
    yield append(context.aggregate, limit=2, last=event.amount)


def on_closed(_event: Closed, context: EventContext) -> Iterator[Operation]:
    yield delete(context.aggregate)


accounts = Projection(
    name="accounts",
    row=AccountRow,
    on=[on_paid, on_closed],
    indexes=[Index("by_state", ("state",), order="sum")],
)


class GetRichest(Query[AccountRow]):
    """Whoever has most."""


async def get_richest(_query: GetRichest, views: Views) -> AccountRow:
    page = await views.page(accounts, "by_state", "open", page_size=1)
    return await views.get(accounts, page.items[0].id if page.items else "nobody")


def row(
    id: str, sum_: int, since: datetime | None, state: str | None, last: tuple[int, ...]
) -> AccountRow:
    return AccountRow(id=id, sum=sum_, since=since, state=state, last=last)


def paid(aggregate: str, *amounts: int) -> Iterator[Happened]:
    for amount in amounts:
        yield Happened(aggregate, Paid(amount, NOON))


# -- Deciders ---------------------------------------------------------------------------


def test_an_async_decider_is_asked_with_its_services_and_a_context() -> None:
    bank = Bank()
    decided = given(account, Paid(1, NOON), services=[bank]).when(Pay(amount=2))
    assert decided.then(Paid(2, NOON)).state == 3
    later = CommandContext("c", "2-0", "Pay", "account-7", NOON + timedelta(days=1))
    given(account, services=[bank]).when(Pay(amount=2), later).then(Paid(2, later.time))


def test_a_rejection_is_returned_and_changes_nothing() -> None:
    decided = given(account, Paid(1, NOON), services=[Bank()]).when(Pay(amount=100))
    assert "on top of 1" in decided.then_rejected("too_much").message
    assert (decided.events, decided.state) == ((), 1)


def test_what_was_not_expected_is_said() -> None:
    no = given(account, services=[Bank()]).when(Pay(amount=100))
    yes = given(account, services=[Bank()]).when(Pay(amount=1))
    with pytest.raises(
        AssertionError, match=r"rejected, too_much: 100 .*; expected Paid\(amount=1"
    ):
        no.then(Paid(1, NOON))
    with pytest.raises(AssertionError, match=r"decided Paid\(.*; expected no events"):
        yes.then()
    with pytest.raises(
        AssertionError, match=r"decided Paid\(.*; expected to be rejected: too_much"
    ):
        yes.then_rejected("too_much")
    with pytest.raises(
        AssertionError, match=r"rejected, too_much: .*; expected the code too_little"
    ):
        no.then_rejected("too_little")


def test_a_command_that_the_decider_does_not_take_is_misuse() -> None:
    with pytest.raises(Misuse, match="the decider of 'account' takes no Close; it takes Pay"):
        given(account, services=[Bank()]).when(Close())


# -- Rows, indexes and queries ----------------------------------------------------------


def test_rows_come_of_events_one_minute_after_the_other() -> None:
    bank = ReadModels(accounts).after(*paid("account-1", 3, 4), *paid("account-2", 5))
    assert bank.rows(accounts) == {
        "account-1": row("account-1", 7, NOON + timedelta(minutes=1), "open", (3, 4)),
        "account-2": row("account-2", 5, NOON + timedelta(minutes=3), "open", (5,)),
    }
    assert bank.group(accounts, "by_state", "open") == ["account-2", "account-1"]


def test_more_may_happen_later_and_at_a_time_of_its_own() -> None:
    bank = ReadModels(accounts).after(*paid("account-1", 3))
    bank.after(Happened("account-1", Closed()), *paid("account-1", 8))
    assert bank.rows(accounts) == {"account-1": row("account-1", 8, None, None, (8,))}
    then = NOON + timedelta(days=9)
    bank.after(Happened("account-2", Paid(1, NOON), then), *paid("account-3", 1))
    rows = bank.rows(accounts)
    assert (rows["account-2"].since, rows["account-3"].since) == (
        then,
        then + timedelta(minutes=1),
    )


def test_a_deleted_row_is_none_and_leaves_its_tombstone() -> None:
    bank = ReadModels(accounts).after(*paid("account-1", 3), Happened("account-1", Closed()))
    assert bank.rows(accounts) == {}
    assert bank.group(accounts, "by_state", "open") == []
    assert bank.hashes(accounts) == {"account-1": {"_deleted": "1", "_at:0": "2"}}


def test_hashes_are_what_redis_cli_shows() -> None:
    [found] = ReadModels(accounts).after(*paid("account-1", 3, 4, 5)).hashes(accounts).values()
    assert (found["sum"], found["last"]) == ("12", '["4",\n"5"]')


def test_a_query_is_asked_of_rows_that_came_or_are_said_to_be_there() -> None:
    bank = ReadModels(accounts).after(*paid("account-1", 3))
    assert bank.ask(get_richest, GetRichest()).id == "account-1"
    rich = row("account-2", 9, NOON, "open", (1, 8))
    bank.holding(accounts, {"account-2": rich})
    assert bank.ask(get_richest, GetRichest()) == rich
    poor = row("account-2", 1, None, "open", ())
    bank.holding(accounts, {"account-2": poor})
    assert bank.rows(accounts)["account-2"] == poor
    assert bank.group(accounts, "by_state", "open") == ["account-2", "account-1"]


def test_what_a_query_raises_comes_out() -> None:
    with pytest.raises(NotFound, match="accounts has no row nobody"):
        ReadModels(accounts).ask(get_richest, GetRichest())


async def test_an_async_test_awaits_the_handler_itself() -> None:
    views = ReadModels(accounts).after(*paid("account-1", 3)).views
    assert (await get_richest(GetRichest(), views)).sum == 3


@pytest.mark.parametrize(("index", "group"), [("by_stat", ["open"]), ("by_state", [])])
def test_an_index_that_is_not_there_is_misuse(index: str, group: list[str]) -> None:
    with pytest.raises(Misuse, match=r"it has \{'by_state': \('state',\)\}"):
        ReadModels(accounts).group(accounts, index, *group)


def test_what_a_handler_gets_wrong_comes_out() -> None:
    def misspelt(_event: Closed, context: EventContext) -> Iterator[Operation]:
        yield put(context.aggregate, sate="closed")

    wrong = Projection(name="wrong", row=AccountRow, on=[misspelt])
    with pytest.raises(Misuse, match="AccountRow has no field 'sate'"):
        ReadModels(wrong).after(Happened("account-1", Closed()))
