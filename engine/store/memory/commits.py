"""What commit.lua writes, once it has checked everything."""

from collections.abc import Mapping

from engine.core.records import Commit, NewEvent, Record
from engine.core.rejections import NO_VERSION
from engine.store.commands import COMMANDS_SOURCE
from engine.store.keys import Keys
from engine.store.memory.mending import letter
from engine.store.memory.server import Link


class Writing:
    """The writes of one commit."""

    def __init__(self, link: Link, keys: Keys, partition: int, commit: Commit) -> None:
        self._link, self._keys, self._partition, self._commit = link, keys, partition, commit
        self._position, self._versions = commit.position, dict(commit.versions)

    def run(self) -> int:
        """Write dead letters, events, outcomes, and what waits; returns the position reached."""
        commit, keys, partition = self._commit, self._keys, self._partition
        data, server = self._link.server.data, self._link.server
        for one in commit.letters:
            server.add(keys.dead(partition), letter(COMMANDS_SOURCE, one))
        for record in commit.records:
            self._append(keys.outcomes(partition), self._recorded(record), record.entry)
        if commit.waits is not None:
            kept, late, _ = commit.waits
            data.put(keys.waiting(partition), {id: value.decode() for id, value in kept.items()})
            for id, record in late.items():
                said = self._recorded(record) | {b"of": record.entry.encode()}
                self._append(keys.late(partition), said, id)
                data.drop(keys.waiting(partition), [record.entry])
                data.put(keys.head(partition), {"late": id})
        return self._position

    def _recorded(self, record: Record) -> dict[bytes, bytes]:
        """Write a command's events, and return its outcome; see lua/shared/record.lua."""
        aggregate = record.aggregate.decode(errors="replace")
        for event in record.events:
            self._versions[aggregate] += 1
            self._position += 1
            version = self._versions[aggregate]
            fact = {b"type": event.type.encode(), b"data": event.data, b"meta": event.meta}
            about = {b"aggregate": record.aggregate, b"version": b"%d" % version}
            self._append(self._keys.events(self._partition, aggregate), fact, f"{version}-0")
            self._append(self._keys.log(self._partition), about | fact, f"{self._position}-0")
        if record.note is not None:
            self._position += 1
            said = _note(record.aggregate, record.note)
            self._append(self._keys.log(self._partition), said, f"{self._position}-0")
        return _outcome(record, self._position, self._commit.branch)

    def _append(self, key: str, fields: Mapping[bytes, bytes], id: str) -> None:
        """Add an entry under an id of ours; see lua/shared/append.lua."""
        stream = self._link.server.data.stream(key)
        stream.last = stream.ends_at() or "0-0"
        self._link.server.add(key, fields, id)


def _outcome(record: Record, position: int, branch: str) -> dict[bytes, bytes]:
    said = {
        "id": record.id, "status": record.status.value, "aggregate": record.aggregate,
        "version": str(record.version), "position": str(position), "branch": branch,
        "digest": record.digest, "detail": record.detail,
    }  # fmt: skip
    return flat(said)


def _note(aggregate: bytes, note: NewEvent) -> dict[bytes, bytes]:
    """What goes into the log alone."""
    said: dict[str, str | bytes] = {
        "aggregate": aggregate, "version": NO_VERSION, "type": note.type, "data": note.data,
        "meta": note.meta,
    }  # fmt: skip
    return flat(said)


def flat(fields: dict[str, str | bytes] | dict[str, str]) -> dict[bytes, bytes]:
    """Fields as a stream has them."""
    return {
        name.encode(): value if isinstance(value, bytes) else value.encode()
        for name, value in fields.items()
    }
