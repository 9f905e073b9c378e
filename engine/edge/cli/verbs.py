"""The list of all verbs, and the group that imports a verb's module when it is used."""

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import typer
from typer.core import TyperGroup

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


class Verbs(TyperGroup):
    """Verbs by name; one whose module is missing is not there."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 -- typer's signature
        """The verbs there are."""
        return [name for name, module in VERBS.items() if find_spec(_path(module)) is not None]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One verb; for a name that is none, all are made, to suggest the closest of."""
        if cmd_name in self.list_commands(ctx):
            return _command(cmd_name)
        self.commands = {name: _command(name) for name in self.list_commands(ctx)}
        return None


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
