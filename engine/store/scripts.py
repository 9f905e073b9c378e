"""The Lua scripts: files beside this module, called by name, loaded where they are missing."""

import hashlib
import re
from collections.abc import Awaitable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from engine.core.doubt import Meaning, meaning_of
from engine.core.errors import NotNow, Refused
from engine.store.connection import Argument, Connection

_INCLUDE = re.compile(r"^-- include (\S+)\n", re.MULTILINE)


@cache
def source_of(name: str) -> str:
    """A script's source, with what it includes."""
    folder = files("engine.store").joinpath("lua")
    text = folder.joinpath(f"{name}.lua").read_text()
    return _INCLUDE.sub(lambda found: folder.joinpath(found[1]).read_text(), text)


@cache
def sha_of(name: str) -> str:
    """The name under which Redis knows a script that was loaded."""
    return hashlib.sha1(source_of(name).encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """Scripts on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loaded: set[str] = set()

    async def call(self, name: str, keys: list[str], arguments: list[Argument]) -> Any:
        """Run a script; raises what `engine.core.doubt` makes of an error, or `Lost`."""
        while True:
            await self._load(name)
            try:
                return await self._connection.call(
                    "EVALSHA", sha_of(name), len(keys), *keys, *arguments
                )
            except Refused as error:
                if meaning_of(str(error)) is not Meaning.LOAD:
                    raise
                self._loaded.discard(name)

    async def call_all(self, name: str, calls: Sequence[tuple[str, list[Argument]]]) -> list[Any]:
        """Run a script on many keys in one round trip; a refused one alone is called again."""
        answers = await self.try_all(name, [([key], arguments) for key, arguments in calls])
        for answer in answers:
            if isinstance(answer, Refused):
                raise answer
        return answers

    async def try_all(
        self, name: str, calls: Sequence[tuple[list[str], list[Argument]]]
    ) -> list[Any]:
        """The same on several keys each; what is refused for good is the `Refused` itself."""
        await self._load(name)
        sent = [
            self._connection.call("EVALSHA", sha_of(name), len(keys), *keys, *arguments)
            for keys, arguments in calls
        ]
        return [
            await self._answer(reply, name, *call) for reply, call in zip(sent, calls, strict=True)
        ]

    async def _answer(
        self, reply: Awaitable[Any], name: str, keys: list[str], arguments: list[Argument]
    ) -> Any:
        try:
            return await reply
        except Refused:
            try:
                return await self.call(name, keys, arguments)
            except NotNow:
                raise
            except Refused as error:
                return error

    async def _load(self, name: str) -> None:
        if name not in self._loaded:
            await self._connection.call("SCRIPT", "LOAD", source_of(name))
            self._loaded.add(name)
