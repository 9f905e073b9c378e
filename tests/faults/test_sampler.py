"""What heads may never do, on samples made by hand, and a sampler on a real server."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from redis import Redis

from engine.store.keys import Keys
from tests.eventually import eventually
from tests.faults.checker import Window
from tests.faults.sampler import Sample, Sampler, longest_standstill, read_samples, went_back

START = Sample(
    1_000,
    0,
    "s1",
    "b1",
    5,
    9,
    "50-0",
    "50-0",
    4,
    "50-0",
    {"inbox": "5-0", "bank/1": "7-x"},
    {"bank": 8},
)


def then(**changed: Any) -> list[str]:
    return list(went_back([START, msgspec.structs.replace(START, at=2_000, **changed)]))


def test_a_head_that_goes_on() -> None:
    assert not then()
    assert not then(commit=6, position=12, command="60-0")
    assert not then(commit=6, command="60-0")
    assert not then(newest="70-0")
    assert not then(branch="b2", commit=3, position=7, command="40-0")
    assert not then(partition=1, commit=0, position=0, command="0-0", reached={})
    assert not then(marks={"inbox": "5-1", "bank/1": "8-x", "bank/2": "1-x"}, reached={"bank": 9})
    assert not then(marks={"inbox": "5-0", "bank/1": "3-y"})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"commit": 4, "position": 8, "command": "40-0"}, "commit 5 went back to 4"),
        ({"commit": 6, "position": 8, "command": "60-0"}, "position 9 went back to 8"),
        ({"commit": 6, "command": "40-0"}, "command 50-0 went back to 40-0"),
        ({"position": 10, "command": "60-0"}, "commit 5 stands"),
        ({"command": "60-0"}, "commit 5 stands"),
        ({"commit": 6, "position": 10}, "position 10 without an outcome"),
        ({"commit": 6, "late": "49-0"}, "late 50-0 went back to 49-0"),
        ({"partitions": 8}, "4 partitions became 8"),
        ({"marks": {"inbox": "4-9", "bank/1": "7-x"}}, "mark of inbox went back from 5-0 to 4-9"),
        ({"marks": {"inbox": "5-0", "bank/1": "6-x"}}, "mark of bank/1 went back from 7-x to 6-x"),
        ({"marks": {"inbox": "5-0"}}, "mark of bank/1 went back from 7-x to 0-0"),
        ({"marks": {"bank/1": "7-x"}}, "mark of inbox went back from 5-0 to 0-0"),
        ({"reached": {"bank": 7}}, "bank went back from 8 to 7"),
        ({"reached": {}}, "bank went back from 8 to 0"),
        ({"reached": {"bank": 10}}, "bank has read 10, and there are 9"),
        ({"unknown": ["bell-1/bell"]}, "nobody knows what for"),
    ],
)
def test_a_head_that_does_not(changed: dict[str, Any], said: str) -> None:
    assert any(said in sentence for sentence in then(**changed)), then(**changed)


def test_a_branch_that_comes_back_goes_on_where_it_was() -> None:
    away = msgspec.structs.replace(START, at=2_000, branch="b2")
    back = msgspec.structs.replace(START, at=3_000, commit=4, position=8, command="40-0")
    assert list(went_back([START, away, back]))


def test_another_server_may_lag_where_a_tail_was_lost() -> None:
    lagging = msgspec.structs.replace(
        START, at=2_000, server="s2", commit=4, position=8, command="40-0"
    )
    assert list(went_back([START, lagging]))
    assert not list(went_back([START, lagging], [Window(1_500, 1_600)]))
    assert list(went_back([START, lagging], [Window(2_500, 2_600)]))
    same = msgspec.structs.replace(lagging, server="s1")
    assert list(went_back([START, same], [Window(1_500, 1_600)]))


def test_the_longest_standstill_is_one_with_work() -> None:
    def at(seconds: float, commit: int, newest: str, partition: int = 0) -> Sample:
        when = int(seconds * 1e9)
        return Sample(when, partition, "s", "b", commit, 0, f"{commit}-0", newest)

    idle = [at(0, 5, "5-0"), at(60, 5, "6-0")]
    assert longest_standstill([*idle, at(62, 6, "6-0")]) == (2.0, 0)
    assert longest_standstill([*idle, at(61, 5, "9-0"), at(65, 8, "9-0"), at(66, 9, "9-0")]) == (
        5.0,
        0,
    )
    other = [at(60, 0, "1-0", 1), at(70, 1, "1-0", 1)]
    assert longest_standstill([*idle, *other]) == (10.0, 1)
    assert longest_standstill([]) == (0.0, -1)


@pytest.fixture
def redis(valkey_url: str, namespace: str) -> Iterator[Any]:
    redis: Any = Redis.from_url(valkey_url)
    yield redis
    redis.delete(*redis.keys(f"*{namespace}*"))
    redis.close()


async def test_heads_are_sampled_while_they_move(
    redis: Any, valkey_url: str, namespace: str, tmp_path: Path
) -> None:
    keys, file = Keys(namespace), tmp_path / "samples.jsonl"
    sampler = Sampler(valkey_url, namespace, 2, file)
    redis.xadd(keys.branches(1), {"branch": "b1", "from": 0, "server": "s"})
    redis.hset(keys.sources(1), "bank/0", "7-x")
    redis.hset(keys.reaction(1, "bank"), "position", 3)
    redis.zadd(keys.timers(1), {"bell-1/known": 1, "bell-1/unknown": 2})
    redis.hset(keys.timer(1), "bell-1/known", "{}")

    def has_seen(commit: int) -> bool:
        return bool(sampler.samples) and sampler.samples[-1].commit == commit

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sampler.run)
        for commit in (1, 2, 4, 3):
            head = {"commit": commit, "position": commit, "command": f"{commit}-0"}
            redis.hset(keys.head(1), mapping=head)
            await eventually(partial(has_seen, commit), f"commit {commit} is seen")
        tasks.cancel_scope.cancel()
    samples = read_samples(file)
    assert samples == sampler.samples
    mine = [sample for sample in samples if sample.partition == 1]
    assert [sample.commit for sample in mine if sample.commit] == [1, 2, 4, 3]
    assert {sample.branch for sample in mine} == {"b1"}
    told = [(sample.marks, sample.reached, sample.unknown) for sample in mine]
    reached = {"bank": 3, "fulfilment": 0}
    assert told == [({"bank/0": "7-x"}, reached, ["bell-1/unknown"])] * len(mine)
    assert [s for s in went_back(samples) if "commit 4 went back to 3" in s]


async def test_a_server_that_is_away_is_looked_for_again(
    namespace: str, tmp_path: Path, unused_port: int
) -> None:
    sampler = Sampler(f"redis://127.0.0.1:{unused_port}", namespace, 1, tmp_path / "s.jsonl")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sampler.run)
        await eventually(lambda: sampler.misses > 2, "it misses the server more than once")
        tasks.cancel_scope.cancel()
    assert sampler.samples == []


@pytest.fixture
def unused_port() -> int:
    """A port where nobody listens."""
    import socket  # noqa: PLC0415

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
