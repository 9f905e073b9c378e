"""``semel verify`` and timers: set, fired, damaged by one hand at a time."""

from collections.abc import Callable

import msgspec
import pytest

from engine.core.firing import Timer
from engine.core.waiting import Kept
from tests.edge.verify.damaging import Filled

KEY = "order-1/payment"
FIRED = "timer/order-1/payment/5-0/tag"


@pytest.fixture
def timed(shop: Filled) -> Filled:
    """The shop with a timer of order-1."""
    one = Timer("5-0", 4_000_000_000_000, FIRED, "CancelOrder", "order-1", "{}", "{}")
    shop.redis.zadd(shop.keys.timers(shop.home), {KEY: one.at})
    shop.redis.hset(shop.keys.timer(shop.home), KEY, msgspec.json.encode(one))
    return shop


def fire(shop: Filled) -> None:
    """Have it become a command, which nobody handles."""
    shop.redis.zrem(shop.keys.timers(shop.home), KEY)
    entry = {"id": FIRED, "type": "CancelOrder", "aggregate": "order-1", "data": "{}", "meta": ""}
    shop.redis.xadd(shop.keys.commands(shop.home), entry)


def test_timers_that_stand_are_counted(timed: Filled) -> None:
    said = timed.semel.run("verify", "-o", "json")
    assert (said.code, said.data["timers"]) == (0, 1)
    fire(timed)
    again = timed.semel.run("verify")
    assert again.code == 0
    assert "1 timers stand as they were set, or have become commands" in again.out


def test_a_timer_whose_command_waits_is_not_lost(timed: Filled) -> None:
    timed.redis.zrem(timed.keys.timers(timed.home), KEY)
    entry = timed.redis.hget(timed.head, "command").decode()
    fields = {"id": FIRED, "type": "CancelOrder", "aggregate": "order-1", "data": "{}", "meta": ""}
    kept = Kept(1, 0, "the service is down", fields)
    timed.redis.hset(timed.keys.waiting(timed.home), entry, msgspec.json.encode(kept))
    said = timed.semel.run("verify", "-o", "json")
    assert [one["code"] for one in said.errors if one["code"].startswith("timer")] == []


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        (lambda s: s.redis.hdel(s.keys.timer(s.home), KEY), "timer_missing"),
        (lambda s: s.redis.hset(s.keys.timer(s.home), KEY, "?"), "timer_unreadable"),
        (lambda s: s.redis.zadd(s.keys.timers(s.home), {KEY: 7}), "timer_due"),
        (lambda s: s.redis.zrem(s.keys.timers(s.home), KEY), "timer_lost"),
    ],
)
def test_what_is_wrong_with_a_timer_is_named(
    timed: Filled, damage: Callable[[Filled], object], check: str
) -> None:
    damage(timed)
    said = timed.semel.run("verify", "-o", "json")
    assert said.code == 1
    assert [(one["code"], one["id"]) for one in said.errors] == [(check, KEY)]
