"""How fast a client can add commands: as the SDK does it, many at once and one after the other.

No engine runs: what is measured are ids, fields, and the way to the stream and back.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import anyio
from msgspec import structs

from engine import app
from engine.core.errors import SemelError
from engine.core.ids import uuid7
from engine.core.routing import partition_of
from engine.edge.bench import wording, workload
from engine.edge.bench.figures import Rated, ratio
from engine.edge.bench.stage import Stage
from engine.edge.bench.workload import Wish
from engine.edge.entries import entry_fields

BATCH = 512
"""Commands that are sent before the first of them is waited for."""

_SINGLE_SHARE = 20
"""One by one each takes a round trip: so many fewer are enough."""


class Submitted(Rated, frozen=True, kw_only=True):
    """Commands per second in batches, ``single_`` one by one; what one costs this process."""

    client_us: float
    single_per_second: float
    single_ratio_to_raw: float = 0.0

    def beside(self, raw: float) -> Self:
        """The same with both ratios."""
        single = ratio(self.single_per_second, raw)
        return structs.replace(super().beside(raw), single_ratio_to_raw=single)


async def submit(stage: Stage) -> Submitted:
    """Measure both, in a process that does nothing else."""
    many = stage.plan.commands
    one_by_one = max(100, many // _SINGLE_SHARE)
    async with app.namespace_session(stage.settings, create=app.DEFAULT_PARTITIONS) as session:
        used, began = time.process_time(), time.perf_counter()
        for first in range(0, many, BATCH):
            await _batch(session, workload.created(range(first, min(many, first + BATCH))))
        taken, used = time.perf_counter() - began, time.process_time() - used
        began = time.perf_counter()
        for wish in workload.created(range(many, many + one_by_one)):
            await _batch(session, iter([wish]))
        single = time.perf_counter() - began
    return Submitted(
        per_second=many / taken, client_us=used / many * 1e6, single_per_second=one_by_one / single
    )


def add(session: app.RedisSession, wish: Wish, told: Callable[[str | SemelError], None]) -> None:
    """Add a command as the SDK does: a new id, its fields, its partition; wait for nothing."""
    fields = entry_fields(wish.type, wish.order, wish.data, uuid7(time.time_ns() // 1_000_000), b"")
    session.submit(partition_of(wish.order, session.partitions), fields, told)


async def _batch(session: app.RedisSession, wishes: Iterator[Wish]) -> None:
    """Add commands, and wait until all stand in their streams."""
    left, done = 0, anyio.Event()
    refused: list[SemelError] = []

    def told(entry: str | SemelError) -> None:
        nonlocal left
        left -= 1
        if isinstance(entry, SemelError):
            refused.append(entry)
        if left == 0:
            done.set()

    for wish in wishes:
        left += 1
        add(session, wish, told)
    await done.wait()
    if refused:
        raise refused[0]


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    for mark, how in (("", f"{BATCH} at once"), ("single_", "one by one")):
        beside = f"{said[f'{mark}ratio_to_raw']:.3f} x raw"
        yield f"{wording.spread('submit', 'commands/s', mark, said)}, {how}: {beside}"
    yield f"            client: {said['client_us']:.1f} us each"
