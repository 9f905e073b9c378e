"""Dead letters of commands: submitted again, or thrown away, one by one or all that fit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.core.errors import Misuse
from engine.edge.cli.options import Format
from engine.edge.cli.output import show
from engine.edge.dead import DeadLetters, Filter, Revived

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.edge.dead import Dead

Type = Annotated[
    str | None, typer.Option("--type", metavar="TYPE", help="Letters of this command only.")
]
Code = Annotated[
    str | None, typer.Option("--code", metavar="CODE", help="Letters with this error's code only.")
]
Aggregate = Annotated[
    str | None, typer.Option("--aggregate", metavar="ID", help="Letters for this aggregate only.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]


async def retry_letters(  # noqa: PLR0913 -- which letters, and how to show what became of them
    session: "RedisSession", source: str, name: str | None, which: Filter, output: Format, *,
    dry_run: bool,
) -> int:  # fmt: skip
    """Submit letters' commands again; returns the exit code."""
    letters = DeadLetters(session)
    done = [
        await letters.retry(dead, dry_run=dry_run)
        for dead in await letters.chosen(source, name, which)
    ]
    show(output, done, map(_revived, done))
    return 1 if any(each.error for each in done) else 0


async def drop_letters(  # noqa: PLR0913 -- which letters, and how to show what became of them
    session: "RedisSession", source: str, name: str | None, which: Filter, output: Format, *,
    dry_run: bool,
) -> int:  # fmt: skip
    """Throw letters away; returns the exit code. Raises `Misuse` where all would go unnamed."""
    if name is None and which == Filter():
        raise Misuse("which letters? name one, or say --type, --code or --aggregate")
    letters = DeadLetters(session)
    meant = await letters.chosen(source, name, which)
    gone = meant if dry_run else [dead for dead in meant if await letters.drop(dead)]
    would = "would be dropped" if dry_run else "dropped"
    show(output, gone, (f"{dead.source} {dead.name}: {dead.type} {would}" for dead in gone))
    return 0 if len(gone) == len(meant) else 1


def by_error(found: "Sequence[Dead]") -> list[dict[str, Any]]:
    """What is dead, by what is wrong: how many of a type, and since when."""
    groups: dict[tuple[str, str, str], list[Dead]] = {}
    for dead in found:
        groups.setdefault((dead.source, dead.code, dead.type), []).append(dead)
    return [
        {
            "source": source, "code": code, "type": type, "count": len(own),
            "since_ms": min(dead.since_ms for dead in own),
            "last_ms": max(dead.since_ms for dead in own), "error": own[-1].error,
        }
        for (source, code, type), own in sorted(groups.items(), key=lambda each: -len(each[1]))
    ]  # fmt: skip


def _revived(each: Revived) -> str:
    about = f"{each.source} {each.name}: {each.type} {each.aggregate}"
    if each.error:
        return f"{about}: {each.error}"
    return f"{about} submitted again as {each.id}" if each.entry else f"{about} would be {each.id}"
