"""The pages that are made from the code: ``make pages`` writes them, a test compares them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer import Context
from typer.main import get_command

from engine.edge.cli.verbs import GROUPS, VERBS, app
from engine.settings import Settings

DOCS = Path(__file__).parent.parent / "docs"
MARK = "<!-- What follows is made from the code: `make pages` writes it. -->"

EVERYWHERE = ("--redis", "--config", "--namespace", "--output", "--help")
"""Options that the page tells once."""

LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def settings_page() -> str:
    """A row for every setting."""
    return "\n".join([
        "| setting | default | fits | what it is |", "|---|---|---|---|",
        *(_setting(name, field) for name, field in Settings.model_fields.items()),
    ])  # fmt: skip


def _setting(name: str, field: Any) -> str:
    fits = [
        f"{sign} {getattr(limit, bound):g}"
        for limit in field.metadata
        for bound, sign in LIMITS.items()
        if getattr(limit, bound, None) is not None
    ]
    default = "unset" if field.default is None else f"`{field.default!s}`"
    if field.default in ({}, ()):
        default = "none"
    meaning = (field.description or "").replace("|", r"\|")
    return f"| `{name}` | {default} | {', '.join(fits) or 'any'} | {meaning} |"


def cli_page() -> str:
    """A section for every verb."""
    root: Any = get_command(app)
    sections = []
    for verb in VERBS:
        command = root.get_command(None, verb)
        for inner in GROUPS.get(verb, ("",)):
            one = command.get_command(None, inner) if inner else command
            sections.append("\n".join(_section(f"{verb} {inner}".strip(), one)))
    return "\n\n".join(sections)


def _section(name: str, command: Any) -> Iterator[str]:
    yield f"### semel {name}"
    for paragraph in (command.help or "").split("\n\n"):
        yield ""
        yield from _paragraph(paragraph.strip("\n"))
    taken = [each for each in command.params if not {*each.opts} & {*EVERYWHERE}]
    shown = [each for each in taken if not getattr(each, "hidden", False)]
    if shown:
        yield from ("", "| takes | |", "|---|---|")
        context = Context(command)
        for each in shown:
            usage, meaning = (said.replace("|", r"\|") for said in each.get_help_record(context))
            yield f"| `{usage}` | {meaning} |"


def _paragraph(text: str) -> Iterator[str]:
    lines = [line.strip() for line in text.removeprefix("\b").strip().splitlines()]
    if lines[0].startswith("Example: "):
        lines = ["Example:", lines[0].removeprefix("Example: "), *lines[1:]]
    if lines[0] in ("Example:", "Examples:"):
        yield from ("```sh", *lines[1:], "```")
    else:
        yield from lines


def write(name: str, made: str) -> None:
    """Write what is made behind the page's own words."""
    page = DOCS / name
    own = page.read_text().partition(MARK)[0]
    page.write_text(f"{own}{MARK}\n\n{made}\n")


if __name__ == "__main__":
    write("settings.md", settings_page())
    write("cli.md", cli_page())
