"""An outcome, a branch, a command or the head was damaged: ``semel verify`` says where."""

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
def an_outcome_is_gone(shop: Filled) -> Found:
    shop.redis.xdel(shop.outcomes, shop.answers("order-1-create")[0])
    return "unanswered", shop.log, shop.logged(1)[0]


@damage
def a_command_behind_the_head_has_no_outcome(shop: Filled) -> Found:
    [refused] = shop.answers("order-1-cancel")
    shop.redis.xdel(shop.outcomes, refused)
    return "command_unanswered", shop.keys.commands(shop.home), refused


@damage
def an_accepted_commands_events_are_gone(shop: Filled) -> Found:
    """All of the last event's traces go, but for its outcome; what came behind goes too."""
    [entry] = shop.answers("order-1-ship")[:1]
    [(id, fields)] = shop.redis.xrevrange(shop.log, count=1)
    aggregate, version = fields[b"aggregate"].decode(), fields[b"version"].decode()
    shop.redis.xdel(shop.log, id)
    shop.redis.xdel(shop.keys.events(shop.home, aggregate), f"{version}-0")
    shop.redis.hset(shop.head, "position", int(id.split(b"-")[0]) - 1)
    entry = json.loads(fields[b"meta"])["entry"]
    return "events_missing", shop.outcomes, entry


@damage
def an_outcome_cannot_be_read(shop: Filled) -> Found:
    [id, _] = shop.answers("order-1-ship")
    shop.mend(shop.outcomes, id, status="perhaps")
    return "outcome_entry", shop.outcomes, id


@damage
def an_outcome_names_another_version(shop: Filled) -> Found:
    [id] = shop.answers("order-1-create")
    shop.mend(shop.outcomes, id, version="7")
    return "outcome_differs", shop.outcomes, id


@damage
def a_refused_command_has_events(shop: Filled) -> Found:
    [id] = shop.answers("order-1-create")
    shop.mend(shop.outcomes, id, status="rejected")
    return "effect_of_refused", shop.log, shop.logged(1)[0]


@damage
def events_name_another_cause(shop: Filled) -> Found:
    [id] = shop.answers("order-1-create")
    shop.mend(shop.outcomes, id, id="order-1-other")
    return "cause_differs", shop.log, shop.logged(1)[0]


@damage
def an_id_was_answered_twice(shop: Filled) -> Found:
    [_, again] = shop.answers("order-1-ship")
    shop.mend(shop.outcomes, again, status="accepted", version="3")
    return "answered_twice", shop.outcomes, again


@damage
def a_duplicate_repeats_something_else(shop: Filled) -> Found:
    [first, again] = shop.answers("order-1-ship")
    said = {"entry": first, "status": "accepted", "version": 9, "position": 1}
    shop.mend(shop.outcomes, again, detail=json.dumps({"first": said}))
    return "duplicate", shop.outcomes, again


@damage
def a_duplicate_repeats_nothing(shop: Filled) -> Found:
    [first, again] = shop.answers("order-1-ship")
    shop.mend(shop.outcomes, first, digest="")
    return "duplicate", shop.outcomes, again


@damage
def an_outcome_is_on_no_branch(shop: Filled) -> Found:
    [id] = shop.answers("order-1-create")
    shop.mend(shop.outcomes, id, branch="elsewhere")
    return "outcome_branch", shop.outcomes, id


@damage
def an_outcome_lies_beyond_its_branch(shop: Filled) -> Found:
    fields = {"branch": "later", "from": "0", "server": "s"}
    shop.redis.xadd(shop.keys.branches(shop.home), fields)
    return "outcome_branch", shop.outcomes, shop.answers("order-1-create")[0]


@damage
def a_branch_begins_before_the_one_before(shop: Filled) -> Found:
    key, end = shop.keys.branches(shop.home), shop.redis.hget(shop.head, "position")
    shop.redis.xadd(key, {"branch": "b1", "from": end, "server": "s"})
    id = shop.redis.xadd(key, {"branch": "b2", "from": int(end) - 1, "server": "s"})
    return "branch_from", key, id.decode()


@damage
def the_head_names_another_command(shop: Filled) -> Found:
    shop.redis.hset(shop.head, "command", shop.answers("order-1-create")[0])
    return "head_command", shop.head, "command"


@damage
def the_head_names_another_number_of_partitions(shop: Filled) -> Found:
    shop.redis.hset(shop.head, "partitions", 64)
    return "head_partitions", shop.head, "partitions"


@pytest.mark.parametrize("done", DAMAGE, ids=lambda done: done.__name__)
def test_it_is_named_by_its_place(shop: Filled, done: Damage) -> None:
    assert done(shop) in shop.verify()
