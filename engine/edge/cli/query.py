"""``semel query``: ask the read side."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.core.errors import Misuse
from engine.core.spelling import meant
from engine.edge.cli.arguments import data_of
from engine.edge.cli.completing import queries
from engine.edge.cli.events import refuse_endless_json
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
from engine.edge.cli.output import line, plain, say, show, tell
from engine.edge.cli.readable import document
from engine.edge.cli.running import client_of, noticed, start, until_interrupted

if TYPE_CHECKING:
    from engine.core.messages import Query
    from engine.core.registry import Domain
    from engine.edge.client import Client
    from engine.edge.follow import Update


Follow = Annotated[
    bool, typer.Option("--follow", "-f", help="Go on with each other answer that comes.")
]
Since = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TOKEN",
        help="With --follow: go on from the update with this token. Rows that lag behind it are "
        "waited for, up to --wait.",
    ),
]

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The query, such as GetOrderById.", autocompletion=queries),
]


def query(  # noqa: PLR0913 -- a query, a receipt, and what every verb takes
    name: Name,
    words: Words = None,
    after: Annotated[
        str | None,
        typer.Option(metavar="RECEIPT", help="Answer from a view that has reached this receipt."),
    ] = None,
    follow: Follow = False,
    since: Since = None,
    wait: Wait = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Ask a query of the read side.

    Queries are those of the `projections` package in the working directory.

    \b
    Examples:
      semel query GetOrderById order_id=order-42
      semel query GetOrdersByCustomer customer_id=c-1 page=2 -o json
      semel query GetOrderById order_id=order-42 --after 13.7.1f9c83d0
      semel query GetOrderById order_id=order-42 --follow -o jsonl
      semel query GetOrderById order_id=order-42 --follow --from JeC4MEJ5…
    """  # noqa: D301 -- \b keeps the help's lines as they are
    from engine.app import domain_of  # noqa: PLC0415
    from engine.core.outcome import Receipt  # noqa: PLC0415

    refuse_endless_json(output, follow=follow)
    _refuse_nonsense(after, since, follow=follow)
    settings = settings_of(redis, config, namespace)
    domain = domain_of(settings)
    asked = _query_of(domain, name, data_of(words or ()))
    receipt = None if after is None else Receipt.parse(after)
    seconds = wait or settings.wait_seconds

    async def work() -> int:
        async with client_of(settings, domain, seconds, endless=follow) as client:
            if follow:
                return await _follow(client, asked, since, seconds, output)
            async with noticed("the view", seconds):
                view = await client.queries.dispatch(asked, after=receipt, wait_seconds=seconds)
            view = plain(view)
        show(output, view, document(view))
        return 0

    return start(work)


def _refuse_nonsense(after: str | None, since: str | None, *, follow: bool) -> None:
    """Raise `Misuse` for options that do not go together."""
    if follow and after is not None:
        raise Misuse("--after waits for one answer, --follow shows each one: give one of the two")
    if since is not None and not follow:
        raise Misuse("--from goes on with what --follow showed: give that too")


async def _follow(
    client: "Client", asked: "Query[Any]", since: str | None, seconds: float, output: Format
) -> int:
    """Show each answer that there is, until Ctrl-C; then say how to go on."""
    last: Update[Any] | None = None

    async def work() -> None:
        nonlocal last
        async for last in client.queries.follow(asked, after=since, wait_seconds=seconds):
            view = plain(last.answer)
            if output is Format.JSONL:
                line({"answer": view, "token": last.token, "is_behind": last.is_behind})
                continue
            if last.is_behind:
                say("what follows is older than what was shown before: its rows lag behind that")
            for text in (*document(view), ""):
                tell(text)

    await until_interrupted(work)
    if last is not None and output is Format.TEXT:
        say(f"to go on from here: --from {last.token}")
    return 0


def _query_of(domain: "Domain", name: str, data: bytes) -> "Query[Any]":
    """The query that was asked; raises `Misuse` naming what there is, or what is wrong."""
    from pydantic import ValidationError  # noqa: PLC0415

    handler = domain.queries.get(name)
    if handler is None:
        known = ", ".join(sorted(domain.queries)) or "none: is this the project's directory?"
        raise Misuse(f"there is no query {name}. {meant(name, domain.queries)}There are: {known}")
    try:
        return handler.query.model_validate_json(data)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the query'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        )
        fields = ", ".join(handler.query.model_fields)
        raise Misuse(f"{name} does not fit: {faults}. Its fields: {fields}") from error
