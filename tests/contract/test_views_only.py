"""What a query holds reads views and indexes, and leads to nothing else."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any

import pytest

from engine.core.errors import Misuse
from engine.core.outcome import Receipt
from engine.core.ports import Session
from engine.core.registry import Domain
from engine.edge.freshness import Wanted, fresh
from engine.edge.queries import RowViews
from engine.store.keys import Keys
from tests.contract.stores import Store

Sly = Callable[[Any, str], Awaitable[object]]
"""What a hostile handler tries, with what its views hold, on some key."""

SLY: dict[str, Sly] = {
    "memory": lambda rows, key: rows._look("hash", key),
    "redis": lambda rows, key: rows._ask("HGETALL", key),
}


def forbidden(keys: Keys) -> list[str]:
    """Every key that is no view's and no index's, and some that look like theirs."""
    return [
        keys.meta(), keys.inbox(), keys.inbox_lease(), keys.forwarded(), keys.inbox_dead(),
        keys.nodes(), keys.node("n"), keys.changes(), keys.commands(0), keys.outcomes(0),
        keys.events(0, "order-1"), keys.log(0), keys.head(0), keys.branches(0), keys.lease(0),
        keys.sources(0), keys.dead(0), keys.projection(0, "orders", 1),
        keys.parked(0, "orders", 1), keys.reply("r"), keys.curator("orders"),
        Keys(f"{keys.namespace}2").row("orders", 1, "order-1"), "view:orders", "",
        f"{{{keys.namespace}:view:0}}:log", keys.row("orders", 1, "order-1").upper(),
    ]  # fmt: skip


async def test_no_other_key_is_read(store: Store) -> None:
    sly = SLY["memory" if store.name == "memory" else "redis"]
    async with store.session() as session:
        for allowed in (store.keys.row("orders", 1, "r"), store.keys.live("orders")):
            assert await sly(session.rows, allowed) in ([], [{}])
        for key in forbidden(store.keys):
            with pytest.raises(Misuse, match="neither a view nor an index"):
                await sly(session.rows, key)


@pytest.mark.parametrize(
    "words",
    [
        ["HSET", "f", "v"], ["DEL"], ["EXPIRE", "1"], ["EVAL", "1"], ["hgetall"],
        ["XRANGE", "-", "+"], ["OBJECT", "ENCODING"], ["commit"], ["apply"],
        ["SORT", "BY", "x", "GET", "*"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
async def test_nothing_but_reading_is_done(redis_store: Store, words: list[str]) -> None:
    async with redis_store.session() as session:
        rows: Any = session.rows
        with pytest.raises(Misuse, match=f"it does not {words[0]}"):
            await rows._ask(words[0], redis_store.keys.row("orders", 1, "r"), *words[1:])
        assert not [key for key in redis_store.dump() if ":view:" in key]


@pytest.mark.parametrize("receipt", [None, Receipt(0, 1, "b")])
async def test_no_attribute_leads_to_the_session(store: Store, receipt: Receipt | None) -> None:
    async with store.session() as session:
        views = RowViews(session.rows, Domain(), _generation_of(session, receipt))
        reached = list(reachable(views, {}))
        ours = {type(one).__name__ for one in reached if _home_of(one) == "engine"}
        assert ours - {"MemoryRows", "RedisRows"} == {"RowViews", "Keys"}
        assert {_home_of(one) for one in reached} <= {"engine", "builtins", "anyio", "collections"}
        # The walk finds what there is to be found.
        found = {type(one).__name__ for one in reachable(session, {})}
        assert found & {"Connection", "MemoryServer"}


def _generation_of(session: Session, receipt: Receipt | None) -> Callable[[str], Awaitable[int]]:
    if receipt is None:
        return session.rows.live
    return fresh(session.checkpoints, Wanted(receipt), 0)


def _home_of(thing: object) -> str:
    return type(thing).__module__.partition(".")[0]


def reachable(thing: object, seen: dict[int, object]) -> Iterator[object]:
    """Everything that attributes and containers lead to; functions keep what they enclose."""
    if id(thing) in seen or isinstance(thing, type | ModuleType | FunctionType):
        return
    seen[id(thing)] = thing
    yield thing
    inside: list[object] = []
    if isinstance(thing, MethodType):
        inside.append(thing.__self__)
    if isinstance(thing, dict):
        inside += [*thing.keys(), *thing.values()]
    elif isinstance(thing, list | tuple | set | frozenset | deque):
        inside += thing
    inside += vars(thing).values() if hasattr(thing, "__dict__") else ()
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    inside += [getattr(thing, name) for name in slots if hasattr(thing, name)]
    for one in inside:
        yield from reachable(one, seen)
