"""The Lua scripts: files beside this module, called by name, loaded where they are missing."""

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import anyio

from engine.core.errors import Fenced, Refused, Torn
from engine.store.connection import Argument, Connection

_INCLUDE = re.compile(r"^-- include (\S+)\n", re.MULTILINE)

_NOT_RUN = frozenset({"BUSY", "MISCONF", "NOREPLICAS", "TRYAGAIN", "CLUSTERDOWN", "OOM"})
"""Errors that Redis answers before it runs anything: the same call may be sent again."""

_AGAIN_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Pauses before a call that was not run is sent again; after the last its error is raised."""


@cache
def source_of(name: str) -> str:
    """A script's source, with what it includes."""
    folder = files("engine.store").joinpath("lua")
    text = folder.joinpath(f"{name}.lua").read_text()
    return _INCLUDE.sub(lambda found: folder.joinpath(found[1]).read_text(), text)


class Scripts:
    """Scripts on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._shas: dict[str, str] = {}

    async def call(self, name: str, keys: list[str], arguments: list[Argument]) -> Any:
        """Run a script; raises `Fenced`, `Torn`, `Refused` or `Lost`."""
        pauses = iter(_AGAIN_SECONDS)
        while True:
            try:
                return await self._connection.call(
                    "EVALSHA", await self._sha(name), len(keys), *keys, *arguments
                )
            except Refused as error:
                code, _, said = str(error).partition(" ")
                if code == "FENCED":
                    raise Fenced(said) from error
                if code == "TORN":
                    raise Torn(said) from error
                if code == "NOSCRIPT":
                    self._shas.pop(name, None)
                    continue
                pause = next(pauses, None) if code in _NOT_RUN else None
                if pause is None:
                    raise
                await anyio.sleep(pause)

    async def call_all(self, name: str, calls: Sequence[tuple[str, list[Argument]]]) -> list[Any]:
        """Run a script on many keys in one round trip; a refused one alone is called again."""
        sha = await self._sha(name)
        sent = [
            self._connection.call("EVALSHA", sha, 1, key, *arguments) for key, arguments in calls
        ]
        answers = []
        for reply, (key, arguments) in zip(sent, calls, strict=True):
            try:
                answers.append(await reply)
            except Refused:
                answers.append(await self.call(name, [key], arguments))
        return answers

    async def _sha(self, name: str) -> str:
        sha = self._shas.get(name)
        if sha is None:
            sha = hashlib.sha1(source_of(name).encode(), usedforsecurity=False).hexdigest()
            await self._connection.call("SCRIPT", "LOAD", source_of(name))
            self._shas[name] = sha
        return sha
