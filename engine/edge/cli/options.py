"""The options that every verb takes, and the settings that follow from them."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from engine.settings import Settings


class Format(StrEnum):
    """How data is shown."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


Redis = Annotated[
    str | None,
    typer.Option(
        "--redis", metavar="URL", help="The server, as redis://host:port/0. [env: SEMEL_REDIS]"
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The settings; config/semel.toml if it is there."
    ),
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace", metavar="NAME", help="The namespace's name. [env: SEMEL_NAMESPACE]"
    ),
]
MetricsPort = Annotated[
    int | None,
    typer.Option(
        "--metrics-port", metavar="PORT", min=0, max=65535,
        help="Serve /metrics, /livez and /readyz there; 0 means a free one.", show_default=False,
    ),
]  # fmt: skip
Output = Annotated[
    Format,
    typer.Option("-o", "--output", help="Text to read, one JSON document, or JSON line by line."),
]
Wait = Annotated[
    float | None,
    typer.Option(
        "--wait", metavar="SECONDS", min=0.001,
        help="How long to wait for the answer; 10 unless set.", show_default=False,
    ),
]  # fmt: skip
Generation = Annotated[
    int | None,
    typer.Option(
        "--generation", metavar="N", min=1,
        help="That generation of the projection; the live one unless set.", show_default=False,
    ),
]  # fmt: skip
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DATA …]",
        help="'{…}', @file, - for stdin, or key=value (text) and key:=json; dots nest.",
    ),
]


def settings_of(
    redis: str | None, config: Path | None, namespace: str | None, **more: Any
) -> "Settings":
    """The settings of a verb, and logging set up as they say; raises `Misuse`."""
    from engine import telemetry  # noqa: PLC0415 -- what --help can do without
    from engine.settings import load  # noqa: PLC0415

    settings = load(config, redis=redis, namespace=namespace, **more)
    telemetry.configure(settings.log_level, settings.log_style)
    return settings
