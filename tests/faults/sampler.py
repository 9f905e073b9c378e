"""Watches every partition while faults strike: nothing that counts ever goes back.

Heads, marks of sources, checkpoints of routers: all are read in one step, over and over; a sample
is written down where something has changed. Away from the server, it comes back as soon as that
does.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from time import monotonic_ns
from typing import Any

import anyio
import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from engine.core.ids import stream_order
from engine.core.marks import UNMARKED, read_mark
from engine.store.keys import Keys
from tests.faults.checker import Window
from tests.faults.flaky import routers

PERIOD_SECONDS = 0.02
"""Between two looks: some commits fall between them, none is seen half."""

REPLY_SECONDS = 1.0
"""A server that takes longer is away, frozen or cut off: dial again."""


class Sample(msgspec.Struct, frozen=True):
    """One partition's head at one time (nanoseconds), and the newest command that waits.

    ``server`` is the process that answered. ``marks`` are those of sources, ``reached`` are the
    checkpoints of routers, ``unknown`` are timers that are due without a command.
    """

    at: int
    partition: int
    server: str
    branch: str
    commit: int
    position: int
    command: str
    newest: str
    partitions: int = 0
    late: str = "0-0"
    marks: dict[str, str] = {}
    reached: dict[str, int] = {}
    unknown: list[str] = []


class Sampler:
    """Samples one namespace into a file of one JSON document a line."""

    def __init__(self, url: str, namespace: str, partitions: int, file: Path) -> None:
        self._url, self._keys, self._partitions = url, Keys(namespace), partitions
        self._file = file
        self._last: dict[int, Sample] = {}
        self.samples: list[Sample] = []
        self.looks, self.misses = 0, 0

    async def run(self) -> None:
        """Look until cancelled."""
        retry = Retry(NoBackoff(), 0)
        redis: Any = Redis.from_url(
            self._url, protocol=2, retry=retry, socket_timeout=REPLY_SECONDS
        )
        try:
            with self._file.open("ab") as out:
                while True:
                    try:
                        await self.look(redis, out)
                    except (RedisError, OSError):
                        self.misses += 1
                    await anyio.sleep(PERIOD_SECONDS)
        finally:
            with anyio.CancelScope(shield=True):
                await redis.aclose()

    async def look(self, redis: Any, out: Any) -> None:
        """Read everything in one step and write down what has changed."""
        pipe = redis.pipeline(transaction=True)
        pipe.info("server")
        for partition in range(self._partitions):
            self._ask(pipe, partition)
        server, *said = await pipe.execute()
        at, each = monotonic_ns(), len(said) // self._partitions
        self.looks += 1
        for partition in range(self._partitions):
            own = said[each * partition : each * (partition + 1)]
            sample = self._sample(at, partition, server["run_id"], own)
            last = self._last.get(partition)
            if last is None or msgspec.structs.replace(sample, at=last.at) != last:
                self._last[partition] = sample
                self.samples.append(sample)
                out.write(msgspec.json.encode(sample) + b"\n")

    def _ask(self, pipe: Any, partition: int) -> None:
        """Have one partition's part of a look read."""
        keys, names = self._keys, ("commit", "position", "command", "partitions", "late")
        pipe.hmget(keys.head(partition), *names)
        pipe.xrevrange(keys.branches(partition), count=1)
        pipe.xrevrange(keys.commands(partition), count=1)
        pipe.hgetall(keys.sources(partition))
        pipe.zrange(keys.timers(partition), 0, -1).hkeys(keys.timer(partition))
        for router in routers:
            pipe.hget(keys.reaction(partition, router.name), "position")

    def _sample(self, at: int, partition: int, server: str, said: list[Any]) -> Sample:
        """What it came to."""
        head, branches, commands, marks, due, known, *reached = said
        return Sample(
            at, partition, server,
            branches[0][1][b"branch"].decode() if branches else "",
            int(head[0] or 0), int(head[1] or 0), (head[2] or b"0-0").decode(),
            commands[0][0].decode() if commands else "0-0", int(head[3] or 0),
            (head[4] or b"0-0").decode(),
            {source.decode(): mark.decode() for source, mark in marks.items()},
            {router.name: int(at or 0) for router, at in zip(routers, reached, strict=True)},
            [key.decode() for key in due if key not in known],
        )  # fmt: skip


def read_samples(file: Path) -> list[Sample]:
    """The samples in a file; a torn last line is passed over."""
    decoder = msgspec.json.Decoder(Sample)
    return [decoder.decode(line) for line in file.read_bytes().split(b"\n")[:-1]]


def went_back(samples: Iterable[Sample], lost: Sequence[Window] = ()) -> Iterator[str]:
    """What is wrong with the samples, as sentences; within ``lost`` a new server may lag."""
    before: dict[tuple[int, str], Sample] = {}
    for sample in samples:
        last = before.get((sample.partition, sample.branch))
        before[(sample.partition, sample.branch)] = sample
        if last is None:
            continue
        if last.server != sample.server and any(
            window.begins <= sample.at and last.at <= window.ends for window in lost
        ):
            continue
        yield from _judge(last, sample)


def _judge(last: Sample, now: Sample) -> Iterator[str]:
    """Two samples of one partition on one branch, one after the other."""
    place = f"partition {now.partition} on branch {now.branch}"
    if now.commit < last.commit:
        yield f"{place}: commit {last.commit} went back to {now.commit}"
    if now.position < last.position:
        yield f"{place}: position {last.position} went back to {now.position}"
    if stream_order(now.command) < stream_order(last.command):
        yield f"{place}: command {last.command} went back to {now.command}"
    changed = (now.position, now.command) != (last.position, last.command)
    if changed and now.commit == last.commit:
        yield (
            f"{place}: commit {now.commit} stands, but position and command went from "
            f"{last.position}, {last.command} to {now.position}, {now.command}"
        )
    if stream_order(now.late) < stream_order(last.late):
        yield f"{place}: late {last.late} went back to {now.late}"
    is_answered = (now.command, now.late) != (last.command, last.late)
    if now.position - last.position > 0 and not is_answered:
        yield f"{place}: position {now.position} without an outcome behind {last.command}"
    if last.partitions and now.partitions != last.partitions:
        yield f"{place}: {last.partitions} partitions became {now.partitions}"
    yield from _judge_inside(place, last, now)


def _judge_inside(place: str, last: Sample, now: Sample) -> Iterator[str]:
    """What is known of commands from inside, and of those that are to come."""
    for source, mark in last.marks.items():
        after = now.marks.get(source, str(UNMARKED))
        if not _goes_on(source, mark, after):
            yield f"{place}: the mark of {source} went back from {mark} to {after}"
    for router, before in last.reached.items():
        position = now.reached.get(router, 0)
        if position < before:
            yield f"{place}: {router} went back from {before} to {position}"
        if position > now.position:
            yield f"{place}: {router} has read {position}, and there are {now.position}"
    if now.unknown:
        yield f"{place}: {now.unknown} are due, and nobody knows what for"


def _goes_on(source: str, before: str, after: str) -> bool:
    """Whether a mark may follow another; one of a router tells nothing of another branch."""
    if source == "inbox":
        return stream_order(before) <= stream_order(after)
    past, now = read_mark(before), read_mark(after)
    return now.branch not in (past.branch, UNMARKED.branch) or past.position <= now.position


def longest_standstill(samples: Iterable[Sample]) -> tuple[float, int]:
    """The longest time that a partition with commands waiting committed nothing.

    In seconds, and which partition that was.
    """
    by_partition: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_partition[sample.partition].append(sample)
    longest, where = 0, -1
    for partition, own in by_partition.items():
        since: int | None = None
        for last, now in zip([None, *own], own, strict=False):
            if since is not None:
                longest, where = max((longest, where), (now.at - since, partition))
            waiting = stream_order(now.newest) > stream_order(now.command)
            moved = last is None or now.commit != last.commit or now.server != last.server
            since = None if not waiting else (now.at if moved or since is None else since)
    return longest / 1e9, where
