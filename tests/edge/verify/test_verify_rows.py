"""A row, an index or a checkpoint was damaged: whoever audits says where."""

import json
from collections.abc import Callable

import pytest

from tests.edge.verify.damaging import Filled

Found = tuple[str, str, str]
Damage = Callable[[Filled], Found]
"""Does one thing wrong; returns the check that finds it, the key and the id that it names."""

DAMAGE: list[Damage] = []


def damage(function: Damage) -> Damage:
    """A kind of damage, named by its function."""
    DAMAGE.append(function)
    return function


@damage
def a_row_has_another_value(shop: Filled) -> Found:
    shop.redis.hset(shop.row, "total_amount", "49.00")
    return "row_differs", shop.row, "total_amount"


@damage
def a_row_has_a_field_more(shop: Filled) -> Found:
    shop.redis.hset(shop.row, "colour", "red")
    return "row_differs", shop.row, "colour"


@damage
def a_row_is_gone(shop: Filled) -> Found:
    shop.redis.delete(shop.row)
    return "row_missing", shop.row, ""


@damage
def a_row_comes_from_nowhere(shop: Filled) -> Found:
    key = shop.keys.row("orders", 1, "order-none")
    shop.redis.hset(key, "status", "created")
    return "row_stray", key, ""


@damage
def a_row_is_no_hash(shop: Filled) -> Found:
    shop.redis.set(shop.row, "planted")
    return "row_differs", shop.row, ""


@damage
def a_rows_watermark_lies_behind_its_events(shop: Filled) -> Found:
    shop.redis.hincrby(shop.row, f"_at:{shop.home}", -1)
    return "row_differs", shop.row, f"_at:{shop.home}"


@damage
def a_rows_watermark_lies_beyond_its_events(shop: Filled) -> Found:
    shop.redis.hincrby(shop.row, f"_at:{shop.home}", 1000)
    return "row_differs", shop.row, f"_at:{shop.home}"


@damage
def an_index_entry_is_gone(shop: Filled) -> Found:
    shop.redis.zrem(shop.group, "order-1")
    return "entry_missing", shop.group, "order-1"


@damage
def a_stray_index_entry(shop: Filled) -> Found:
    shop.redis.zadd(shop.group, {"order-none": 1})
    return "entry_stray", shop.group, "order-none"


@damage
def a_row_is_in_two_groups(shop: Filled) -> Found:
    key = f"{shop.keys.index('orders', 1, 'by_customer')}:c-2"
    shop.redis.zadd(key, {"order-1": 1})
    return "entry_stray", key, "order-1"


@damage
def an_index_entry_has_another_score(shop: Filled) -> Found:
    shop.redis.zincrby(shop.group, 1, "order-1")
    return "entry_score", shop.group, "order-1"


@damage
def a_checkpoint_lies_beyond_the_head(shop: Filled) -> Found:
    shop.redis.hincrby(shop.checkpoint, "position", 1)
    return "checkpoint", shop.checkpoint, "position"


@damage
def a_checkpoint_stands_on_another_event(shop: Filled) -> Found:
    shop.redis.hincrby(shop.checkpoint, "position", -1)
    return "checkpoint", shop.checkpoint, "command"


@damage
def a_checkpoint_is_on_no_branch(shop: Filled) -> Found:
    shop.redis.hset(shop.checkpoint, "branch", "elsewhere")
    return "checkpoint", shop.checkpoint, "branch"


@damage
def a_checkpoint_lies_behind_what_rows_have_taken(shop: Filled) -> Found:
    id, fields = shop.logged(1)
    command = json.loads(fields[b"meta"])["entry"]
    position = id.partition("-")[0]
    shop.redis.hset(shop.checkpoint, mapping={"position": position, "command": command})
    return "row_differs", shop.row, f"_at:{shop.home}"


WAYS = {
    "verify": ("verify",),
    "projection": ("projection", "verify", "orders"),
    "sample": ("projection", "verify", "orders", "--sample", "50"),
}
"""The verbs that find it; the sample is larger than all there is."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("done", DAMAGE, ids=lambda done: done.__name__)
def test_it_is_named_by_its_place(shop: Filled, done: Damage, way: str) -> None:
    assert done(shop) in shop.verify(*WAYS[way])


LASTING = [done for done in DAMAGE if done is not a_checkpoint_lies_behind_what_rows_have_taken]
"""What workers do not mend: from such a checkpoint they read on, and each row passes over what
it has."""


@pytest.mark.parametrize("done", LASTING, ids=lambda done: done.__name__)
def test_it_is_named_while_workers_run(shop: Filled, done: Damage) -> None:
    """By the worker that audits; which check meets it first is chance."""
    _, key, id = done(shop)
    with shop.semel.daemon("project", "orders", SEMEL_AUDIT_LOAD="1") as worker:
        while (said := worker.logged("projection.differs"))["key"] not in (key, shop.row):
            assert id in said["row"], "what is wrong was named by another place"
        assert (said["level"], said["projection"], said["generation"]) == ("error", "orders", 1)
        assert said["expected"] != said["found"]


def test_whole_rows_are_not_named(shop: Filled) -> None:
    for way in WAYS.values():
        assert shop.verify(*way) == []
