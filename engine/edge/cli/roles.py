"""``semel init``, ``run`` and ``project``: a namespace, and the daemons that serve it."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.edge.cli.completing import workers
from engine.edge.cli.options import (
    ConfigFile,
    Format,
    MetricsPort,
    Namespace,
    Output,
    Redis,
    settings_of,
)
from engine.edge.cli.output import show
from engine.edge.cli.running import start

if TYPE_CHECKING:
    from engine.app import Health, Readiness, Role
    from engine.settings import Settings


def init(
    partitions: Annotated[
        int | None, typer.Option(min=1, help="A power of two, fixed for ever; 64 unless set.")
    ] = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Create the namespace, or check the one that is there.

    Example: semel init --partitions 16 --redis redis://127.0.0.1:6379
    """
    settings = settings_of(redis, config, namespace, partitions=partitions)

    async def work() -> int:
        from engine.app import (  # noqa: PLC0415
            DEFAULT_PARTITIONS,
            namespace_session,
            without_password,
        )

        async with namespace_session(settings, create=DEFAULT_PARTITIONS) as session:
            number = session.partitions
        server = without_password(settings.redis)
        said = f"the namespace {settings.namespace!r} has {number} partitions at {server}"
        show(output, {"namespace": settings.namespace, "partitions": number}, said)
        return 0

    return start(work)


def run(  # noqa: PLR0913 -- its options
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, help="Engine nodes on this machine.")
    ] = 1,
    metrics_port: MetricsPort = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Be an engine node, or several, until SIGTERM or Ctrl-C.

    Handles commands with the `handlers` package of the working directory. Nodes share the
    partitions, wherever they run: to add one, start one. What is in hand is finished before
    it exits; a second signal cuts that short.

    Example: semel run --workers 4 --redis redis://127.0.0.1:6379
    """
    from engine.app import Health, domain_of, engine_role  # noqa: PLC0415

    settings = settings_of(redis, config, namespace, metrics_port=metrics_port)
    health = Health(settings.stall_seconds)
    role = engine_role(settings, domain_of(settings), health=health)
    if workers > 1:
        return _several(workers, settings.metrics_port, redis, config, namespace)
    return _serve(settings, role, health, output)


def project(  # noqa: PLR0913 -- its options
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME …]",
            help="Projections, routers, effects; all unless named.",
            autocompletion=workers,
        ),
    ] = None,
    metrics_port: MetricsPort = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Be a worker, until SIGTERM or Ctrl-C.

    Keeps read models with the `projections` package of the working directory, and serves the
    routers and side effects of the `handlers` package.

    Example: semel project orders customers --redis redis://127.0.0.1:6379
    """
    from engine.app import Health, domain_of, worker_role  # noqa: PLC0415

    settings = settings_of(redis, config, namespace, metrics_port=metrics_port)
    health = Health(settings.stall_seconds)
    role = worker_role(settings, domain_of(settings), names or (), health=health)
    return _serve(settings, role, health, output)


def _several(
    count: int,
    metrics_port: int | None,
    redis: str | None,
    config: Path | None,
    namespace: str | None,
) -> int:
    """Be so many nodes: a process each, started with what this one was told."""
    from engine.edge.workers import supervise  # noqa: PLC0415

    said = {"--redis": redis, "--config": config, "--namespace": namespace}
    options = [part for name, value in said.items() if value for part in (name, str(value))]
    return start(partial(supervise, _nodes(["run", *options], count, metrics_port)))


def _nodes(arguments: list[str], count: int, metrics_port: int | None) -> list[list[str]]:
    """What each node is started with: its metrics are a port further on; 0 is any, for each."""
    if metrics_port is None:
        return [arguments] * count
    ports = [metrics_port + number if metrics_port else 0 for number in range(count)]
    return [[*arguments, "--metrics-port", str(port)] for port in ports]


def _serve(settings: "Settings", role: "Role", health: "Health", output: Format) -> int:
    """Serve until stopped; the log is on stderr, and stdout is empty unless JSON was asked for."""
    from engine.app import run_process, serve  # noqa: PLC0415
    from engine.edge.monitoring import monitoring  # noqa: PLC0415

    async def alongside(_: "Readiness") -> None:
        await health.watch()

    with monitoring(settings, health):
        run_process(partial(serve, [role], settings.drain_seconds, alongside))
    if output is not Format.TEXT:
        show(output, {"stopped": True}, "")
    return 0
