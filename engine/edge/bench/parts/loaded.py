"""How long commands take while many come: at a quarter, a half and three quarters of the most.

The most is what one client process gets done with `MANY` in flight. Then it sends in an open loop,
so that waiting is counted from the time at which a command was due.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from engine.edge.bench import wording
from engine.edge.bench.driver import Driven, drive
from engine.edge.bench.figures import ratio
from engine.settings import Settings

MANY = 512
SHARES = (25, 50, 75)
"""Percents of the most."""

HALF = "50"


class Loaded(msgspec.Struct, frozen=True):
    """By percents of ``most`` commands a second; ``half_p99_to_p50`` is at a half of it."""

    most: float
    at: dict[str, Driven]
    half_p99_to_p50: float


async def loaded(settings: Settings, first: int, samples: int) -> Loaded:
    """Find the most, then send so many commands at each share of it."""
    most = (await drive(settings, first, samples, in_flight=MANY)).per_second
    at: dict[str, Driven] = {}
    for share in SHARES:
        # Each client begins behind what the one before it has sent, its warming up included.
        first += samples * 2
        at[str(share)] = await drive(settings, first, samples, rate=most * share / 100)
    half = at[HALF].latency
    return Loaded(most, at, ratio(half.p99, half.p50))


def lines(said: Mapping[str, Any]) -> Iterator[str]:
    """What is said of it."""
    for share, seen in said["at"].items():
        yield f"            {wording.times(f'outcome at {share}%', seen['latency'])}"
        yield (
            f"            {seen['per_second']:,.0f} of {said['most']:,.0f} commands/s; client busy "
            f"{seen['client_share']:.0%}, sent p99 {seen['late']['p99']:.2f} ms late"
        )
    yield f"            at half load p99 is {said['half_p99_to_p50']:.1f} x p50"
