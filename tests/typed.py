"""Lines that documents have one type: taken apart as a shell does, and held against the program."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from typer import Context
from typer.main import get_command

from engine.edge.cli.verbs import GROUPS, USAGE_ERROR, VERBS, app

ELSEWHERE = {
    "dev": "tests/edge/test_new.py",
    "run": "tests/edge/test_cli_daemons.py",
    "project": "tests/edge/test_cli_daemons.py",
    "serve": "tests/edge/http/test_serving.py",
    "--follow": "tests/edge/test_cli_follow.py",
    "--watch": "tests/edge/test_cli_watching.py",
    "new": "tests/edge/test_new.py",
    "demo": ".ci/run",
    "bench": "tests/edge/bench/test_parts.py",
    "--install-completion": "tests/test_snippets.py",
    "make": ".ci/run",
    "redis-server": "tests/test_snippets.py",
}
"""Words of lines that a reader of pages does not type, and who does: what they start goes on, or
takes long, or writes where it must not."""


def commands(block: str) -> Iterator[str]:
    """The commands of a block: some go on over several lines."""
    command = ""
    for line in block.splitlines():
        command += line + "\n"
        if not line.endswith("\\") and _is_whole(command):
            if words(command):
                yield command
            command = ""
    assert not command, f"this has no end: {command}"


def _is_whole(command: str) -> bool:
    try:
        words(command)
    except ValueError:
        return False
    return True


def words(command: str) -> list[str]:
    """What a command is made of, without comments and what is set for it alone."""
    said = shlex.split(command, comments=True)
    while said and re.fullmatch(r"[A-Z_]+=.*", said[0], re.DOTALL):
        del said[0]
    return said


def is_elsewhere(said: Sequence[str]) -> bool:
    """Whether a line is tried by some other test."""
    first = said[:1] if said[0] != "semel" else [said[1], *(set(said) & {"--follow", "--watch"})]
    return not ELSEWHERE.keys().isdisjoint(first)


def fault_in(said: Sequence[str]) -> str | None:
    """What the program says to these words, if they are none that it takes; nothing is run."""
    command: Any = get_command(app)
    rest = [*said][1:]
    if rest and rest[-1] == "&":
        del rest[-1]
    context = Context(command)
    try:
        while hasattr(command, "get_command"):
            if rest[0] == "--install-completion":
                return None
            _, command, rest = command.resolve_command(context, rest)
        command.make_context(command.name, rest)
    except USAGE_ERROR as error:
        return str(error.format_message())
    return None


def takes(said: str) -> str | None:
    """What is wrong with a line that prose only hints at: a verb, or an option, that is none."""
    first, *rest = [word for word in said.split() if word not in ("…", "VERB")] or [""]
    if first not in VERBS:
        return None if first.startswith("-") or not first else f"{first} is no verb"
    root: Any = get_command(app)
    verb = root.get_command(None, first)
    inner = [verb]
    if first in GROUPS:
        inner = [verb.get_command(None, each) for each in GROUPS[first]]
        if rest and rest[0].isalpha() and rest[0].islower():
            if rest[0] not in GROUPS[first]:
                return f"{first} {rest[0]} is no verb"
            inner = [verb.get_command(None, rest[0])]
    known = {option for one in inner for each in one.params for option in each.opts} | {"--help"}
    unknown = {word.partition("=")[0] for word in rest if word.startswith("-")} - known - {"-"}
    return f"{first} has no {', '.join(unknown)}" if unknown else None
