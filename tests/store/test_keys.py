"""Every key, spelled out once more by hand; ARCHITECTURE.md's table lists them all."""

import re
from collections.abc import Callable
from inspect import getdoc, signature
from pathlib import Path
from typing import Any

import pytest

from engine.core.routing import ID_LENGTH_LIMIT
from engine.store.keys import Keys

ARCHITECTURE = Path(__file__).parents[2] / "ARCHITECTURE.md"

EXPECTED = {
    "meta": "{shop}:meta",
    "inbox": "{shop}:inbox",
    "inbox_lease": "{shop}:lease",
    "forwarded": "{shop}:forwarded",
    "inbox_dead": "{shop}:dead",
    "nodes": "{shop}:nodes",
    "node": "{shop}:node:ID",
    "watch": "{shop}:watch",
    "alarms": "{shop}:alarms",
    "changes": "{shop}:changes",
    "schemas": "{shop}:schemas",
    "schedule": "{shop}:schedule:NAME",
    "commands": "{shop:7}:commands",
    "outcomes": "{shop:7}:outcomes",
    "waiting": "{shop:7}:waiting",
    "late": "{shop:7}:late",
    "timers": "{shop:7}:timers",
    "timer": "{shop:7}:timer",
    "events": "{shop:7}:events:AGG",
    "snapshot": "{shop:7}:snapshot:AGG",
    "log": "{shop:7}:log",
    "head": "{shop:7}:head",
    "branches": "{shop:7}:branches",
    "lease": "{shop:7}:lease",
    "sources": "{shop:7}:sources",
    "dead": "{shop:7}:dead",
    "projection": "{shop:7}:projection:NAME@3",
    "parked": "{shop:7}:parked:NAME@3",
    "changed": "{shop:7}:changed:NAME@3",
    "reaction": "{shop:7}:reaction:NAME",
    "reaction_parked": "{shop:7}:parked:NAME",
    "curator": "{shop}:curator:NAME",
    "auditor": "{shop}:auditor:NAME",
    "live": "shop:view:NAME",
    "row": "shop:view:NAME@3:ROW",
    "index": "shop:index:NAME@3:INDEX",
    "reply": "shop:reply:VALUE",
}
ARGUMENTS: dict[str, Any] = {
    "partition": 7, "generation": 3, "aggregate": "AGG", "projection": "NAME", "row": "ROW",
    "index": "INDEX", "node": "ID", "reaction": "NAME", "schedule": "NAME",
}  # fmt: skip
OF_PARTITIONS = [name for name, key in EXPECTED.items() if key.startswith("{shop:7}")]


def functions() -> dict[str, Callable[..., str]]:
    """Every function of a key; `partition` makes the keys of one partition."""
    keys = Keys("shop")
    public = {name: getattr(keys, name) for name in dir(keys) if not name.startswith("_")}
    return {n: f for n, f in public.items() if callable(f) and n != "partition"}


def key_of(function: Callable[..., str]) -> str:
    names = signature(function).parameters
    return function(*(ARGUMENTS.get(name, "VALUE") for name in names))


def test_each_key_is_what_outsiders_depend_on() -> None:
    assert {name: key_of(function) for name, function in functions().items()} == EXPECTED


def test_no_two_keys_are_the_same() -> None:
    assert len(set(EXPECTED.values())) == len(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_key_says_what_stands_there(name: str) -> None:
    said = getdoc(functions()[name]) or ""
    assert re.match(r"(Stream|Hash|Zset|List|String|Prefix of zsets)\b", said), said


@pytest.mark.parametrize("name", OF_PARTITIONS)
def test_keys_of_a_partition_share_one_slot(name: str) -> None:
    assert re.findall(r"\{(.*?)\}", key_of(functions()[name])) == ["shop:7"]


def test_an_id_of_the_greatest_length_makes_a_key() -> None:
    aggregate = "order-".ljust(ID_LENGTH_LIMIT, "x")
    assert Keys("shop").events(0, aggregate) == "{shop:0}:events:" + aggregate


def as_documented(key: str) -> str:
    """A key of the namespace ``shop`` in the notation of the table."""
    key = re.sub(r"^\{shop:7\}", "{semel:P}", key)
    key = re.sub(r"^\{?shop\}?", lambda found: found[0].replace("shop", "semel"), key)
    key = key.replace("@3", "@GEN")
    return f"{key}:VALUE" if ":index:" in key else key


@pytest.mark.skipif(not ARCHITECTURE.exists(), reason="ARCHITECTURE.md is not written yet")
def test_the_key_table_lists_every_key_and_no_other() -> None:
    rows = [
        cells
        for line in ARCHITECTURE.read_text().splitlines()
        if (cells := line.split("|")) and len(cells) > 2
    ]
    listed = [key for row in rows for key in re.findall(r"`(\{?semel[:}][^`]*)`", row[1])]
    ours = {as_documented(key) for key in EXPECTED.values()}
    assert sorted(ours - set(listed)) == [], "keys that the table does not have"
    assert sorted(set(listed) - ours) == [], "keys that nobody makes"
    assert sorted(listed) == sorted(set(listed)), "keys that stand in the table twice"
