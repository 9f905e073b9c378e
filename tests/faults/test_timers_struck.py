"""Timers in real processes, on a real server: each fires once, whoever is killed meanwhile."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from engine.edge.binary import Binary
from engine.store.keys import Keys
from tests.edge.command_line import Semel
from tests.eventually import eventually
from tests.faults.clock import Clock
from tests.faults.program import Program, ending, semel
from tests.faults.server import Server

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
        for engine in engines:
            engine.ask_to_end()
            await engine.ended_well(SECONDS)
        assert line.process("verify").code == 0


@contextmanager
def cast(server: Server, place: Path) -> Iterator[list[Program]]:
    """Two engines, and the server; nothing of them is left behind."""
    said = {
        "SEMEL_REDIS": server.url, "SEMEL_HANDLERS": "tests.runtime.bells",
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
