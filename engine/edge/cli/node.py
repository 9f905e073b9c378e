"""The processes of a namespace: `semel node list` and `semel node drain`."""

from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.errors import NotFound, NotYet
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import say, show
from engine.edge.cli.running import start
from engine.edge.cli.status import node_table

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.edge.survey import Node
    from engine.settings import Settings

_POLL_SECONDS = 0.1
"""How often it is looked whether a process that drains is gone."""

DrainWait = Annotated[
    float | None,
    typer.Option(
        "--wait",
        metavar="SECONDS",
        min=0,
        show_default=False,
        help="How long to wait until it is gone; drain_seconds unless set, 0 not to wait.",
    ),
]


def node_list(
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """List the processes that serve the namespace: engines and projection workers.

    Example: semel node list -o jsonl
    """
    settings = settings_of(redis, config, namespace)

    async def work() -> int:
        from engine.app import namespace_session  # noqa: PLC0415

        async with namespace_session(settings) as session:
            nodes = await _nodes(session, settings)
        text = list(node_table(nodes)) if nodes else "nobody is there: start `semel run`"
        show(output, nodes, text)
        return 0

    return start(work)


def node_drain(  # noqa: PLR0913 -- the options of every verb, and its own
    name: Annotated[str, typer.Argument(metavar="ID", help="A node, as `semel node list` has it.")],
    wait: DrainWait = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Have a process finish what is in hand, give back what it owns, and exit with 0.

    Waits until it is gone. The others take over what it gives back, as it is given back.

    Example: semel node drain worker-7-4711-9f02ab
    """
    settings = settings_of(redis, config, namespace)
    seconds = settings.drain_seconds if wait is None else wait

    async def work() -> int:
        import anyio  # noqa: PLC0415

        from engine.app import namespace_session  # noqa: PLC0415

        async with namespace_session(settings) as session:
            known = await _nodes(session, settings)
            if _lives(name, known):
                await session.roster.ask_to_drain(name)
            else:
                there = ", ".join(node.node for node in known) or "nobody"
                raise NotFound(f"there is no node {name!r} here; there is {there}")
            if not seconds:
                show(output, {"node": name, "drained": False}, f"{name} is asked to drain")
                return 0
            say(f"{name} drains, {seconds:g} s at the most …")
            deadline = anyio.current_time() + seconds
            while anyio.current_time() < deadline:
                if not _lives(name, await _nodes(session, settings)):
                    show(output, {"node": name, "drained": True}, f"{name} is gone")
                    return 0
                await anyio.sleep(_POLL_SECONDS)
        raise NotYet(f"{name} is still there after {seconds:g} s: it finishes what is in hand")

    return start(work)


async def _nodes(session: "RedisSession", settings: "Settings") -> "list[Node]":
    from engine.edge.survey import Survey  # noqa: PLC0415

    return await Survey(session, settings.lease_seconds).nodes()


def _lives(name: str, nodes: "list[Node]") -> bool:
    """Whether a node is there; raises `NotFound` for one that is listed, but dead."""
    from engine.edge.survey import SILENT  # noqa: PLC0415

    for node in nodes:
        if node.node == name and node.state == SILENT:
            raise NotFound(
                f"{name} has been silent for {node.silent_seconds:g} s: it is dead, or frozen, and "
                f"drains no more. What it owned is taken over by the others"
            )
    return name in [node.node for node in nodes]
