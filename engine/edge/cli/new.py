"""``semel new``: a project to start from, that runs at once."""

from pathlib import Path
from typing import Annotated

import typer

from engine.edge.cli.options import Format, Output
from engine.edge.cli.output import show


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The project's, and its directory's.")
    ],
    output: Output = Format.TEXT,
) -> int:
    """Make a project in a new directory: rules, a read model, their tests, a demo.

    It installs the semel that made it, from where that came. Nothing is overwritten.

    Example: semel new shop
    """
    from engine.edge.project import create, requirement  # noqa: PLC0415 -- only --help is asked

    home, written = create(name, Path.cwd())
    data = {"name": name, "path": str(home), "semel": requirement(), "files": written}
    show(output, data, [
        f"{name} is made: {len(written)} files in {home}", "",
        f"  cd {name}",
        "  make test    # the rules and the read model, without a server",
        "  make demo    # all of it at work, on a server of its own",
        "  make dev     # the same for your own hands",
    ])  # fmt: skip
    return 0
