"""Who is on stage: one server, engines, projection workers and clients, each on its own line.

Everything that a run leaves behind is in one directory: logs, histories, the server's data.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from anyio.from_thread import BlockingPortal, start_blocking_portal

from engine.edge.binary import find_binary
from tests.eventually import eventually
from tests.faults import clients
from tests.faults.checker import Window
from tests.faults.clock import Clock
from tests.faults.histories import Attempt, read_histories
from tests.faults.program import Program, ending, semel
from tests.faults.proxy import Mode, Proxy, proxy
from tests.faults.server import Server
from tests.faults.shop import CONFIRM_SECONDS

NAMESPACE = "faults"
PARTITIONS = 16
LEASE_SECONDS = 1.5
"""The default, said here because faults are measured against it."""

_ENVIRONMENT = {
    "SEMEL_NAMESPACE": NAMESPACE,
    "SEMEL_PARTITIONS": str(PARTITIONS),
    "SEMEL_LEASE_SECONDS": str(LEASE_SECONDS),
    "SEMEL_PREVIOUS_KEEP_SECONDS": "3",
    "SEMEL_AUDIT_LOAD": "0.2",
    "SEMEL_HANDLERS": "tests.faults.flaky",
    "SEMEL_SERVICES": f'{{"fulfilment": {{"confirm_seconds": {CONFIRM_SECONDS}}}}}',
    "SEMEL_RETRY_PAUSE_SECONDS": "0.05",
    # so few that actors are loaded again all the time, mostly from snapshots
    "SEMEL_ACTORS": "2",
    "SEMEL_SNAPSHOT_EVENTS": "3",
    "SEMEL_LOG_STYLE": "json",
    "PYTHONWARNINGS": "error",
}


@dataclass(frozen=True)
class Size:
    """How many of each."""

    engines: int = 3
    workers: int = 2
    clients: int = 4


@dataclass
class Cast:
    """All of it. ``server`` is replaced at a fail-over; ``lost`` lists what that cost.

    Faults strike ``lines``; ``watch_line`` is never bad. ``others`` are ids of commands that
    no client gave.
    """

    place: Path
    portal: BlockingPortal
    server: Server
    engines: list[Program] = field(default_factory=list)
    workers: list[Program] = field(default_factory=list)
    clients: list[Program] = field(default_factory=list)
    lines: dict[str, Proxy] = field(default_factory=dict)
    watch_line: Proxy = field(init=False)
    others: set[str] = field(default_factory=set)
    lost: list[Window] = field(default_factory=list)
    on_leave: ExitStack = field(default_factory=ExitStack)

    @property
    def histories(self) -> list[Path]:
        """What the clients wrote down, and may be writing still."""
        return sorted(self.place.glob("*.history.jsonl"))

    @property
    def attempts(self) -> list[Attempt]:
        """All that they wrote."""
        return list(read_histories(self.histories))

    @property
    def daemons(self) -> list[Program]:
        """Engines and workers."""
        return [*self.engines, *self.workers]

    @property
    def lines_in_use(self) -> list[Proxy]:
        """Those of programs that are awake: a fault of another would strike nobody."""
        programs = [*self.daemons, *self.clients]
        return [self.lines[p.name] for p in programs if p.is_up and not p.frozen]

    def tell(self, what: str) -> None:
        """Say what happens now: on the terminal, and beside the logs, with the time they use."""
        line = f"{datetime.now(UTC):%H:%M:%S.%f} {what}"
        print(line, flush=True)  # noqa: T201 -- pytest -s is for watching
        with (self.place / "story.log").open("a") as story:
            story.write(line + "\n")

    def __post_init__(self) -> None:
        self.watch_line = self._new_line()

    def _new_line(self) -> Proxy:
        return self.on_leave.enter_context(
            self.portal.wrap_async_context_manager(proxy(self.server.url))
        )

    def add_line(self, name: str) -> str:
        """A line of its own for a program; its URL."""
        self.lines[name] = self._new_line()
        return self.lines[name].url

    def new_server(self, name: str) -> Server:
        """Another server of the same kind, empty and not started yet."""
        server = Server(self.server.binary, self.place, name, self.server.clock)
        self.on_leave.enter_context(ending([server.program]))
        return server

    def replace_server(self, server: Server) -> None:
        """From now on all lines lead to another server."""
        self.server = server
        for line in [self.watch_line, *self.lines.values()]:
            line.target = server.url
            self.portal.call(line.cut)
            self.portal.call(line.heal)

    async def heal(self) -> None:
        """Everybody is up and awake, every line is good, the server takes everything."""
        for line in self.lines.values():
            if line.mode is not Mode.FORWARD:
                self.portal.call(line.heal)
        self.server.clock.step(0)
        for program in [self.server.program, *self.daemons]:
            assert program.is_up, f"{program.name} ended by itself: {program.last_words}"
            if program.frozen:
                program.thaw()
        async with self.server.admin() as redis:
            await redis.config_set("maxmemory", 0)


@asynccontextmanager
async def on_stage(place: Path, seed: int, size: Size = Size()) -> AsyncIterator[Cast]:
    """Everybody started, and serving."""
    server = Server(await find_binary(), place, "server-1", Clock(place))
    with start_blocking_portal() as portal, ExitStack() as on_leave:
        on_leave.enter_context(ending([server.program]))
        cast = Cast(place, portal, server, on_leave=on_leave)
        await server.start()
        cast.engines += (_daemon(cast, "run", f"engine-{n + 1}") for n in range(size.engines))
        cast.workers += (_daemon(cast, "project", f"worker-{n + 1}") for n in range(size.workers))
        cast.clients += (_client(cast, seed, f"client-{n + 1}") for n in range(size.clients))
        on_leave.enter_context(ending([*cast.daemons, *cast.clients]))
        for daemon in cast.daemons:
            daemon.start()
        for daemon in cast.daemons:
            await eventually(partial(_serves, daemon), f"{daemon.name} serves", 20)
        for client in cast.clients:
            client.start()
        for client in cast.clients:
            await eventually(partial(_begins, cast, client), f"{client.name} begins", 20)
        yield cast


def _daemon(cast: Cast, verb: str, name: str) -> Program:
    command = semel(verb, "--redis", cast.add_line(name))
    return Program(name, command, cast.place / f"{name}.log", _ENVIRONMENT)


def _client(cast: Cast, seed: int, name: str) -> Program:
    history = _history(cast, name)
    command = clients.command(name, seed, cast.add_line(name), NAMESPACE, PARTITIONS, history)
    return Program(name, command, cast.place / f"{name}.log", _ENVIRONMENT)


def _serves(daemon: Program) -> bool:
    return '.started"' in daemon.log.read_text()


def _begins(cast: Cast, client: Program) -> bool:
    history = _history(cast, client.name)
    return history.exists() and history.stat().st_size > 0


def _history(cast: Cast, name: str) -> Path:
    return cast.place / f"{name}.history.jsonl"
