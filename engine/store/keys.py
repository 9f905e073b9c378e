"""Every key of a namespace: one function each, which says what stands there.

Everything of one partition shares the hash tag ``{<namespace>:<partition>}``, so one
script may touch it all, on Redis Cluster too.
"""

from dataclasses import dataclass

from engine.core.errors import Misuse


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one namespace."""

    namespace: str

    def meta(self) -> str:
        """Hash, for ever: ``format partitions secret``. Written once, read at every start."""
        return f"{{{self.namespace}}}:meta"

    def inbox(self) -> str:
        """Stream, trimmed behind what was forwarded. Written by any client, read by its owner."""
        return f"{{{self.namespace}}}:inbox"

    def inbox_lease(self) -> str:
        """Hash: the lease of whoever moves the inbox's entries."""
        return f"{{{self.namespace}}}:lease"

    def forwarded(self) -> str:
        """Stream, bounded, ids are inbox ids: where a command went. Written by its owner."""
        return f"{{{self.namespace}}}:forwarded"

    def inbox_dead(self) -> str:
        """Stream, kept: inbox entries that could not be moved, and why. Written by its owner."""
        return f"{{{self.namespace}}}:dead"

    def nodes(self) -> str:
        """Zset of live processes by their last heartbeat. Written by each of them."""
        return f"{{{self.namespace}}}:nodes"

    def node(self, node: str) -> str:
        """Hash that expires: what a process says of itself; ``drain`` is what others ask of it."""
        return f"{{{self.namespace}}}:node:{node}"

    def watch(self) -> str:
        """Hash: the lease of whoever watches projections, and tells what is wrong."""
        return f"{{{self.namespace}}}:watch"

    def alarms(self) -> str:
        """Hash: what is wrong with projections, and who was told. Written by whoever watches."""
        return f"{{{self.namespace}}}:alarms"

    def schemas(self) -> str:
        """Hash, for ever: what events and commands look like. Written by engines, once each."""
        return f"{{{self.namespace}}}:schemas"

    def changes(self) -> str:
        """Stream, bounded: who came, left, gave back what. Written and read by all processes."""
        return f"{{{self.namespace}}}:changes"

    def partition(self, partition: int, name: str) -> str:
        """The key ``name`` of a partition."""
        return f"{{{self.namespace}:{partition}}}:{name}"

    def commands(self, partition: int) -> str:
        """Stream, trimmed behind head. Written by clients and the inbox, read by the owner."""
        return self.partition(partition, "commands")

    def outcomes(self, partition: int) -> str:
        """Stream, a window, ids are command ids. Written by commits, read by clients."""
        return self.partition(partition, "outcomes")

    def waiting(self, partition: int) -> str:
        """Hash: commands that were deferred, by their stream ids. Written by commits."""
        return self.partition(partition, "waiting")

    def late(self, partition: int) -> str:
        """Stream, a window: final outcomes of deferred commands. As outcomes, read by clients."""
        return self.partition(partition, "late")

    def events(self, partition: int, aggregate: str) -> str:
        """Stream, for ever, ids are ``<version>-0``. Written by commits, read by the owner."""
        return self.partition(partition, f"events:{aggregate}")

    def snapshot(self, partition: int, aggregate: str) -> str:
        """String, for ever: the state at a version. Written and read by the owner, replaced."""
        return self.partition(partition, f"snapshot:{aggregate}")

    def log(self, partition: int) -> str:
        """Stream, for ever, ids are ``<position>-0``. Written by commits, read by projectors."""
        return self.partition(partition, "log")

    def head(self, partition: int) -> str:
        """Hash, for ever: how far the partition has committed. Written by commits."""
        return self.partition(partition, "head")

    def branches(self, partition: int) -> str:
        """Stream, for ever: the servers that the history was written on. Written by new owners."""
        return self.partition(partition, "branches")

    def lease(self, partition: int) -> str:
        """Hash: who owns the partition, and the token of that acquisition."""
        return self.partition(partition, "lease")

    def sources(self, partition: int) -> str:
        """Hash, for ever: how far each inside source of commands has come. Written by submit."""
        return self.partition(partition, "sources")

    def timers(self, partition: int) -> str:
        """Zset of timers by when they are due, in ms. Written by commits, emptied by the owner."""
        return self.partition(partition, "timers")

    def timer(self, partition: int) -> str:
        """Hash: each timer until its command is handled, as JSON. Written by commits."""
        return self.partition(partition, "timer")

    def dead(self, partition: int) -> str:
        """Stream, kept: what could not be handled, and why. Written by the owner."""
        return self.partition(partition, "dead")

    def projection(self, partition: int, projection: str, generation: int) -> str:
        """Hash: checkpoint and lease of one generation in a partition. Written by projectors."""
        return self.partition(partition, f"projection:{projection}@{generation}")

    def parked(self, partition: int, projection: str, generation: int) -> str:
        """Hash: aggregates that one generation passes over in a partition. As the checkpoint."""
        return self.partition(partition, f"parked:{projection}@{generation}")

    def changed(self, partition: int, projection: str, generation: int) -> str:
        """Stream, bounded, as long as its generation: what changed. Written by projectors."""
        return self.partition(partition, f"changed:{projection}@{generation}")

    def reaction(self, partition: int, reaction: str) -> str:
        """Hash: checkpoint and lease of a router in a partition, and marks. Written by routers."""
        return self.partition(partition, f"reaction:{reaction}")

    def reaction_parked(self, partition: int, reaction: str) -> str:
        """Hash: aggregates that a router passes over in a partition. As its checkpoint."""
        return self.partition(partition, f"parked:{reaction}")

    def curator(self, projection: str) -> str:
        """Hash: the lease of whoever flips, compares and removes a projection's generations."""
        return f"{{{self.namespace}}}:curator:{projection}"

    def auditor(self, projection: str) -> str:
        """Hash: the lease of whoever holds a projection's rows against the log, all the time."""
        return f"{{{self.namespace}}}:auditor:{projection}"

    def schedule(self, schedule: str) -> str:
        """Hash: the lease of whoever submits the occurrences of a recurring schedule."""
        return f"{{{self.namespace}}}:schedule:{schedule}"

    def live(self, projection: str) -> str:
        """Hash, for ever: the generations of a projection. Changed by comparison only."""
        return f"{self.namespace}:view:{projection}"

    def row(self, projection: str, generation: int, row: str) -> str:
        """Hash, as long as its generation: one row. Written by projectors, read by queries."""
        return f"{self.namespace}:view:{projection}@{generation}:{row}"

    def index(self, projection: str, generation: int, index: str) -> str:
        """Prefix of zsets, as long as their generation: row ids of a group, by their order."""
        return f"{self.namespace}:index:{projection}@{generation}:{index}"

    def reply(self, name: str) -> str:
        """List that expires: outcomes for the client that named it. Written by owners."""
        return f"{self.namespace}:reply:{name}"


def place_of(keys: Keys, partition: int, name: str, generation: int | None) -> str:
    """How far a generation of a projection has come, or a router, which has none."""
    if generation is None:
        return keys.reaction(partition, name)
    return keys.projection(partition, name, generation)


def parked_of(keys: Keys, partition: int, name: str, generation: int | None) -> str:
    """Who is parked by a generation of a projection, or by a router, which has none."""
    if generation is None:
        return keys.reaction_parked(partition, name)
    return keys.parked(partition, name, generation)


def of_generation(keys: Keys, partition: int, projection: str, generation: int) -> list[str]:
    """Every key that a generation has in a partition: they go when it goes."""
    return [
        keys.parked(partition, projection, generation),
        keys.changed(partition, projection, generation),
        keys.projection(partition, projection, generation),
    ]


def require_view(keys: Keys, key: str) -> None:
    """Raise `Misuse` for any key that is not a view's or an index's: queries read no other."""
    if not key.startswith((f"{keys.namespace}:view:", f"{keys.namespace}:index:")):
        raise Misuse(
            f"{key} is neither a view nor an index: a query reads nothing else. What it needs to "
            f"know, a projection must put into rows"
        )
