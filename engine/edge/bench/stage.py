"""What a part is given to measure with: an empty server of its own, and the plan."""

from typing import NamedTuple

from engine.app import DEFAULT_PARTITIONS
from engine.core.registry import Domain
from engine.edge.bench.plan import Plan
from engine.edge.binary import Binary
from engine.settings import Settings

UNDISTURBED = ("--auto-aof-rewrite-percentage", "0")
"""Options of a server that is measured. Its file outgrows 64 MB within seconds here, and then a
fork that writes it anew takes a core: by chance, in the middle of one run and not of the next."""


class Stage(NamedTuple):
    """``binary`` is the server's program, for parts that need more servers of other settings.

    ``settings`` are those of the server at ``port``, with few partitions.
    """

    plan: Plan
    settings: Settings
    domain: Domain
    port: int
    server_pid: int
    binary: Binary

    @property
    def whole(self) -> Settings:
        """The same with as many partitions as usual."""
        return self.settings.model_copy(update={"partitions": DEFAULT_PARTITIONS})
