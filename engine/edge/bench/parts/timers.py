"""How late timers are: so many a second, due one after the other, in as many partitions as usual.

All are set beforehand, by commands. Then this process reads every log as it grows: what was due
when stands in each event, when the timer became a command in the id of that command. Server,
engine and this process run on one machine and have one clock.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import anyio
import msgspec

from engine import app
from engine.core.codec import came_ms, logged
from engine.core.errors import SemelError
from engine.core.ports import Subscription
from engine.core.routing import partition_of
from engine.edge.bench import usage, wire, wording
from engine.edge.bench.figures import Latency
from engine.edge.bench.nodes import running, share_evenly
from engine.edge.bench.parts import chimes
from engine.edge.bench.wire import Packet
from engine.edge.bench.workload import PER_WRITE, SOCKETS
from engine.settings import Settings

_CHIMES = 1000
"""Aggregates that the timers are spread over."""

_SET_PER_SECOND = 4000
"""Timers that are surely set in a second before the first is due."""

_BEGIN_SECONDS = 1.0

_PATIENCE_SECONDS = 60.0
"""A timer that is so late will never fire."""


class Punctuality(msgspec.Struct, frozen=True):
    """How late timers were: to their commands, and to the events of these, seen by a reader.

    ``engine_us`` is what one costs the engine, from its time to its event, in microseconds of a
    core: so many of them that this times the rate is a second are more than one core can do.
    """

    rate: int
    fired: Latency
    handled: Latency
    engine_us: float


async def timers(settings: Settings, rate: int, seconds: float) -> Punctuality:
    """Have so many timers fire in each second."""
    count = int(rate * seconds)
    here = settings.model_copy(update={"handlers": chimes.__name__, "projections": "none"})
    async with (
        app.namespace_session(here, create=app.DEFAULT_PARTITIONS) as session,
        running(here, "run") as engine,
    ):
        partitions = range(session.partitions)
        await share_evenly(session, [session.partition_lease(n) for n in partitions], 1)
        begin = time.time() + _BEGIN_SECONDS + count / _SET_PER_SECOND
        due = [int((begin + n / rate) * 1000) for n in range(count)]
        packets = _packets([session.commands_key(n) for n in partitions], due)
        port = int(settings.redis.rpartition(":")[2].partition("/")[0])
        await anyio.to_thread.run_sync(partial(wire.send, port, packets, SOCKETS))
        feed = await session.feed()
        ear = _Ear(count)
        await anyio.sleep(begin - time.time())
        used = usage.cpu_seconds(engine.pid)
        with anyio.move_on_after(seconds + _PATIENCE_SECONDS):
            async with anyio.create_task_group() as tasks:
                for number in partitions:
                    tasks.start_soon(ear.hear, feed.subscribe(session.log_key(number), "0-0"))
                await ear.all_heard.wait()
                tasks.cancel_scope.cancel()
        used = usage.cpu_seconds(engine.pid) - used
    if len(ear.handled) != count:
        raise SemelError(f"of {count} timers {len(ear.handled)} have fired")
    fired, handled = Latency.of(ear.fired), Latency.of(ear.handled)
    return Punctuality(rate, fired, handled, used / count * 1e6)


class _Ear:
    """What is heard of chimes: how late each was, in seconds."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.fired: list[float] = []
        self.handled: list[float] = []
        self.all_heard = anyio.Event()

    async def hear(self, subscription: Subscription) -> None:
        """Listen to one partition's log."""
        while (entries := await subscription.take()) is not None:
            now = time.time()
            for event in map(logged, entries):
                at = msgspec.json.decode(event.data, type=chimes.Chimed).at_ms / 1000
                self.fired.append(came_ms(event.meta) / 1000 - at)
                self.handled.append(now - at)
            if len(self.handled) >= self._count:
                self.all_heard.set()


def _packets(keys: Sequence[str], due: Sequence[int]) -> Iterator[Packet]:
    """Writes that add the commands which set these timers."""
    wishes = iter(enumerate(due))
    while some := list(islice(wishes, PER_WRITE)):
        yield b"".join(_entry(keys, number, at) for number, at in some), len(some)


def _entry(keys: Sequence[str], number: int, at: int) -> bytes:
    chime = f"chime-{number % _CHIMES}"
    return wire.packed(
        b"XADD", keys[partition_of(chime, len(keys))].encode(), b"*", b"type", b"SetChime",
        b"aggregate", chime.encode(), b"data", b'{"at_ms":%d}' % at,
    )  # fmt: skip


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    yield f"timers      {wording.times('late when fired', said['fired'])}"
    yield f"            {wording.times('late when handled', said['handled'])}"
    yield f"            {said['rate']:,} a second; engine: {said['engine_us']:.0f} us each"
