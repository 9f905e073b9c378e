"""Watching in memory: a projection that is kept up or not, and watches that follow each other."""

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio

from engine.core.alerting import About, read_alarms
from engine.core.records import Checkpoint
from engine.runtime.watch import Watch
from projections.customers import customers
from tests.eventually import eventually
from tests.runtime.meddling import Meddler
from tests.runtime.reading import PARTITION, Reading, reading
from tests.runtime.stage import PARTITIONS

FOR_SECONDS = 10
_SETTINGS = {"alert_for_seconds": FOR_SECONDS, "alert_lag_seconds": 20}
_LONG_LEASE = 60.0

Lines = list[MutableMapping[str, Any]]


class Watched:
    """A stage where customers are projected, or not, and watches that follow each other."""

    def __init__(self, r: Reading, lines: Lines) -> None:
        self.r, self.lines, self._tokens, self.looks = r, lines, 0, 0
        self.report = ""
        """What the worker says of the partition, if anything."""
        roster: Any = Meddler(r.session.roster, before={"members": self._looked})
        r.session.roster = roster

    async def _looked(self) -> None:
        self.looks += 1
        if self.report:
            key = self.r.session.projection_lease(customers.name, 1, PARTITION)
            about = {"state": "serving", "reports": f'{{"{key}":{self.report}}}'}
            await self.r.session.roster.farewell("w")
            await self.r.session.roster.beat("w", about, 60)

    async def seen(self) -> None:
        """Until everything has been looked at once more, and that was judged."""
        before = self.looks
        await eventually(lambda: self.looks >= before + 3, "it is looked again")

    async def waits(self, seconds: int = FOR_SECONDS + 1) -> None:
        """Let time go by, until somebody has been told."""
        for _ in range(seconds):
            self.r.stage.clock.now += 1
            await eventually(partial(self._is_seen, self.looks), "it is looked, or told")

    def _is_seen(self, before: int) -> bool:
        return self.looks > before or bool(self.told())

    async def lasts(self, seconds: int = FOR_SECONDS + 1) -> None:
        """Let time go by, with a look at each second."""
        for _ in range(seconds):
            self.r.stage.clock.now += 1
            await self.seen()

    @asynccontextmanager
    async def watching(self, url: str | None = None) -> AsyncIterator[Watch]:
        """A watch until the end of the block."""
        token = await self.acquire()
        watch = self.make(url)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch.serve, token)
            await self.seen()
            yield watch
            watch.stop()

    def make(self, url: str | None = None) -> Watch:
        settings = self.r.stage.settings.model_copy(update={"alert_webhook": url})
        return Watch(self.r.session, (customers.name,), settings, "node-a")

    async def acquire(self) -> str:
        """Take the lease, whoever has it."""
        self._tokens += 1
        key, token = self.r.session.watch_lease(), f"w{self._tokens}"
        self.r.stage.server.data.remove(key)
        assert await self.r.session.leases.acquire(key, "node-a", token, _LONG_LEASE)
        return token

    async def own(self, *partitions: int) -> None:
        """Have a worker hold partitions, and renew them for ever."""
        for partition in partitions or range(PARTITIONS):
            key = self.r.session.projection_lease(customers.name, 1, partition)
            far = int((self.r.stage.clock.now + 50) * 1000)
            self.r.stage.server.data.put(
                key, {"node": "w", "token": f"t{partition}", "until": str(far)}
            )

    async def apply(self, upto: int, notes: dict[str, str] | None = None) -> None:
        """Have the worker apply the log so far."""
        log = self.r.session.log(customers.name, 1, (), PARTITION, f"t{PARTITION}")
        before = (await log.checkpoint()).position
        await log.apply(before, Checkpoint(upto, f"{upto}-7", "b"), (), notes or {})

    def told(self) -> list[str]:
        """What the log says was told."""
        return [line["event"] for line in self.lines if line["event"].startswith("projection.")]

    def kept(self) -> dict[str, str]:
        """What is remembered, as it stands."""
        return dict(self.r.stage.server.data.hash(self.r.stage.keys.alarms()))

    def alarms(self) -> set[About]:
        """What it is about."""
        return set(read_alarms(self.kept()))


@asynccontextmanager
async def watched(lines: Lines, **settings: Any) -> AsyncIterator[Watched]:
    """A log of six events that nobody has read yet, and nobody who watches."""
    async with reading(**(_SETTINGS | settings)) as r:
        yield Watched(r, lines)
