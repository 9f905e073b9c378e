"""Opening the Python SDK, by whoever awaits and by whoever does not."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from engine.core.errors import Misuse
from engine.edge.blocking import BlockingClient
from engine.edge.client import Client


class Connecting:
    """A client to be: ``async with`` it, ``with`` it, or `open` it.

    All of them raise `Unavailable`, `NotFound` where there is no such namespace, and `Unfit`.
    """

    def __init__(self, opened: Callable[[], AbstractAsyncContextManager[Client]]) -> None:
        self._opened = opened
        self._async: AbstractAsyncContextManager[Client] | None = None
        self._blocking: BlockingClient | None = None

    def open(self) -> BlockingClient:
        """A client that does not await, for as long as the program runs or until it is closed."""
        return BlockingClient(self._opened())

    async def __aenter__(self) -> Client:
        """A client that awaits."""
        self._require_unused()
        self._async = self._opened()
        return await self._async.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """The end of its connections; whoever still waits is cancelled."""
        assert self._async is not None  # noqa: S101 -- Python enters before it leaves
        return await self._async.__aexit__(kind, error, traceback)

    def __enter__(self) -> BlockingClient:
        """A client that does not await."""
        self._require_unused()
        self._blocking = self.open()
        return self._blocking

    def __exit__(self, *_: object) -> None:
        """The end of its connections and its thread."""
        if self._blocking is not None:
            self._blocking.close()

    def _require_unused(self) -> None:
        if self._async is not None or self._blocking is not None:
            raise Misuse("this is open already, or was: call connect again for another client")
