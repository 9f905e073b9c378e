"""A project to start from: its files, and the semel that it is to install."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from engine.core.errors import Misuse

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,49}")
"""A distribution, a namespace and a directory are named so: lower case suits all three."""

_TAKEN = frozenset({"engine", "handlers", "projections", "pytest", "semel", "tests"})
"""What a project imports or installs: one of the same name would stand in its way."""

_EXTRAS = "dev,uvloop"
"""The embedded server and the quick loop: what somebody wants who starts."""

_DOTTED = frozenset({"gitignore"})
"""Files whose names begin with a dot in a project: here they would act on semel's own."""


def create(name: str, parent: Path) -> tuple[Path, list[str]]:
    """Write a project into a new directory; returns it, and its files.

    Raises `Misuse` for a name that is none, and where something is in the way.
    """
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise Misuse(
            f"{name!r} cannot be a project's name: up to 50 small letters, digits, - and _, a "
            f"letter first, and none of {', '.join(sorted(_TAKEN))}"
        )
    home = parent / name
    try:
        if home.exists() and (not home.is_dir() or any(home.iterdir())):
            raise Misuse(f"{home} is there already, and not empty: choose another name")
        values = {"name": name, "requirement": requirement(), "python": sys.executable}
        written = []
        for place, source in sorted(_templates(files("engine.edge") / "template")):
            target = home / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled(source.read_text(encoding="utf-8"), values), encoding="utf-8")
            written.append(place)
    except OSError as error:
        raise Misuse(f"cannot write {home}: {error.strerror}") from error
    return home, written


def requirement() -> str:
    """The semel that runs here, as a project's dependencies name it.

    pip notes where a package came from, unless that was the index (PEP 610).
    """
    try:
        semel = distribution("semel")
    except PackageNotFoundError:
        return f"semel[{_EXTRAS}] @ {_checkout()}"
    noted = semel.read_text("direct_url.json")
    if noted is None:
        return f"semel[{_EXTRAS}]=={semel.version}"
    said = json.loads(noted)
    url = said["url"]
    if "vcs_info" in said:
        url = f"{said['vcs_info']['vcs']}+{url}@{said['vcs_info']['commit_id']}"
    if said.get("subdirectory"):
        url = f"{url}#subdirectory={said['subdirectory']}"
    return f"semel[{_EXTRAS}] @ {url}"


def _checkout() -> str:
    """Where the sources are that run here, as a URL: nothing is installed."""
    return Path(__file__).parents[2].as_uri()


def _templates(folder: Traversable, inside: str = "") -> Iterator[tuple[str, Traversable]]:
    """The files of a project by where they go: each has its name, and ``.txt`` behind it."""
    for each in folder.iterdir():
        if each.is_dir():
            yield from _templates(each, f"{inside}{each.name}/")
        elif each.name.endswith(".txt"):
            name = PurePosixPath(each.name).stem
            yield f"{inside}{'.' * (name in _DOTTED)}{name}", each


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text
