"""The list of all verbs, and the group that imports a verb's module when it is used."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperGroup

from engine.edge.cli.options import Format
from engine.edge.cli.output import show
from engine.edge.cli.running import verb

VERBS = {
    "new": "new",
    "dev": "dev",
    "demo": "demo",
    "init": "roles",
    "run": "roles",
    "project": "roles",
    "serve": "serve",
    "key": "serve",
    "submit": "submit",
    "query": "query",
    "events": "events",
    "log": "log",
    "status": "status",
    "projection": "projection",
    "reaction": "reaction",
    "dead": "dead",
    "timers": "timers",
    "schedules": "schedules",
    "node": "node",
    "verify": "verify",
    "check": "check",
    "doctor": "doctor",
    "bench": "bench",
}
"""Every verb, in the order of ``--help``, and the module beside this one that has its function."""

GROUPS = {
    "projection": (
        "list",
        "show",
        "rebuild",
        "cancel",
        "rollback",
        "flip",
        "adopt",
        "pause",
        "resume",
        "verify",
        "row",
    ),
    "reaction": ("list", "show"),
    "dead": ("list", "show", "retry", "drop"),
    "timers": ("list",),
    "schedules": ("list",),
    "node": ("list", "drain"),
}
"""Verbs that are nouns, and what can be done with each: its function is ``<noun>_<verb>``."""


USAGE_ERROR: Any = typer.BadParameter.__base__
"""What is raised for words that are none: its name has moved with typer's releases."""


class Verbs(TyperGroup):
    """Verbs by name; one whose module is missing is not there."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a verb and exit; what is wrong with its words is an envelope too, if asked for."""
        words = sys.argv[1:] if args is None else list(args)
        try:
            code = super().main(words, prog_name, complete_var, False, windows_expand_args, **extra)
        except USAGE_ERROR as error:
            if not standalone_mode:
                raise
            if _wants_json(words):
                fault = {"code": "usage", "message": error.format_message(), "retryable": False}
                show(Format.JSON, None, "", [fault])
            error.show()
            code = error.exit_code
        except typer.Abort:
            code = 1
        sys.exit(code or 0)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 -- typer's signature
        """The verbs there are."""
        return [name for name, module in VERBS.items() if find_spec(_path(module)) is not None]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One verb; for a name that is none, all are made, to suggest the closest of."""
        if cmd_name in self.list_commands(ctx):
            return _command(cmd_name)
        self.commands = {name: _command(name) for name in self.list_commands(ctx)}
        return None


def _wants_json(words: Sequence[str]) -> bool:
    """Whether ``-o json`` is among words that could not be parsed."""
    pairs = {*pairwise(words)}
    return bool(
        pairs & {("-o", "json"), ("--output", "json")} or {*words} & {"-ojson", "--output=json"}
    )


def _path(module: str) -> str:
    return f"engine.edge.cli.{module}"


def _command(name: str) -> Any:
    module = import_module(_path(VERBS[name]))
    help_text = (module.__doc__ or "").partition("\n")[0] if name in GROUPS else None
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, help=help_text)
    if name in GROUPS:
        alone.callback()(_group)  # with one verb alone typer would take the noun for it
    for inner in GROUPS.get(name, ()):
        alone.command(inner)(verb(getattr(module, f"{name}_{inner}")))
    if name not in GROUPS:
        alone.command(name)(verb(getattr(module, name)))
    return typer.main.get_command(alone)


def _group() -> None:
    """A noun does nothing by itself."""


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"semel {version('semel')}")
        except PackageNotFoundError:
            typer.echo("semel, not installed")
        raise typer.Exit


@app.callback()
def semel(
    _version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """An exactly-once command engine on Redis Streams.

    Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 the answer is no,
    2 usage, 3 Redis out of reach or unfit, 4 not found, 5 version conflict, 6 timed out.
    """


def main() -> None:
    """The ``semel`` command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # what a terminal cannot show must not end a verb
            reconfigure(errors="backslashreplace")
    app(prog_name="semel")
