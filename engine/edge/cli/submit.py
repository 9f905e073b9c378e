"""``semel submit``: one command and its outcome, or a file of commands."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from engine.core.errors import Misuse
from engine.core.routing import aggregate_fault, id_fault
from engine.edge.cli.arguments import data_of, object_in, utf8
from engine.edge.cli.completing import commands
from engine.edge.cli.dry_run import rehearse_one
from engine.edge.cli.options import (
    ConfigFile,
    Format,
    Namespace,
    Output,
    Redis,
    Wait,
    Words,
    settings_of,
)
from engine.edge.cli.running import client_of, noticed, start

if TYPE_CHECKING:
    from engine.settings import Settings

Type = Annotated[
    str | None,
    typer.Argument(
        metavar="TYPE", help="The command, such as CreateOrder.", autocompletion=commands
    ),
]
Aggregate = Annotated[
    str | None, typer.Argument(metavar="AGGREGATE", help="Whose it is, such as order-42.")
]
From = Annotated[
    str | None, typer.Option("--from", metavar="FILE", help="Commands as JSONL; - for stdin.")
]
Expect = Annotated[
    int | None, typer.Option(min=0, help="The version that the aggregate must have.")
]
Meta = Annotated[
    str | None, typer.Option(metavar="JSON", help="More of `meta`, such as '{\"x_shop\": 7}'.")
]
Id = Annotated[str | None, typer.Option(help="Repeats with the same id change nothing.")]
User = Annotated[str | None, typer.Option(help="On whose behalf.")]
Correlation = Annotated[str | None, typer.Option(help="What this belongs to.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would do; write nothing.")]
AtVersion = Annotated[
    int | None,
    typer.Option(
        min=0, metavar="N", show_default=False,
        help="With --dry-run: what it would have done when the aggregate was at that version.",
    ),
]  # fmt: skip


def submit(  # noqa: PLR0913 -- each is one thing that can be said of a command
    type: Type = None,
    aggregate: Aggregate = None,
    words: Words = None,
    file: From = None,
    id: Id = None,
    expect: Expect = None,
    wait: Wait = None,
    user: User = None,
    correlation: Correlation = None,
    meta: Meta = None,
    dry_run: DryRun = False,
    at_version: AtVersion = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Submit a command and wait for its outcome; or a file of them.

    \b
    Examples:
      semel submit CreateOrder order-42 @order.json --id order-42-create
      semel submit AddOrderItem order-42 product_id=p-1 quantity:=2 unit_price=12.50
      semel submit ShipOrder order-42 --dry-run
      semel submit --from orders.jsonl

    A file has lines {"type", "aggregate", "data"}, with "id" and "meta" if wanted. Give
    ids: submitting such a file again changes nothing.

    A dry run decides with the code found here, on what is committed, and exits as the command
    would. With --at-version rows are folded from the logs, from their beginning.
    """  # noqa: D301 -- \b keeps the help's lines as they are
    said = {"user": user, "correlation": correlation, "expect": expect}
    settings = settings_of(redis, config, namespace)
    seconds = wait or settings.wait_seconds
    if file is not None:
        more = (*said.values(), at_version)
        _require_no_more(type, id, meta, dry_run, *(value is not None for value in more))
        return _submit_file(settings, file, seconds, output)
    if type is None or aggregate is None:
        raise Misuse(
            "which command, for which aggregate? semel submit TYPE AGGREGATE …, or --from FILE"
        )
    fields = (type, aggregate, data_of(words or ()), id, _meta(meta, said))
    if dry_run:
        return rehearse_one(settings, fields, at_version, seconds, output)
    if at_version is not None:
        raise Misuse("--at-version says when a dry run takes place: give --dry-run too")
    return _submit_one(settings, fields, seconds, output)


def _require_no_more(*said: object) -> None:
    """Raise `Misuse` where something is said beside a file."""
    if any(said):
        raise Misuse(
            "a file's lines say all of their commands themselves: only --wait goes with --from"
        )


def _meta(more: str | None, said: dict[str, Any]) -> bytes:
    meta = msgspec.json.decode(object_in(utf8(more, "--meta"), "--meta")) if more else {}
    meta |= {name: value for name, value in said.items() if value is not None}
    try:
        return msgspec.json.encode(meta) if meta else b""
    except UnicodeEncodeError as error:
        raise Misuse("what is said of the command is not UTF-8") from error


def _submit_one(
    settings: "Settings",
    fields: tuple[str, str, bytes, str | None, bytes],
    seconds: float,
    output: Format,
) -> int:
    type, aggregate, data, id, meta = fields
    utf8(type, "the command's type")
    for name, fault in (
        ("aggregate", aggregate_fault(aggregate)), ("id", None if id is None else id_fault(id)),
    ):  # fmt: skip
        if fault:
            raise Misuse(f"the {name} {fault}")

    async def work() -> int:
        from engine.core.registry import Domain  # noqa: PLC0415
        from engine.edge.cli.outcomes import show_outcome  # noqa: PLC0415

        # The engine knows which commands there are: no domain is needed here.
        async with client_of(settings, Domain(), seconds) as client:
            async with noticed("the outcome", seconds):
                outcome = await client.commands.submit(
                    type, aggregate, data, id=id, meta=meta, wait_seconds=seconds
                )
            return show_outcome(outcome, output)

    return start(work)


def _submit_file(settings: "Settings", file: str, seconds: float, output: Format) -> int:
    from engine.core.registry import Domain  # noqa: PLC0415
    from engine.edge.cli.bulk import submit_lines  # noqa: PLC0415
    from engine.edge.cli.lines import opened  # noqa: PLC0415

    path = None if file == "-" else Path(file)

    async def work() -> int:
        with opened(path) as stream:
            async with client_of(settings, Domain(), seconds) as client:
                return await submit_lines(client, stream, seconds, output)

    return start(work)
