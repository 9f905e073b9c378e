"""Auditing one generation from the command line: see `engine.core.audit.generation`."""

import secrets
from collections.abc import Callable
from contextlib import aclosing
from math import ceil
from typing import TYPE_CHECKING, Any

from engine.core.audit.findings import Finding
from engine.core.audit.generation import GenerationAudit as Audit
from engine.core.audit.subject import Steps, Subject
from engine.core.errors import Misuse, NotFound
from engine.core.generations import Generations
from engine.core.projection import Projection
from engine.core.registry import Domain
from engine.core.spelling import meant

if TYPE_CHECKING:
    from engine.app import RedisSession

STEPS = Steps(page=1000, events=1000, rows=50)
"""Each a millisecond or two of Redis's time; whoever waits for the verb does nothing else."""

_SEED_BYTES = 16
"""Every run goes through the rows in another order, and a sample is another one."""


class GenerationAudit(Audit):
    """One generation of one projection; ``tell`` hears how many events more have been read."""

    def __init__(  # noqa: PLR0913 -- what is audited, how much of it, and who hears of it
        self,
        session: "RedisSession",
        domain: Domain,
        projection: Projection[Any],
        number: int,
        tell: Callable[[int], None],
        sample: int | None = None,
    ) -> None:
        evidence = session.evidence(projection.name, number, projection.indexes)
        subject = Subject(evidence, domain, projection, session.partitions, STEPS)
        super().__init__(subject, secrets.token_bytes(_SEED_BYTES), sample)
        self._builds, self._name, self._number = session.builds, projection.name, number
        self._tell = tell
        self.is_over = False
        """Whether the generation went meanwhile: then nothing is said of it."""

    async def run(self) -> list[Finding]:
        """Fold and compare; returns what is wrong."""
        async with aclosing(self.steps()) as steps:
            async for events in steps:
                self._tell(events)
        # Asked afterwards: what is removed is first said to be over.
        self.is_over = (await self._builds.read(self._name)).is_over(self._number)
        return [] if self.is_over else self.findings

    @property
    def place(self) -> str:
        """What is being read, for those who watch."""
        rows = f"rows of {self._name}@{self._number}"
        if self._sample or self.share in (0.0, 1.0):
            return rows
        return f"{rows}, pass {self.passes} of about {ceil(self.passes / self.share)}"


async def generation_of(
    session: "RedisSession", domain: Domain, name: str, number: int | None = None
) -> tuple[Projection[Any], int, Generations]:
    """A projection whose code is here, and one of its generations: the live one unless told.

    Raises `NotFound` where there is no such projection or generation, `Misuse` where its code
    is not here.
    """
    found = await session.builds.read(name)
    projection = domain.projections.get(name)
    if projection is None:
        known = ", ".join(sorted(domain.projections)) or "none"
        if not found.revision and not any(await session.builds.positions(name, found.live)):
            hint = meant(name, domain.projections)
            raise NotFound(f"there is no projection {name}. {hint}Those in the code here: {known}")
        raise Misuse(
            f"the code of {name} is not here, and rows are folded with it: run this in the "
            f"project's directory, or name its package (the setting projections). Those here: "
            f"{known}"
        )
    if number is not None and number not in found.kept:
        there = ", ".join(map(str, found.kept))
        raise NotFound(f"{name} has no generation {number}; it has {there}")
    return projection, found.live if number is None else number, found
