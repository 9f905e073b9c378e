"""What sessions tell their users of keys: names that are passed on, and never made by them."""

from engine.store.keys import Keys


class NamesKeys:
    """What every session tells its users of keys; they pass them on and never make one."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def partition_lease(self, partition: int) -> str:
        """The name of a partition's lease."""
        return self._keys.lease(partition)

    def inbox_lease(self) -> str:
        """The name of the inbox's lease."""
        return self._keys.inbox_lease()

    def projection_lease(self, projection: str, generation: int, partition: int) -> str:
        """The name of a projector's lease."""
        return self._keys.projection(partition, projection, generation)

    def reaction_lease(self, name: str, partition: int) -> str:
        """The name of the lease of a router's reader."""
        return self._keys.reaction(partition, name)

    def curator_lease(self, projection: str) -> str:
        """The name of a curator's lease."""
        return self._keys.curator(projection)

    def watch_lease(self) -> str:
        """The name of the lease of whoever watches projections."""
        return self._keys.watch()

    def auditor_lease(self, projection: str) -> str:
        """The name of an auditor's lease."""
        return self._keys.auditor(projection)

    def schedule_lease(self, name: str) -> str:
        """The name of the lease of whoever submits a schedule's occurrences."""
        return self._keys.schedule(name)

    def commands_key(self, partition: int) -> str:
        """A partition's command stream."""
        return self._keys.commands(partition)

    def outcomes_key(self, partition: int) -> str:
        """A partition's stream of outcomes."""
        return self._keys.outcomes(partition)

    def late_key(self, partition: int) -> str:
        """A partition's stream of late outcomes."""
        return self._keys.late(partition)

    def inbox_key(self) -> str:
        """The inbox."""
        return self._keys.inbox()

    def log_key(self, partition: int) -> str:
        """A partition's log."""
        return self._keys.log(partition)

    def changed_key(self, projection: str, generation: int, partition: int) -> str:
        """The stream of what a partition's events change in a generation."""
        return self._keys.changed(partition, projection, generation)

    def changes_key(self) -> str:
        """The stream of changes among the processes."""
        return self._keys.changes()
