"""The peers: what they are made of, what they run on, and what an answer of theirs means."""

from dataclasses import dataclass
from enum import StrEnum


class Store(StrEnum):
    """What is started for one run of a peer, empty."""

    NOTHING = ""
    REDIS = "redis"
    REDIS_ALWAYS = "redis, fsync always"
    POSTGRES = "postgres"


@dataclass(frozen=True)
class Peer:
    """One row of the table.

    ``script`` is a module beside ``peers/pace.py``, or a file of JavaScript there. Requirements
    are pip's and npm's own words, pinned: figures without versions say nothing.
    """

    name: str
    script: str
    durability: str
    store: Store = Store.NOTHING
    python: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()
    note: str = ""

    @property
    def environment(self) -> str:
        """Where its packages are: rows with the same ones share them."""
        return self.script.partition("_")[0].removesuffix(".mjs") if self.python or self.npm else ""


SYNCED = "PostgreSQL, synchronous commit: fsync before each answer"
SQLITE_SYNCED = "SQLite file, fsync before each answer"
REDIS_SYNCED = "append-only file, fsync before each answer"
QUEUED = "append-only file, fsync every second"
RESTATE_SYNCED = "its own log, fsync before each answer; state, no events"
BARE = f"a bare queue; {QUEUED}"

_HIREDIS = "redis[hiredis]==8.1.0"
_EVENTSOURCING = ("eventsourcing[postgres]==9.5.6",)
_DBOS = ("dbos==3.4.0",)
_MESSAGE_DB = ("@eventide/message-db@1.3.1",)
_PROTEAN = ("protean[message-db]==0.18.0",)
_FASTSTREAM = ("faststream[redis]==0.7.8", _HIREDIS, "uvloop==0.23.0")

SEMEL = "semel"

PEERS = (
    Peer(SEMEL, "semel", QUEUED, Store.REDIS, note=(
        "an engine node is a process of its own, except when it drains; 16 partitions; its backlog "
        "is five times that of others, for it would be over too soon"
    )),
    Peer("semel, fsync always", "semel", REDIS_SYNCED, Store.REDIS_ALWAYS),
    Peer("eventsourcing, SQLite", "eventsourcing", SQLITE_SYNCED, python=_EVENTSOURCING, note=(
        "one thread drains fastest, for SQLite has one writer"
    )),
    Peer("eventsourcing, PostgreSQL", "eventsourcing", SYNCED, Store.POSTGRES,
        _EVENTSOURCING, note=(
        "with its database functions; 16 threads and connections drain"
    )),
    Peer("Emmett, PostgreSQL", "emmett.mjs", SYNCED, Store.POSTGRES, npm=(
        "@event-driven-io/emmett@0.42.0", "@event-driven-io/emmett-postgresql@0.42.0",
    ), note="its own pool of connections; 64 at once drain"),
    Peer("Protean, Message DB on PostgreSQL", "protean", SYNCED, Store.POSTGRES,
        _PROTEAN, _MESSAGE_DB, (
        "commands processed in the caller's thread, access log off; each thread holds a "
        "connection, so that 512 were not tried"
    )),
    Peer("Protean, memory", "protean", "none: its store for tests", Store.NOTHING,
        _PROTEAN, _MESSAGE_DB, (
        "it copies the whole store for each command, so only one at a time was tried"
    )),
    Peer("Restate, Python SDK", "restate", RESTATE_SYNCED, python=(
        "restate-sdk==1.3.0", "granian==2.8.7", "uvloop==0.23.0", "aiohttp==3.14.5", "anyio>=4.11",
    ), npm=("@restatedev/restate-server@1.7.12",), note=(
        "a virtual object behind granian with uvloop, 4 partitions instead of 24"
    )),
    Peer("DBOS, PostgreSQL", "dbos", f"{SYNCED}; state, no events", Store.POSTGRES, _DBOS, note=(
        "a workflow of one transaction, called from threads"
    )),
    Peer("DBOS, SQLite", "dbos", f"{SQLITE_SYNCED}; state, no events", python=_DBOS),
    Peer("FastStream, one by one", "faststream", BARE, Store.REDIS, _FASTSTREAM, note=(
        "64 workers in one process, log off. Its request loses replies when many are in flight: it "
        "does not wait for its subscription to them, so that is not measured"
    )),
    Peer("FastStream, batches", "faststream_batches", BARE, Store.REDIS, _FASTSTREAM, note=(
        "500 messages a batch; nobody can await one"
    )),
    Peer("taskiq", "taskiq", BARE, Store.REDIS, (
        "taskiq==0.13.0", "taskiq-redis==1.2.4", _HIREDIS, "uvloop==0.23.0",
    ), note=(
        "one worker of 64 tasks; callers ask for results every 2, 50 and 300 ms at 1, 64 and 512 "
        "in flight, and drained tasks keep none"
    )),
)  # fmt: skip
