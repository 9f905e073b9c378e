"""What is known of a server before anything is judged, and how a judgement is told."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

Standing = Literal["ok", "warning", "bad"]

SETTINGS = (
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "stream-node-max-bytes",
    "stream-node-max-entries",
)
"""The server's settings that INFO does not tell, so that CONFIG has to be asked."""


class Facts(msgspec.Struct, frozen=True):
    """What a server says of itself to this user; what he may not ask is empty, or None."""

    info: Mapping[str, str] = {}
    """What INFO says, by name; empty where it is refused."""
    config: Mapping[str, str] = {}
    """Of `SETTINGS`, those that CONFIG tells; empty where it is refused."""
    refused: Sequence[str] = ()
    """Commands that engines call and this user may not."""
    closed: Sequence[str] = ()
    """Keys of the namespace that this user may not write, one of each kind."""
    ahead_seconds: float = 0
    """How far the server's clock is ahead of this machine's, as well as can be told."""
    packages: Mapping[str, str | None] = {}
    """Python packages that matter for speed, and their versions; None is not installed."""

    def number(self, name: str) -> int | None:
        """A number that INFO or CONFIG tells; None where neither does."""
        said = self.info.get(name, self.config.get(name, ""))
        return int(said) if said.lstrip("-").isdecimal() else None


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at: what is, what it means, and how to mend it."""

    name: str
    standing: Standing
    found: str
    means: str
    mend: str = ""


def setting(name: str, value: str, *, may_set: bool = True) -> str:
    """The line that mends a setting of the server, now and for its next start."""
    if may_set:
        return f"redis-cli CONFIG SET {name} {value}   and in redis.conf: {name} {value}"
    return f"{name} {value}   in redis.conf, or wherever your provider has the server's settings"


def unknown(name: str, what: str, asked: str, means: str, mend: str = "") -> Check:
    """A check of what this user may not ask for."""
    return Check(
        name, "warning", f"{what} unknown: {asked} is not allowed to this user", means, mend
    )
