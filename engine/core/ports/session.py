"""One scope of doubt."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engine.core.errors import SemelError
from engine.core.ports.building import Builds
from engine.core.ports.evidence import Evidence
from engine.core.ports.ledger import Ledger
from engine.core.ports.owning import Leases, Lifeline, Roster
from engine.core.ports.querying import Checkpoints, Rows
from engine.core.ports.reacting import ReactionLog
from engine.core.ports.reading import Log
from engine.core.ports.schedules import Occurrences
from engine.core.ports.schemas import Schemas
from engine.core.ports.streams import Feed, Inbox, StreamLook
from engine.core.ports.timers import TimerLook
from engine.core.ports.watching import Alarms, Readings
from engine.core.projection import Index


class Session(Protocol):
    """One scope of doubt of an engine or a worker."""

    @property
    def partitions(self) -> int:
        """How many partitions the namespace has."""

    @property
    def secret(self) -> bytes:
        """What the ids that the engine makes are tagged with (`engine.core.inside`)."""

    @property
    def leases(self) -> Leases:
        """The leases of this namespace."""

    @property
    def roster(self) -> Roster:
        """The processes of this namespace."""

    @property
    def rows(self) -> Rows:
        """Rows and indexes, as queries read them."""

    @property
    def checkpoints(self) -> Checkpoints:
        """How far the generations of read models have come."""

    @property
    def builds(self) -> Builds:
        """The generations of read models."""

    @property
    def readings(self) -> Readings:
        """How far generations have read the logs."""

    @property
    def alarms(self) -> Alarms:
        """What is wrong with projections."""

    @property
    def schemas(self) -> Schemas:
        """The schemas in use."""

    @property
    def timers(self) -> TimerLook:
        """The timers of this namespace, for those who look on."""

    @property
    def streams(self) -> StreamLook:
        """Streams of commands and outcomes, for those who look on."""

    @property
    def occurrences(self) -> Occurrences:
        """Where the occurrences of recurring schedules go."""

    @property
    def server(self) -> str:
        """Which server this session is on; another one, or a restarted one, has another name."""

    async def check_server(self) -> None:
        """Raise `Lost` if the server is not what it was: another history, or a replica now."""

    def lifeline(self, node: str, seconds: float) -> Lifeline:
        """What keeps this process's leases alive, each for so long."""

    def changes_key(self) -> str:
        """The stream of changes among the processes."""

    def partition_lease(self, partition: int) -> str:
        """The name of a partition's lease."""

    def inbox_lease(self) -> str:
        """The name of the inbox's lease."""

    def projection_lease(self, projection: str, generation: int, partition: int) -> str:
        """The name of a projector's lease."""

    def reaction_lease(self, name: str, partition: int) -> str:
        """The name of the lease of a router's reader."""

    def curator_lease(self, projection: str) -> str:
        """The name of a curator's lease."""

    def schedule_lease(self, name: str) -> str:
        """The name of the lease of whoever submits a schedule's occurrences."""

    def watch_lease(self) -> str:
        """The name of the lease of whoever watches projections."""

    def auditor_lease(self, projection: str) -> str:
        """The name of an auditor's lease."""

    async def feed(self) -> Feed:
        """The feed over streams that are read by position; the same one at every call."""

    def commands_key(self, partition: int) -> str:
        """A partition's command stream."""

    def outcomes_key(self, partition: int) -> str:
        """A partition's stream of outcomes."""

    def late_key(self, partition: int) -> str:
        """A partition's stream of late outcomes."""

    def inbox_key(self) -> str:
        """The inbox."""

    def log_feed(self) -> Feed:
        """A feed of its own over logs, which are read by position."""

    async def logs(self, projection: str, generation: int) -> Feed:
        """A feed over logs, through the consumer group of a generation."""

    def log_key(self, partition: int) -> str:
        """A partition's log."""

    def changed_key(self, projection: str, generation: int, partition: int) -> str:
        """The stream of what a partition's events change in a generation."""

    def ledger(self, partition: int, token: str) -> Ledger:
        """A partition for its owner."""

    def inbox(self) -> Inbox:
        """The inbox for its owner."""

    def log(
        self, projection: str, generation: int, indexes: Sequence[Index], partition: int, token: str
    ) -> Log:
        """A partition's log for a projector."""

    def reaction_log(self, name: str, partition: int, token: str) -> ReactionLog:
        """A partition's log for a router."""

    def evidence(self, projection: str, generation: int, indexes: Sequence[Index]) -> Evidence:
        """What an audit reads of one generation."""

    def submit(
        self, partition: int, fields: Mapping[str, bytes], done: Callable[[str | SemelError], None]
    ) -> None:
        """Add a command, in the order of the calls.

        ``done`` is told its stream id, or why it was not added. It is not called at all
        when the session breaks first: whether the command was added is then not known.
        """

    async def now_ms(self) -> int:
        """Redis's clock, in milliseconds since 1970."""
