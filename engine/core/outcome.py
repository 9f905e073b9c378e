"""What became of a command, and the receipt by which a query waits for it."""

import re
from enum import StrEnum
from typing import Any, Self

import msgspec

from engine.core.errors import Deferred, Failed, Misuse, Rejected, VersionConflict

RECEIPT = r"([0-9]{1,5})\.([0-9]{1,20})\.([0-9a-z]{1,64})"
"""A receipt as text: partition, position, branch."""

_RECEIPT = re.compile(RECEIPT)


class Status(StrEnum):
    """The four final answers to a command; and ``deferred``, which one of them follows."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"
    DUPLICATE = "duplicate"
    DEFERRED = "deferred"


class Receipt(msgspec.Struct, frozen=True):
    """A place in the history of one partition, as a string ``<partition>.<position>.<branch>``.

    Any client may pass it to any other; a query that is given it waits until its view has
    reached it.
    """

    partition: int
    position: int
    branch: str

    def __str__(self) -> str:
        """The form that travels."""
        return f"{self.partition}.{self.position}.{self.branch}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a receipt back; raises `Misuse` when it is none."""
        found = _RECEIPT.fullmatch(text)
        if found is not None:
            return cls(int(found[1]), int(found[2]), found[3])
        raise Misuse(f"{text!r} is not a receipt: those look like 7.1042.1f9c83d0")


class Outcome(msgspec.Struct, frozen=True):
    """The one answer to a command.

    ``entry`` is the command's stream id, and the outcome's own, but for the final outcome of a
    command that was deferred: that has an id of its own, ``late``. ``version`` is the
    aggregate's version after the command; ``position`` the partition's log position that
    stood when it was committed, its last event's if it has events. ``detail`` holds
    ``code``, ``message`` and ``errors`` of a rejection, and ``first`` of a duplicate.
    """

    entry: str
    id: str
    status: Status
    aggregate: str
    version: int
    position: int
    partition: int
    branch: str
    digest: str = ""
    detail: dict[str, Any] = {}
    late: str = ""

    @property
    def receipt(self) -> Receipt:
        """What a query needs to read this write."""
        return Receipt(self.partition, self.position, self.branch)

    @property
    def decisive(self) -> Status:
        """The status that counts: a duplicate stands for the first outcome of its id."""
        if self.status is Status.DUPLICATE:
            return Status(self.detail["first"]["status"])
        return self.status

    def as_reply(self) -> bytes:
        """The outcome as JSON, as a reply list and the command line show it."""
        said = msgspec.structs.asdict(self)
        del said["digest"]
        if not self.late:
            del said["late"]
        return msgspec.json.encode({**said, "receipt": str(self.receipt), "durability": "memory"})

    def raise_unless_accepted(self) -> Self:
        """Return itself when accepted, or a duplicate of something accepted.

        Raises `VersionConflict` or another `Rejected`, or `Failed`, as the first outcome
        says; `Deferred` where that is not decided yet.
        """
        if self.decisive is Status.ACCEPTED:
            return self
        said = self.detail.get("first", self.detail)
        code, message = said.get("code", ""), said.get("message", "")
        if self.decisive is Status.DEFERRED:
            raise Deferred(
                f"{self.aggregate} waits to be decided, {code}: {message}", self.id, self.aggregate
            )
        if self.decisive is Status.FAILED:
            raise Failed(f"{code}: {message}")
        if code == "version_conflict":
            raise VersionConflict(code, message, said.get("version", self.version))
        raise Rejected(code, message, said.get("errors"))
