"""The log or an aggregate's stream was damaged: ``semel verify`` says where."""

from collections.abc import Callable

import pytest

from engine.core.routing import partition_of
from tests.edge.verify.damaging import PARTITIONS, Filled

Found = tuple[str, str, str]
Damage = Callable[[Filled], Found]
"""Does one thing wrong; returns the check that finds it, the key and the id that it names."""

DAMAGE: list[Damage] = []


def damage(function: Damage) -> Damage:
    """A kind of damage, named by its function."""
    DAMAGE.append(function)
    return function


@damage
def a_logged_event_is_gone(shop: Filled) -> Found:
    id, _ = shop.logged(2)
    shop.redis.xdel(shop.log, id)
    return "log_gap", shop.log, id


@damage
def the_last_logged_event_is_gone(shop: Filled) -> Found:
    [(id, _)] = shop.redis.xrevrange(shop.log, count=1)
    shop.redis.xdel(shop.log, id)
    return "head_position", shop.head, "position"


@damage
def the_log_names_another_version(shop: Filled) -> Found:
    id, _ = shop.logged(2)
    shop.mend(shop.log, id, version="5")
    return "version_gap", shop.log, id


@damage
def the_log_has_an_entry_that_is_no_event(shop: Filled) -> Found:
    id, _ = shop.logged(2)
    shop.mend(shop.log, id, meta="?")
    return "log_entry", shop.log, id


@damage
def a_stranger_lives_in_the_partition(shop: Filled) -> Found:
    other = next(n for n in range(100) if partition_of(f"order-s{n}", PARTITIONS) != shop.home)
    id, _ = shop.logged(3)
    shop.mend(shop.log, id, aggregate=f"order-s{other}", version="1")
    return "wrong_partition", shop.log, id


@damage
def an_aggregate_has_an_event_more(shop: Filled) -> Found:
    shop.redis.xadd(shop.events, {"type": "OrderShipped", "data": "{}", "meta": "{}"}, "4-0")
    return "event_stray", shop.events, "4-0"


@damage
def an_aggregate_lacks_an_event(shop: Filled) -> Found:
    shop.redis.xdel(shop.events, "2-0")
    return "event_missing", shop.events, "2-0"


@damage
def an_aggregates_event_says_something_else(shop: Filled) -> Found:
    shop.mend(shop.events, "1-0", data='{"free":true}')
    return "event_differs", shop.events, "1-0"


@damage
def a_stream_comes_from_nowhere(shop: Filled) -> Found:
    name = next(
        f"order-s{n}" for n in range(100) if partition_of(f"order-s{n}", PARTITIONS) == shop.home
    )
    key = shop.keys.events(shop.home, name)
    shop.redis.xadd(key, {"type": "OrderShipped", "data": "{}", "meta": "{}"}, "1-0")
    return "event_stray", key, "1-0"


@damage
def an_aggregate_lives_twice(shop: Filled) -> Found:
    key = shop.keys.events((shop.home + 1) % PARTITIONS, "order-1")
    shop.redis.xadd(key, {"type": "OrderShipped", "data": "{}", "meta": "{}"}, "1-0")
    return "wrong_partition", key, ""


@damage
def a_command_has_two_effects(shop: Filled) -> Found:
    id, fields = shop.logged(3)
    last = int(shop.redis.hget(shop.head, "position")) + 1
    shop.redis.xadd(shop.log, fields | {b"version": b"4"}, f"{last}-0")
    shop.redis.xadd(shop.events, {k: fields[k] for k in (b"type", b"data", b"meta")}, "4-0")
    shop.redis.hset(shop.head, "position", last)
    assert id != f"{last}-0"
    return "doubled", shop.log, f"{last}-0"


@pytest.mark.parametrize("done", DAMAGE, ids=lambda done: done.__name__)
def test_it_is_named_by_its_place(shop: Filled, done: Damage) -> None:
    assert done(shop) in shop.verify()
