"""What is left after a run, held against what clients were told: by everything that can judge.

The checker has the clients' histories and all of Redis, ``semel verify`` has Redis alone,
and the sampler has seen every head on its way.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio

from engine import app, settings
from tests.faults.cast import NAMESPACE, Cast
from tests.faults.checker import check
from tests.faults.histories import dump
from tests.faults.ledger import business
from tests.faults.program import ROOT, semel
from tests.faults.rebuilds import strangers
from tests.faults.sampler import Sample, went_back
from tests.faults.stock import trade


@dataclass
class Verdict:
    """How much was looked at, and everything that is wrong; ``business`` is what was done."""

    attempts: int = 0
    commands: int = 0
    acknowledged: int = 0
    events: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    business: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


async def judged(cast: Cast, samples: Sequence[Sample]) -> Verdict:
    """Read everything, once nobody writes any more."""
    attempts = cast.attempts
    set_up = settings.load(redis=cast.server.url, namespace=NAMESPACE)
    async with app.namespace_session(set_up) as session:
        dumped = await dump(session, await _verified(cast))
    async with cast.server.admin() as redis:
        left = await strangers(redis)
        kept = [key async for key in redis.scan_iter(f"*{NAMESPACE}:*:snapshot:*", count=1000)]
    checked = check(attempts, dumped, cast.lost, frozenset(cast.others))
    answers = [attempt for attempt in attempts if attempt.outcome is not None]
    return Verdict(
        attempts=len(attempts),
        commands=len({attempt.key for attempt in attempts}),
        acknowledged=len({attempt.key for attempt in answers}),
        events=len(dumped.events),
        answers=Counter(a.outcome.status.value for a in answers if a.outcome is not None),
        business=business(dumped) + trade(dumped) + Counter({"snapshot": len(kept)}),
        faults=[str(one) for one in checked.violations]
        + list(went_back(samples, cast.lost))
        + left,
    )


async def _verified(cast: Cast) -> list[str]:
    """What ``semel verify`` finds, a line each; all that it says where it could not look."""
    words = ["verify", "--redis", cast.server.url, "--namespace", NAMESPACE, "-o", "jsonl"]
    ran = await anyio.run_process(semel(*words), cwd=ROOT, check=False)
    found = ran.stdout.decode().splitlines()
    return found if ran.returncode in (0, 1) else [f"semel verify: {ran.stderr.decode()}"]
