"""Timers and schedules in real processes, on a real server: once, whoever is killed meanwhile."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from engine.core.routing import partition_of
from engine.edge.binary import Binary
from engine.store.keys import Keys
from tests.edge.command_line import Semel
from tests.eventually import eventually
from tests.faults import yearly
from tests.faults.clock import Clock
from tests.faults.program import Program, ending, semel
from tests.faults.server import Server
from tests.runtime import bells

PARTITIONS, BELLS, TIMERS = 4, 40, 400
KEYS = Keys("semel")
SECONDS = 50
"""The longest that anything here may take, on a machine that does much else."""


async def test_every_timer_fires_once_whoever_is_killed(
    valkey_binary: Binary, tmp_path: Path
) -> None:
    server = Server(valkey_binary, tmp_path, "redis", Clock(tmp_path))
    with cast(server, tmp_path) as engines:
        await server.start()
        line = Semel(server.url, "semel")
        assert line.process("init", "--partitions", str(PARTITIONS)).code == 0
        for engine in engines:
            engine.start()
        await set_off(server)
        for count, victim in ((40, engines[0]), (120, server.program), (200, engines[1])):
            await fired(server, count)
            victim.kill()
            await server.start() if victim is server.program else victim.start()
        texts = await fired(server, TIMERS)
        assert sorted(texts) == sorted(map(str, range(TIMERS)))
        async with server.admin() as redis:
            for partition in range(PARTITIONS):
                left = await redis.exists(KEYS.timers(partition), KEYS.timer(partition))
                assert left == 0
        await ended(engines)
        assert line.process("verify").code == 0


async def test_what_was_missed_is_made_up_for_once_whoever_is_killed(
    valkey_binary: Binary, tmp_path: Path
) -> None:
    server = Server(valkey_binary, tmp_path, "redis", Clock(tmp_path))
    sources = KEYS.sources(partition_of(yearly.AGGREGATE, PARTITIONS))
    with cast(server, tmp_path, yearly.__name__) as engines:
        await server.start()
        line = Semel(server.url, "semel")
        assert line.process("init", "--partitions", str(PARTITIONS)).code == 0
        async with server.admin() as redis:
            await redis.hset(sources, "schedule/yearly", f"0 {yearly.TIMES}")
        for engine in engines:
            engine.start()
        assert len(await fired(server, 1)) == 1
        for engine in engines:
            engine.kill()
            engine.start()
        async with server.admin() as redis:
            mark = await redis.hget(sources, "schedule/yearly")
            served = partial(_is_held, redis, KEYS.schedule("yearly"))
            await eventually(served, "the schedule is served again", SECONDS)
            await ended(engines)
            assert await redis.hget(sources, "schedule/yearly") == mark
        assert len(await fired(server, 1)) == 1


async def ended(engines: list[Program]) -> None:
    """Ask engines to end, once they have begun, and wait until they have."""
    for engine in engines:
        begun = partial(_has_begun, engine)
        await eventually(begun, f"{engine.name} has begun", SECONDS)
        engine.ask_to_end()
        await engine.ended_well(SECONDS)


def _has_begun(engine: Program) -> bool:
    """Whether the one of now has said what it is called: that has its pid in it."""
    return f"-{engine.process.pid}-" in engine.log.read_text()


async def _is_held(redis: Any, lease: str) -> bool:
    """Whether a lease is somebody's who lives."""
    node, pids = await redis.hget(lease, "node"), await redis.zrange(KEYS.nodes(), 0, -1)
    return node is not None and node in pids


@contextmanager
def cast(server: Server, place: Path, handlers: str = bells.__name__) -> Iterator[list[Program]]:
    """Two engines, and the server; nothing of them is left behind."""
    said = {
        "SEMEL_REDIS": server.url, "SEMEL_HANDLERS": handlers,
        "SEMEL_PROJECTIONS": "none", "PYTHONPATH": ".",
    }  # fmt: skip
    engines = [
        Program(name, semel("run"), place / f"{name}.log", said)
        for name in ("engine-a", "engine-b")
    ]
    with ending([server.program, *engines]):
        yield engines


async def set_off(server: Server) -> None:
    """Have timers set, by commands through the inbox: all within the next seconds."""
    async with server.admin() as redis, redis.pipeline(transaction=False) as pipe:
        for n in range(TIMERS):
            wanted = {"name": f"n{n}", "text": str(n), "after": 0.5 + 6 * n / TIMERS}
            entry = {"type": "SetOff", "aggregate": f"bell-{n % BELLS}", "data": json.dumps(wanted)}
            pipe.xadd(KEYS.inbox(), entry)
        await pipe.execute()


async def fired(server: Server, count: int) -> list[str]:
    """What timers have said, once so many have fired."""

    async def found() -> list[str] | None:
        texts = []
        try:
            async with server.admin() as redis:
                for partition in range(PARTITIONS):
                    log: Any = await redis.xrange(KEYS.log(partition))
                    texts += [
                        json.loads(fields["data"])["text"]
                        for _, fields in log
                        if fields["type"] == "Reminded"
                    ]
        except RedisError:
            return None
        return texts if len(texts) >= count else None

    return await eventually(found, f"{count} timers have fired", SECONDS) or []
