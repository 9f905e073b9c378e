"""Where every verb runs, and where whatever ends it becomes a sentence and an exit code.

0 done · 1 done, and the answer is no · 2 usage · 3 Redis out of reach or unfit · 4 not
found · 5 version conflict · 6 timed out. Beside these: 130 for Ctrl-C, and 141 when nobody
reads stdout any more, as shells have it.
"""

import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from importlib.util import find_spec
from typing import TYPE_CHECKING, ParamSpec

import typer

from engine.core.errors import NotYet, Refused, SemelError, Unavailable, single
from engine.edge.cli.options import Format
from engine.edge.cli.output import say, show
from engine.edge.faults import fault_of

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.core.registry import Domain
    from engine.edge.client import Client
    from engine.settings import Settings

Parameters = ParamSpec("Parameters")

_INTERRUPTED = 130
_NOBODY_READS = 141
_NOTICE_SECONDS = 1.0
"""Who waits for longer than this is told for what."""


def verb(function: Callable[Parameters, int | None]) -> Callable[Parameters, None]:
    """A verb's function as the command line calls it: it returns its exit code, or raises."""

    @wraps(function)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        output = kwargs.get("output", Format.TEXT)
        try:
            code = function(*args, **kwargs) or 0
            sys.stdout.flush()
        except (SemelError, OSError, BaseExceptionGroup) as error:
            code = _end(error, output if isinstance(output, Format) else Format.TEXT)
        raise typer.Exit(code)

    return run


def start(work: Callable[[], Awaitable[int]]) -> int:
    """Run a verb's coroutine, on the quicker event loop where that is installed."""
    import anyio  # noqa: PLC0415 -- what --help can do without

    return anyio.run(work, backend_options={"use_uvloop": find_spec("uvloop") is not None})


async def until_interrupted(work: Callable[[], Awaitable[None]]) -> None:
    """Do work that has no end of its own, until Ctrl-C: who stops it that way is content."""
    import anyio  # noqa: PLC0415

    async def interrupt() -> None:
        with anyio.open_signal_receiver(signal.SIGINT) as signals:
            async for _ in signals:
                tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(interrupt)
        await work()


def on_session(settings: "Settings", work: Callable[["RedisSession"], Awaitable[int]]) -> int:
    """Run a verb that needs nothing but a session."""

    async def run() -> int:
        from engine.app import namespace_session  # noqa: PLC0415

        async with namespace_session(settings) as session:
            return await work(session)

    return start(run)


def _end(error: BaseException, output: Format) -> int:
    """Say what ended a verb; raises what nobody foresaw."""
    cause = single(error)
    match cause:
        case SemelError():
            if output is Format.JSON:
                show(output, None, "", [fault_of(cause)])
            say(f"semel: {cause}{_advice(cause)}", typer.colors.RED)
            return cause.exit_code
        case KeyboardInterrupt():
            return _INTERRUPTED
        case BrokenPipeError():
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return _NOBODY_READS
    raise error


def _advice(error: SemelError) -> str:
    if isinstance(error, Unavailable) and not isinstance(error.__cause__, Refused):
        return (
            "\nIs the server running, and is that its address? `semel dev` starts one on this "
            "machine; --redis URL or SEMEL_REDIS names another."
        )
    if isinstance(error, NotYet):
        return "\n--wait SECONDS waits longer."
    return ""


@asynccontextmanager
async def noticed(what: str, seconds: float) -> AsyncIterator[None]:
    """Whoever waits for something longer than a moment is told for what, and how long at most."""
    import anyio  # noqa: PLC0415

    async def notice() -> None:
        await anyio.sleep(_NOTICE_SECONDS)
        say(f"waiting for {what}, {seconds:g} s at the most …")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(notice)
        yield
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def client_of(
    settings: "Settings", domain: "Domain", seconds: float, *, endless: bool = False
) -> AsyncIterator["Client"]:
    """A client that is connected, for a verb that has ``seconds`` for all it does.

    One that is ``endless`` has them for the first connection, and says what it waits for later.
    """
    import anyio  # noqa: PLC0415

    from engine import telemetry  # noqa: PLC0415
    from engine.app import open_client  # noqa: PLC0415

    async def notice() -> None:
        with unconnected:
            await anyio.sleep(_NOTICE_SECONDS)
            say(f"waiting for Redis, {patience:g} s at the most …")

    # A log is for those who run the engine; here somebody waits for one answer.
    telemetry.configure("warning" if endless else "error", settings.log_style)
    patience = min(settings.connect_seconds, seconds)
    unconnected = anyio.CancelScope()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(notice)
        async with open_client(settings, domain, patience) as client:
            unconnected.cancel()
            yield client
