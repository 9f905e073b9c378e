"""What a run was, in numbers, and what is wrong with what it left."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.faults.verdict import Verdict
from tests.faults.watch import Seen

BUSINESS = (
    "Finished", "Cancelled", "LetGo", "timer fired", "timer stale", "refusal noted", "decided late",
    "snapshot", "insufficient_inventory", "FulfilmentConfirmed", "FulfilmentFailed",
    "ReservationsShipped", "ReservationsReleased",
)  # fmt: skip
"""What must have been: each branch of transfers and orders, fates of timers, retries, snapshots."""


@dataclass
class Report:
    """One run. ``missed`` counts faults that had no effect: nobody was on that line.

    ``leases_lost`` is how often a process woke and found a lease somebody else's;
    ``flips`` counts builds that went live; ``stray_lines`` what engines and workers said
    that is no log event.
    """

    seed: int
    seconds: float
    struck: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    seen: Seen = field(default_factory=Seen)
    leases_lost: int = 0
    flips: int = 0
    stray_lines: int = 0
    verdict: Verdict = field(default_factory=Verdict)

    def __str__(self) -> str:
        """The lines that are printed."""
        seen, verdict = self.seen, self.verdict
        still = ", ".join(f"{role} {stall}" for role, stall in sorted(seen.longest.items()))
        return (
            f"seed {self.seed}, {self.seconds:g} s of {self.struck.total()} faults\n"
            f"  struck: {_listed(self.struck)}\n"
            f"  without effect: {_listed(self.missed)}\n"
            f"  takeovers: {_listed(seen.takeovers)}; taken back: {_listed(seen.taken_back)}; "
            f"leases found lost: {self.leases_lost}; generations flipped: {self.flips}; "
            f"stray lines in logs: {self.stray_lines}\n"
            f"  longest without progress: {still or 'none'}\n"
            f"  {verdict.acknowledged} of {verdict.commands} commands acknowledged in "
            f"{verdict.attempts} attempts: {_listed(verdict.answers)}; {verdict.events} events\n"
            f"  business: {_listed(verdict.business)}"
        )

    def too_little(  # noqa: PLR0913 -- what a real ordeal is
        self,
        kinds: Iterable[str],
        *,
        times: int,
        takeovers: int,
        flips: int,
        answers: int,
        business: int,
    ) -> str:
        """What of a real ordeal was missing; empty when it was one."""
        wanted = [
            *((f"faults of kind {kind!r}", self.struck[kind], times) for kind in kinds),
            ("takeovers by engines", self.seen.takeovers["engine"], takeovers),
            ("takeovers by workers", self.seen.takeovers["worker"], takeovers),
            ("flips of generations", self.flips, flips),
            ("acknowledged commands", self.verdict.acknowledged, answers),
            *((f"of {what!r}", self.verdict.business[what], business) for what in BUSINESS),
        ]
        return "; ".join(f"{had} {what}, not {least}" for what, had, least in wanted if had < least)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(counts.items())) or "none"
