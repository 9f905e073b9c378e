"""``semel projection list`` and ``show``: every generation, and nothing is well that is not."""

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from redis import Redis

from engine.core.comparing import Compared, Difference, written
from engine.core.generations import Generations, write_generations
from engine.store.keys import Keys
from tests.edge.command_line import Said, Semel
from tests.eventually import at_last
from tests.faults.proxy import Mode, proxy

PARTITIONS = 2


@pytest.fixture
def semel(valkey_url: str, namespace: str) -> Iterator[Semel]:
    """Two partitions, and an engine."""
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", str(PARTITIONS)).code == 0
    with semel.daemon("run") as engine:
        engine.logged("engine.started")
        yield semel


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Any]:
    with Redis.from_url(valkey_url, decode_responses=True) as client:
        yield client


def register(semel: Semel, *customers: str) -> None:
    for customer in customers:
        said = semel.run("submit", "RegisterCustomer", f"customer-{customer}", "name=Ada")
        assert said.code == 0, said.err


def listed(semel: Semel, name: str = "customers", generation: int = 1) -> dict[str, Any]:
    """A generation as the list has it."""
    said = semel.run("projection", "list", "-o", "json")
    assert (said.code, said.errors) == (0, [])
    found = [g for g in said.data if (g["name"], g["generation"]) == (name, generation)]
    return dict(found[0])


def is_idle(semel: Semel) -> bool:
    return bool(listed(semel)["state"] == "idle")


def test_nobody_projects_and_that_is_what_is_said(semel: Semel) -> None:
    register(semel, "1", "2", "3")
    said = listed(semel)
    assert (said["stage"], said["state"], said["states"]) == ("live", "unowned", {"unowned": 2})
    assert (said["behind"], said["owned"], said["workers"]) == (3, 0, [])
    assert said["seconds"] > 0
    assert (said["moved"], said["rate"], said["rate_from"], said["group"]) == (None, None, "", None)
    text = semel.run("projection", "list").out
    assert "customers   1 live      unowned  3" in text
    assert "nobody" in text


def test_a_worker_is_seen_to_move(semel: Semel) -> None:
    with semel.daemon("project", "customers") as worker:
        node = worker.logged("worker.started")["node"]
        register(semel, "1", "2", "3")
        at_last(lambda: listed(semel)["behind"] == 0, "all is applied")
        at_last(lambda: listed(semel)["rate"], "the rate is reported")
        said = listed(semel)
        assert (said["state"], said["seconds"], said["workers"]) == ("idle", 0, [node])
        assert said["rate_from"] == "reported"
        assert 0 < said["moved"] < 60
        assert said["group"] == {"read": 3, "lag": 0, "pending": 0}
        assert "partitions" not in said
        assert listed(semel, "orders")["state"] == "unowned"
        assert worker.stop().code == 0


def test_one_is_shown_partition_by_partition(semel: Semel) -> None:
    register(semel, "1", "2", "3")
    with semel.daemon("project") as worker:
        node = worker.logged("worker.started")["node"]
        at_last(lambda: is_idle(semel), "all is applied")
        said = semel.run("projection", "show", "customers", "-o", "json").data
        assert (said["name"], said["paused"], said["compared"]) == ("customers", False, None)
        [generation] = said["generations"]
        places = generation["partitions"]
        assert [place["partition"] for place in places] == [0, 1]
        assert sum(place["position"] for place in places) == 3
        assert all(place["position"] == place["head"] for place in places)
        assert {place["owner"] for place in places} == {node}
        text = semel.run("projection", "show", "customers").out
        assert text.startswith(f"customers@1 live: idle, read by {node}\n")
        assert "partition  state  behind  seconds" in text
        assert text.rstrip().splitlines()[-1].startswith("watched by ")


def test_an_unknown_name_is_4_and_the_others_are_named(semel: Semel) -> None:
    said = semel.run("projection", "show", "oders", "-o", "json")
    assert (said.code, said.errors[0]["code"]) == (4, "not_found")
    assert said.errors[0]["message"].endswith("There is customers, orders, stock")


def test_without_the_code_those_are_known_that_somebody_serves(semel: Semel) -> None:
    bare = {"SEMEL_PROJECTIONS": "nowhere", "SEMEL_HANDLERS": "nowhere"}
    assert semel.run("projection", "list", "-o", "json", stdin=b"", **bare).data == []
    assert "no projection is known" in semel.run("projection", "list", stdin=b"", **bare).out
    with semel.daemon("project", "customers") as worker:
        worker.logged("worker.started")

        def names() -> list[str]:
            said = semel.run("projection", "list", "-o", "jsonl", stdin=b"", **bare)
            return [line["name"] for line in said.lines]

        at_last(lambda: names() == ["customers"], "it is known")


def test_every_generation_is_shown_as_what_it_is(semel: Semel, redis: Any) -> None:
    register(semel, "1", "2", "3")
    compared = Compared(False, 7, 1, 2, [Difference("customer-1", "name", "Ada", "Eve")])
    said = Generations(
        live=2, previous=1, building=4, last=4, since_ms=1, removing=(3,), revision=9,
        compared=written(compared), state="paused",
    )  # fmt: skip
    keys = Keys(semel.namespace)
    fields = {name: text for name, text in write_generations(said).items() if text}
    redis.hset(keys.live("customers"), mapping=fields)
    heads = [int(redis.hget(keys.head(p), "position") or 0) for p in range(PARTITIONS)]
    redis.hset(keys.projection(0, "customers", 4), "position", heads[0])
    found = {
        g["generation"]: g
        for g in semel.run("projection", "list", "-o", "jsonl").lines
        if g["name"] == "customers"
    }
    assert {number: (g["stage"], g["state"]) for number, g in found.items()} == {
        1: ("previous", "paused"), 2: ("live", "paused"), 3: ("removing", "removing"),
        4: ("building", "paused"),
    }  # fmt: skip
    assert found[2]["build"] is None
    assert found[4]["build"] == {
        "done": heads[0], "of": 3, "percent": round(100 * heads[0] / 3, 1), "began_ms": 1,
        "left_seconds": None,
    }  # fmt: skip
    shown = semel.run("projection", "show", "customers").out
    assert "customers is paused: nothing is applied" in shown
    assert f"customers@4 is built: {heads[0]} of 3 events" in shown
    assert "of 7 rows 1 differ, 2 moved on meanwhile" in shown
    assert "customer-1 name: Ada -> Eve" in shown


def test_what_redis_says_of_the_group_is_held_against_the_checkpoint(
    semel: Semel, redis: Any
) -> None:
    register(semel, "1", "2", "3")
    with semel.daemon("project", "customers") as worker:
        worker.logged("worker.started")
        at_last(lambda: is_idle(semel), "all is applied")
        assert worker.stop().code == 0
    register(semel, "4", "5", "6", "7")
    keys = Keys(semel.namespace)
    for partition in range(PARTITIONS):
        redis.xreadgroup("customers@1", "stranger", {keys.log(partition): ">"})
    said = listed(semel)
    assert (said["state"], said["behind"]) == ("unowned", 4)
    assert said["group"] == {"read": 7, "lag": 0, "pending": 4}
    assert any("are pending in its consumer group" in trouble for trouble in said["troubles"])


def test_an_event_that_the_log_has_lost_is_no_lag_of_nothing(semel: Semel, redis: Any) -> None:
    register(semel, "1", "2", "3")
    keys = Keys(semel.namespace)
    [partition] = [p for p in range(PARTITIONS) if redis.exists(keys.log(p))][:1]
    head = int(redis.hget(keys.head(partition), "position"))
    redis.xdel(keys.log(partition), f"{head}-0")
    with semel.daemon("project", "customers") as worker:
        worker.logged("worker.started")
        at_last(lambda: listed(semel)["behind"] == 1, "the rest is applied")
        said = listed(semel)
        assert (said["state"], said["seconds"]) == ("blocked", None)
        missing = f"partition {partition}: position {head} is missing from the log"
        assert said["troubles"][0].startswith(missing)
        assert missing in semel.run("projection", "show", "customers").out


@pytest.mark.parametrize("output", ["json", "jsonl", "text"])
def test_it_is_looked_again_and_again_until_ctrl_c(semel: Semel, output: str) -> None:
    words = ("projection", "list", "--watch", "--interval", "0.1", "-o", output)
    with semel.daemon(*words) as watching:
        shown = watching.shown()
        lines = [next(shown) for _ in range(12)]
        ended = watching.stop(signal.SIGINT)
    assert (ended.code, ended.err) == (0, "")
    if output == "text":
        assert sum(line.startswith("projection  generation") for line in lines) >= 2
        assert "\x1b" not in "".join(lines)
    else:
        documents = [json.loads(line) for line in lines]
        names = [d["data"][0]["name"] if output == "json" else d["name"] for d in documents]
        assert set(names) <= {"customers", "orders", "stock"}


def test_what_moves_between_two_looks_is_measured(semel: Semel) -> None:
    words = ("projection", "show", "customers", "--watch", "--interval", "0.2", "-o", "jsonl")
    with semel.daemon("project", "customers") as worker, semel.daemon(*words) as watching:
        worker.logged("worker.started")
        shown = (json.loads(line)["generations"][0] for line in watching.shown())
        assert next(shown)["rate_from"] in ("", "reported")
        register(semel, "1", "2", "3")
        found = next(each for each in shown if each["rate"])
        assert found["rate_from"] == "measured"
        assert found["moved"] < 30


def test_a_redis_that_goes_away_is_waited_for(
    semel: Semel, portal: BlockingPortal, valkey_url: str
) -> None:
    with portal.wrap_async_context_manager(proxy(valkey_url)) as line:
        there = Semel(line.url, semel.namespace)
        words = ("projection", "list", "--watch", "--interval", "0.1", "-o", "jsonl")
        with there.daemon(*words) as watching:
            shown = watching.shown()
            next(shown)
            portal.call(line.cut)
            line.mode = Mode.FORWARD
            for _ in range(40):
                next(shown)
            ended = watching.stop(signal.SIGINT)
        assert ended.code == 0
        assert "Redis is asked again" in ended.err


def test_a_redis_that_was_never_there_is_3() -> None:
    said: Said = Semel("redis://127.0.0.1:1", "x").run("projection", "list", "--watch")
    assert (said.code, said.out) == (3, "")
