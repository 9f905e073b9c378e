"""``semel dev --reload``: the code is served by a process of its own, begun anew at each change.

The server stays while that process comes and goes. One that does not start, because a change
is broken, has said why; the next change is waited for.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio.abc import Process

from engine.core.errors import Misuse, Unfit
from engine.edge.leash import leash
from engine.edge.server import embedded_server
from engine.settings import DEFAULT_FILE, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_QUIET_MS = 200
"""Editors write a file in several steps, and tools write many: a change is over when for
so long nothing more came."""

_EXTRA_SECONDS = 2.0
"""Beyond its drain a process needs a little to end; then it is killed."""

Say = Callable[[str], None]


async def reload(  # noqa: PLR0913 -- where, what, and for whom
    settings: Settings,
    config: Path | None,
    arguments: Sequence[str],
    say: Say,
    *,
    port: int | None,
    data: Path | None,
    url: str | None,
) -> None:
    """Serve the working directory's code as it changes, until SIGTERM or SIGINT.

    ``arguments`` are passed on to each process. Without ``url`` there is an embedded server.
    Raises `Misuse` where there is nothing to watch, and what `embedded_server` raises.
    """
    places = watched_places(settings, config)
    changes = _Changes(places)
    async with AsyncExitStack() as stack:
        kind = "not started by semel dev"
        tasks = await stack.enter_async_context(anyio.create_task_group())
        if url is None:
            server = await stack.enter_async_context(embedded_server(port=port, data=data))
            tasks.start_soon(server.died)
            url, kind = server.url, f"{server.kind}, data in {server.data}"
        served = _Served(["dev", "--redis", url, *arguments], settings.drain_seconds)
        tasks.start_soon(changes.watch)
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            tasks.start_soon(_serve, served, changes, kind, say)
            async for _ in signals:
                break
        tasks.cancel_scope.cancel()


def watched_places(settings: Settings, config: Path | None) -> list[Path]:
    """What is watched, as far as it is there; raises `Misuse` where nothing is."""
    names = [settings.handlers, settings.projections]
    sources = [Path(*name.split(".")) for name in names]
    places = [place for path in sources for place in (path, path.with_suffix(".py"))]
    there = [place for place in (*places, config or DEFAULT_FILE) if place.exists()]
    if not there:
        raise Misuse(f"there is nothing to watch: no {' and no '.join(names)} in {Path.cwd()}")
    return there


class _Changes:
    """Whether files have changed, and which."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = places
        self._seen = anyio.Event()
        self.what = ""

    async def watch(self) -> None:
        """Note changes as they come; raises `Unfit` without the package that tells of them."""
        async for changed in _awatch(self._places):
            self.what = ", ".join(sorted(changed))
            self._seen.set()

    async def next(self) -> None:
        """Wait for the next change since this was asked last."""
        await self._seen.wait()
        self._seen = anyio.Event()


async def _awatch(places: Sequence[Path]) -> "AsyncIterator[set[str]]":
    try:
        from watchfiles import awatch  # noqa: PLC0415 -- an extra
    except ImportError as error:
        raise Unfit("--reload needs watchfiles: pip install 'semel[dev]'") from error
    async for changed in awatch(*places, debounce=_QUIET_MS * 8, step=_QUIET_MS):
        here = Path.cwd()
        paths = (Path(path) for _, path in changed)
        yield {str(path.relative_to(here) if path.is_relative_to(here) else path) for path in paths}


class _Served:
    """The process that serves the code of now."""

    def __init__(self, arguments: Sequence[str], drain_seconds: float) -> None:
        self._arguments = arguments
        self._patience = drain_seconds + _EXTRA_SECONDS

    async def until(self, changes: _Changes, kind: str) -> int | None:
        """Serve until a change, or until the process ends by itself: its exit code then."""
        words = [sys.executable, "-m", "engine.edge.cli", *self._arguments, "--server", kind]
        with leash(words) as leashed:
            # Ctrl-C in a terminal goes to a whole group: it gets it from us alone.
            process = await anyio.open_process(
                leashed.command, stdin=leashed.stdin, stdout=None, stderr=None,
                start_new_session=True,
            )  # fmt: skip
            try:
                async with anyio.create_task_group() as tasks:

                    async def change() -> None:
                        await changes.next()
                        tasks.cancel_scope.cancel()

                    tasks.start_soon(change)
                    code = await process.wait()
                    tasks.cancel_scope.cancel()
                    return code
                return None
            finally:
                await self._end(process)

    async def _end(self, process: Process) -> None:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.terminate()
                with anyio.move_on_after(self._patience):
                    await process.wait()
            if process.returncode is None:
                process.kill()
            await process.aclose()


async def _serve(served: _Served, changes: _Changes, kind: str, say: Say) -> None:
    """One process after the other: the first shows the banner, later ones a line."""
    while True:
        code = await served.until(changes, kind)
        kind = ""
        if code is not None:
            say(f"it does not serve (exit code {code}): the next change is waited for")
            await changes.next()
        say(f"changed: {changes.what}")
