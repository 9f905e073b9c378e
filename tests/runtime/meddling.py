"""Standing between the runtime and the store: to stop a step before or after it is taken."""

from collections.abc import Callable
from typing import Any

import anyio


class Meddler:
    """An object with some of its calls held up, or followed by a death.

    ``before`` and ``after`` map a method's name to what is awaited around the real call.
    """

    def __init__(
        self,
        real: Any,
        before: dict[str, Callable[[], Any]] | None = None,
        after: dict[str, Callable[[], Any]] | None = None,
    ) -> None:
        self._real, self._before, self._after = real, before or {}, after or {}

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        before, after = self._before.get(name), self._after.get(name)
        if before is None and after is None:
            return real

        async def call(*args: Any, **kwargs: Any) -> Any:
            if before is not None:
                await before()
            answer = await real(*args, **kwargs)
            if after is not None:
                await after()
            return answer

        return call


class Barrier:
    """Where somebody is held up until a test lets them go on."""

    def __init__(self) -> None:
        self.reached = anyio.Event()
        self.opened = anyio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.opened.wait()


class Death(BaseException):
    """The process is killed here: nothing catches that."""


async def die() -> None:
    """Be killed."""
    raise Death
