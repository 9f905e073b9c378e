"""The auditor: what one worker does for a projection's live rows, while it has the lease.

All the time, and for a hundredth of it, it holds some rows and index entries against the log
(`engine.core.audit.spot`). What differs, and differs when it is looked at again, is an alarm:
a lag of zero says nothing of an event that was missed.

It changes nothing. It judges only what its own code has made, and says nothing of a generation
that was flipped away, given up or removed while it looked: then it goes on with what is live.
"""

from collections.abc import Sequence
from contextlib import aclosing
from random import SystemRandom

import anyio

from engine.core.audit.findings import Finding
from engine.core.audit.spot import SpotChecks
from engine.core.audit.subject import Steps, Subject
from engine.core.errors import Refused, Torn
from engine.core.generations import NONE, Generations
from engine.core.ports import Session
from engine.core.registry import Domain
from engine.runtime.pace import paced
from engine.runtime.progress import Progress
from engine.telemetry import log, metrics

STEPS = Steps(page=64, events=16, rows=10)
"""Each a millisecond at the most, of Redis's time or ours: so long may a projector wait."""

CALM_SECONDS = 1.0
"""Between two checks: small logs are read in no time, and need not be read all the time."""

REST_SECONDS = 30.0
"""Before the next check where Redis refuses the reading of one, or holds what cannot be read."""

NAMED_LIMIT = 20
"""Findings of one check that are named: who has more hears of the others in later ones."""

KNOWN_LIMIT = 10_000
"""Places that are remembered to have been named; then they are forgotten, and named again."""

_known: set[tuple[str, str, str]] = set()
"""Places that this process has named as wrong: each is named once, however often it has the
lease."""


class Auditor:
    """The live generation of one projection, while this process audits it.

    ``digest`` is that of the code found here.
    """

    kind = "auditor"

    def __init__(
        self, projection: str, digest: str, session: Session, domain: Domain, load: float
    ) -> None:
        self._name, self._digest, self._load = projection, digest, load
        self._session, self._domain = session, domain
        self.progress = Progress()
        self._stopping = anyio.Event()
        self._generation, self._checks = NONE, self._spot_checks(NONE)
        self._trouble = ""

    def stop(self) -> None:
        """Finish the step in hand."""
        self._stopping.set()

    async def serve(self, token: str) -> None:
        """Audit until stopped; the lease only keeps others from doing the same."""
        del token
        while not self._stopping.is_set():
            try:
                await self._audit()
                self._trouble, seconds = "", CALM_SECONDS
            except (Refused, Torn) as error:
                self._say_why_not(str(error))
                seconds = REST_SECONDS
            with anyio.move_on_after(seconds):
                await self._stopping.wait()

    async def _audit(self) -> None:
        """One check of what is live, if it is this code's."""
        found = await self._session.builds.read(self._name)
        if not self._may_judge(found, found.live):
            return
        if found.live != self._generation:
            self._generation, self._checks = found.live, self._spot_checks(found.live)
        async with aclosing(self._checks.next()) as steps:
            async for _ in paced(steps, self._load, self._stopping):
                self.progress.moved()
        if self._stopping.is_set():
            return
        # Asked afterwards: what is removed is first said to be over.
        found = await self._session.builds.read(self._name)
        if self._may_judge(found, self._generation):
            metrics.AUDIT_ROWS.labels(self._name).inc(self._checks.rows)
            self._say(self._checks.findings)

    def _may_judge(self, found: Generations, generation: int) -> bool:
        """Whether a generation is this code's, and still there."""
        return generation in found.of_code(self._digest)

    def _spot_checks(self, generation: int) -> SpotChecks:
        projection = self._domain.projections[self._name]
        evidence = self._session.evidence(self._name, generation, projection.indexes)
        partitions = self._session.partitions
        subject = Subject(evidence, self._domain, projection, partitions, STEPS)
        return SpotChecks(subject, SystemRandom())

    def _say(self, findings: Sequence[Finding]) -> None:
        """Raise the alarm for what was not named before."""
        # Two looks of one check, at a row and at its groups, may meet the same place.
        news = {each.place: each for each in findings if each.place not in _known}
        for finding in [*news.values()][:NAMED_LIMIT]:
            if len(_known) >= KNOWN_LIMIT:
                _known.clear()
            _known.add(finding.place)
            metrics.AUDIT_DIFFERENCES.labels(self._name).inc()
            log.error(
                "projection.differs", projection=self._name, generation=self._generation,
                check=finding.check, key=finding.key, row=finding.row, field=finding.field,
                expected=finding.expected, found=finding.found,
            )  # fmt: skip

    def _say_why_not(self, error: str) -> None:
        if error != self._trouble:
            self._trouble = error
            log.warning("projection.unaudited", projection=self._name, error=error)
