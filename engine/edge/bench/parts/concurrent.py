"""What one Python client process and one engine process get done with many commands in flight.

A rate on two cores: client, engine and server are processes of their own. Each of so many callers
has one command under way, and sends the next when it is answered.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Self

from msgspec import structs

from engine import app
from engine.edge.bench import wording
from engine.edge.bench.driver import Driven, drive
from engine.edge.bench.figures import Rated, ratio
from engine.edge.bench.nodes import running, share_evenly
from engine.edge.bench.stage import Stage

FEW, MANY = 64, 512
"""Commands in flight."""

_SHARE = 5
"""A client is that much slower than a drain: so many commands fewer make as long a run."""


class Concurrent(Rated, frozen=True, kw_only=True):
    """Outcomes per second with `MANY` in flight; ``few_`` is with `FEW`."""

    few_per_second: float
    few_ratio_to_raw: float = 0.0
    few: Driven
    many: Driven

    def beside(self, raw: float) -> Self:
        """The same with both ratios."""
        few = ratio(self.few_per_second, raw)
        return structs.replace(super().beside(raw), few_ratio_to_raw=few)


async def concurrent(stage: Stage) -> Concurrent:
    """Measure both, one after the other, on one system."""
    count = max(100, stage.plan.commands // _SHARE)
    settings = stage.settings
    async with (
        app.namespace_session(settings, create=app.DEFAULT_PARTITIONS) as session,
        running(settings, "run"),
    ):
        await share_evenly(
            session, [session.partition_lease(n) for n in range(session.partitions)], 1
        )
        few = await drive(settings, 0, count, in_flight=FEW)
        many = await drive(settings, count * 2, count, in_flight=MANY)
    return Concurrent(per_second=many.per_second, few_per_second=few.per_second, few=few, many=many)


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The lines of this part."""
    for number, mark, of in ((FEW, "few_", said["few"]), (MANY, "", said["many"])):
        least, most = said[f"{mark}ratio_to_raw_range"]
        yield f"{wording.spread('concurrent', 'outcomes/s', mark, said)}, {number} in flight"
        yield f"            {wording.times('submit to outcome', of['latency'])}"
        yield (
            f"            client: {of['client_us']:.0f} us each, busy {of['client_share']:.0%}; "
            f"{said[f'{mark}ratio_to_raw']:.4f} x raw ({least:.4f} to {most:.4f})"
        )
