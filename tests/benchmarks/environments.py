"""Each peer's own packages, in its own place in a cache: made once, and again when they change."""

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, STDOUT

import anyio

from tests.benchmarks.catalogue import Peer

INSTALL_SECONDS = 300.0
"""A registry that has not sent all by then is not going to."""

_STAMP = "installed"
_TOLD, _LENGTH = 2, 300
"""The last lines of an installer's output, in which it says what is wrong, and characters."""


class Missing(Exception):
    """A peer cannot be had here; the sentence says why."""


@dataclass(frozen=True)
class Environment:
    """Where a peer runs: its Python, and the folder with its packages of npm, if it has any."""

    python: Path
    home: Path


async def environment_of(peer: Peer, cache: Path) -> Environment:
    """The peer's environment, installed if it is not there; raises `Missing`."""
    if not peer.environment:
        return Environment(Path(sys.executable), cache)
    wanted = repr((sys.version_info[:2], peer.python, peer.npm))
    digest = hashlib.sha256(wanted.encode()).hexdigest()[:12]
    home = cache / f"{peer.environment}-{digest}"
    stamp, python = home / _STAMP, home / "bin" / "python"
    if not stamp.exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        if peer.python:
            await _installed([sys.executable, "-m", "venv", str(home)])
            pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
            await _installed([*pip, *peer.python])
        if peer.npm:
            npm = shutil.which("npm")
            if npm is None:
                raise Missing("npm is not on the PATH: apt-get install npm")
            quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
            await _installed([npm, "install", f"--prefix={home}", *quiet, *peer.npm])
        stamp.write_text(wanted)
    return Environment(python if peer.python else Path(sys.executable), home)


async def _installed(command: list[str]) -> None:
    """Run an installer; raises `Missing` with its last words."""
    try:
        with anyio.fail_after(INSTALL_SECONDS):
            ran = await anyio.run_process(command, stdout=PIPE, stderr=STDOUT, check=False)
    except TimeoutError:
        raise Missing(f"its packages did not come within {INSTALL_SECONDS:.0f} s") from None
    if ran.returncode:
        raise Missing(last_words(ran.stdout))


def last_words(output: bytes, lines: int = _TOLD) -> str:
    """What a program said in the end, on one line."""
    said = [line.strip(" |+-") for line in output.decode(errors="replace").splitlines()]
    # pip warns of mirrors that have not every package, which says nothing about the failure.
    told = [line for line in said if line and not line.startswith("WARNING")]
    return " / ".join(told[-lines:])[:_LENGTH] or "it ended without a word"
