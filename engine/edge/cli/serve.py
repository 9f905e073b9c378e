"""``semel serve`` and ``semel key``: the HTTP gateway, and keys for those who call it."""

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.errors import Misuse
from engine.edge.cli.options import (
    ConfigFile,
    Format,
    MetricsPort,
    Namespace,
    Output,
    Redis,
    settings_of,
)
from engine.edge.cli.output import say, show

if TYPE_CHECKING:
    from engine.app import Readiness

Port = Annotated[
    int | None,
    typer.Option(
        "--port", min=0, max=65535, show_default=False,
        help="The port; 7902 unless set, 0 means a free one.",
    ),
]  # fmt: skip
Host = Annotated[
    str | None,
    typer.Option("--host", metavar="ADDRESS", help="The address; this machine's own unless set."),
]
Unprotected = Annotated[
    bool,
    typer.Option("--unprotected", help="Serve at any address, and ask nobody who he is."),
]


def has_http() -> bool:
    """Whether what the gateway stands on is installed."""
    return all(find_spec(each) is not None for each in ("fastapi", "httptools", "jwt", "uvicorn"))


def require_http() -> None:
    """Raise `Misuse` where it is not."""
    if not has_http():
        raise Misuse("the gateway needs an extra: pip install 'semel[http]'")


def serve(  # noqa: PLR0913 -- its options
    port: Port = None,
    host: Host = None,
    unprotected: Unprotected = False,
    metrics_port: MetricsPort = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Be the HTTP gateway, until SIGTERM or Ctrl-C.

    Commands and queries of the `handlers` and `projections` packages of the working directory;
    /openapi.json lists them. Where others than this machine can reach it, callers need keys.

    \b
    Examples:
      semel serve --port 7902
      semel serve --host 0.0.0.0 --config /etc/semel.toml
    """  # noqa: D301 -- \b keeps the help's lines as they are
    require_http()
    from engine.app import Health, domain_of, run_process, serve  # noqa: PLC0415
    from engine.edge.http.serving import gateway_role, listening  # noqa: PLC0415
    from engine.edge.monitoring import monitoring  # noqa: PLC0415

    settings = settings_of(
        redis, config, namespace, metrics_port=metrics_port, http_port=port, http_host=host,
        http_unprotected=unprotected or None,
    )  # fmt: skip
    domain, health = domain_of(settings), Health(settings.stall_seconds)

    async def alongside(_: "Readiness") -> None:
        await health.watch()

    with listening(settings.http_host, settings.http_port) as listener:
        role = gateway_role(settings, domain, health, listener)
        with monitoring(settings, health):
            run_process(partial(serve, [role], settings.drain_seconds, alongside))
    if output is not Format.TEXT:
        show(output, {"stopped": True}, "")
    return 0


def key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will have it, such as till.")],
    roles: Annotated[
        list[str] | None,
        typer.Option("--role", help="submit, query or operate; the first two unless given."),
    ] = None,
    output: Output = Format.TEXT,
) -> int:
    """Make an API key for a caller of the gateway.

    It is shown once and kept nowhere: settings hold its hash.

    Example: semel key till --role submit --role query
    """
    require_http()
    from typing import get_args  # noqa: PLC0415

    from engine.edge.http.authentication import new_key  # noqa: PLC0415
    from engine.settings import Role  # noqa: PLC0415

    chosen = roles or ["submit", "query"]
    unknown = sorted({*chosen} - {*get_args(Role)})
    if unknown:
        raise Misuse(
            f"there is no role {', '.join(unknown)}; there are {', '.join(get_args(Role))}"
        )
    made, hashed = new_key()
    show(output, {"name": name, "key": made, "hash": hashed, "roles": chosen}, made)
    if output is Format.TEXT:
        listed = ", ".join(f'"{role}"' for role in chosen)
        say(
            f"Its caller shows it as Authorization: Bearer {made[:10]}… The settings hold:\n\n"
            f'[api_keys.{name}]\nhash = "{hashed}"\nroles = [{listed}]'
        )
    return 0
