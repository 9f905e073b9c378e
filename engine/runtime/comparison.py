"""Comparing the live generation's rows with those of the one before, while both are kept up."""

import anyio

from engine.core.comparing import Comparing, written
from engine.core.generations import Generations
from engine.core.ports import Builds
from engine.core.ports.building import Pair
from engine.runtime.pace import paced
from engine.telemetry import log

SHARE = 0.2
"""Of the time that comparing may take."""

UNSETTLED_LIMIT = 5000
"""Rows that are looked at again because they had moved on in one generation only."""

ROUNDS = 5
"""How often they are looked at again."""

ROUND_SECONDS = 0.2
"""Before they are: both generations apply an event within milliseconds of each other."""

SHOWN = 3
"""Rows that a log line names."""


async def compare(
    builds: Builds, projection: str, found: Generations, stopping: anyio.Event
) -> None:
    """Compare all rows, note and say what came of it; nothing is noted when stopped before."""
    live, previous = found.live, found.previous
    comparing = Comparing(
        await builds.positions(projection, live),
        await builds.positions(projection, previous),
        same_code=found.digest == found.previous_digest,
    )
    unsettled: list[Pair] = []
    async for page in paced(builds.pairs(projection, live, previous), SHARE, stopping):
        moving = [pair for pair in page if not comparing.take(pair)]
        unsettled += moving[: UNSETTLED_LIMIT - len(unsettled)]
        comparing.result.unsettled += len(moving)
    for _ in range(ROUNDS):
        if not unsettled or stopping.is_set():
            break
        await anyio.sleep(ROUND_SECONDS)
        rows = [pair.row for pair in unsettled]
        pairs = await builds.paired(projection, live, previous, rows)
        unsettled = [pair for pair in pairs if not comparing.take(pair)]
        comparing.result.unsettled -= len(rows) - len(unsettled)
    if not stopping.is_set():
        await _judge(builds, projection, found, comparing)


async def _judge(builds: Builds, projection: str, found: Generations, comparing: Comparing) -> None:
    result = comparing.result
    if not await builds.revise(projection, found.judged(written(result))):
        return
    first = [each.row for each in result.examples[:SHOWN]]
    log.info(
        "projection.compared", projection=projection, live=found.live, previous=found.previous,
        same_code=result.same_code, rows=result.rows, differ=result.differ,
        unsettled=result.unsettled, first=first,
    )  # fmt: skip
    if result.differ and result.same_code:
        log.error(
            "projection.differs", projection=projection, generation=found.previous,
            rows=result.differ, first=first,
        )  # fmt: skip
