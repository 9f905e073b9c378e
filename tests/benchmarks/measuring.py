"""Running the peers: each in a process of its own, on a store of its own, several times."""

import json
import os
import signal
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, PIPE
from typing import Any

import anyio
from anyio.abc import ByteReceiveStream, Process

from engine.core.errors import SemelError
from engine.edge.binary import Binary
from engine.edge.leash import leash
from tests.benchmarks.catalogue import Peer
from tests.benchmarks.environments import Environment, Missing, environment_of, last_words
from tests.benchmarks.peers.pace import Plan
from tests.benchmarks.stores import store_of

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "peers"

PARTS = ("drain", "at_64", "at_512", "one")
"""What is measured of a peer, as far as it has such a thing."""

_RUN_SECONDS = 90.0
"""A run that takes so much longer than its parts has got stuck."""

_NODE_PATH = "NODE_PATH"


@dataclass(frozen=True)
class Spread:
    """One figure over several runs: the median, the least and the most."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of one figure as each run had it."""
        return cls(median(values), min(values), max(values))


@dataclass
class Figures:
    """What came of a peer: by part and figure. ``missing`` says why there is nothing."""

    peer: Peer
    versions: dict[str, str] = field(default_factory=dict)
    parts: dict[str, dict[str, Spread]] = field(default_factory=dict)
    missing: str = ""


@dataclass(frozen=True)
class Pace:
    """How long: seconds of a part that paces itself, orders of a backlog, runs of everything."""

    seconds: float
    backlog: int
    runs: int


async def measured(
    peers: Sequence[Peer], pace: Pace, cache: Path, binary: Binary, say: Callable[[str], None]
) -> list[Figures]:
    """Install all that can be had, then measure one round of all peers after the other.

    Rounds, and not a peer's runs one after the other: what a machine's neighbours do for a
    minute is then in the spread of all, instead of in one peer's figures.
    """
    results = [Figures(peer) for peer in peers]
    places: dict[str, Environment] = {}
    for one in results:
        say(f"{one.peer.name}: packages …")
        try:
            places[one.peer.name] = await environment_of(one.peer, cache)
        except Missing as missing:
            one.missing = f"could not be installed: {missing}"
            say(f"  {one.missing}")
    told: dict[str, list[dict[str, Any]]] = {peer.name: [] for peer in peers}
    for run in range(pace.runs):
        for one in results:
            if one.missing:
                continue
            say(f"run {run + 1} of {pace.runs}: {one.peer.name} …")
            try:
                told[one.peer.name].append(
                    await _run(one.peer, places[one.peer.name], pace, binary)
                )
            except (Missing, SemelError) as missing:
                one.missing = f"did not run: {missing}"
                say(f"  {one.missing}")
    for one in results:
        if not one.missing:
            _summed(one, told[one.peer.name])
    return results


def _summed(one: Figures, runs: Sequence[dict[str, Any]]) -> None:
    one.versions = runs[0]["versions"]
    for part in PARTS:
        if part in runs[0]:
            names = runs[0][part]
            one.parts[part] = {name: Spread.of([run[part][name] for run in runs]) for name in names}


async def _run(peer: Peer, place: Environment, pace: Pace, binary: Binary) -> dict[str, Any]:
    """One run of one peer; raises `Missing` with its last words where it fails."""
    with tempfile.TemporaryDirectory(prefix="semel-peers-") as folder:
        async with store_of(peer.store, binary) as url:
            plan = Plan(url, folder, str(place.home), pace.seconds, pace.backlog)
            command = [*_program(peer, place), json.dumps(asdict(plan))]
            environment = {
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PYTHONWARNINGS": "ignore",
                _NODE_PATH: str(place.home / "node_modules"),
            }
            return await _told(command, environment, len(PARTS) * pace.seconds + _RUN_SECONDS)


def _program(peer: Peer, place: Environment) -> list[str]:
    if peer.script.endswith(".mjs"):
        # An import is looked for above the file that has it: so the file goes to its packages.
        copied = place.home / peer.script
        copied.write_text((SCRIPTS / peer.script).read_text())
        return ["/usr/bin/env", "node", str(copied)]
    return [str(place.python), "-m", f"tests.benchmarks.peers.{peer.script}"]


async def _told(command: list[str], environment: dict[str, str], limit: float) -> dict[str, Any]:
    """What a script prints last, as JSON; whatever it started ends with it."""
    with leash(command) as leashed:
        process = await anyio.open_process(
            leashed.command, stdin=leashed.stdin or DEVNULL, stdout=PIPE, stderr=PIPE,
            env=environment, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        output: dict[str, bytes] = {}
        try:
            with anyio.fail_after(limit):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_collected, "stdout", process.stdout, output)
                    tasks.start_soon(_collected, "stderr", process.stderr, output)
                    await process.wait()
                    _end(process)
        except TimeoutError:
            raise Missing(f"it was not done after {limit:.0f} s") from None
        finally:
            _end(process)
            with anyio.CancelScope(shield=True):
                await process.wait()
    lines = output["stdout"].decode(errors="replace").strip().splitlines()
    if process.returncode or not lines:
        raise Missing(last_words(output["stderr"] or output["stdout"], lines=1))
    said: dict[str, Any] = json.loads(lines[-1])
    return said


def _end(process: Process) -> None:
    """End a script's whole session: servers that it has started hold its output open."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


async def _collected(name: str, stream: ByteReceiveStream | None, into: dict[str, bytes]) -> None:
    into[name] = b"" if stream is None else b"".join([part async for part in stream])
