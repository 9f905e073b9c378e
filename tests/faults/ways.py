"""The ways in for a command: the SDK, a plain XADD to its partition, a plain XADD to the inbox.

Each tries once and either returns the outcome or raises `NoAnswer`: what became of the
command is then unknown, and the client asks again with the same id.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeAlias

import anyio
import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from engine.core.errors import NotYet, Unavailable
from engine.core.ids import just_below, stream_ms
from engine.core.routing import partition_of
from engine.edge.client import Client
from tests.faults.histories import Said
from tests.faults.notebook import Submission

ANSWER_SECONDS = 3
"""How long one attempt waits: longer than a takeover, shorter than some faults."""


class NoAnswer(Exception):
    """Nobody can tell what became of the command."""


Way: TypeAlias = Callable[[Submission], Awaitable[Said]]


class Ways:
    """Everything that one client process holds to submit commands with."""

    def __init__(self, sdk: Client, url: str, namespace: str, partitions: int) -> None:
        self._sdk, self._namespace, self._partitions = sdk, namespace, partitions
        self._redis: Any = Redis.from_url(
            url, protocol=2, decode_responses=True, socket_timeout=ANSWER_SECONDS + 2,
            retry=Retry(NoBackoff(), 0),
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._redis.aclose()

    async def submit(self, submission: Submission) -> Said:
        """Try once, the submission's way."""
        ways: dict[str, Way] = {
            "sdk": self._by_sdk,
            "stream": self._by_stream,
            "inbox": self._by_inbox,
        }
        try:
            return await ways[submission.way](submission)
        except (NotYet, Unavailable, RedisError, OSError) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from error

    async def _by_sdk(self, submission: Submission) -> Said:
        outcome = await self._sdk.commands.submit(
            submission.type, submission.aggregate, submission.data.encode(), id=submission.id,
            meta=submission.meta.encode(), wait_seconds=ANSWER_SECONDS,
        )  # fmt: skip
        return msgspec.json.decode(outcome.as_reply(), type=Said)

    async def _by_stream(self, submission: Submission) -> Said:
        """As redis-cli would: add the entry, then wait for the outcome under the same id.

        Where that is deferred, wait for the late one.
        """
        partition = partition_of(submission.aggregate, self._partitions)
        tag = f"{{{self._namespace}:{partition}}}"
        entry = await self._redis.xadd(f"{tag}:commands", _fields(submission, submission.meta))
        found = await self._redis.xread(
            {f"{tag}:outcomes": just_below(entry)}, count=1, block=ANSWER_SECONDS * 1000
        )
        if not found:
            raise NoAnswer(f"no outcome of {entry}")
        [[_, [(id, said)]]] = found
        if id != entry or said["id"] != submission.id:
            raise NoAnswer(f"{entry} is gone: the next outcome is {id} of {said['id']}")
        if said["status"] == "deferred":
            said = await self._late(f"{tag}:late", entry)
        told = {**said, "entry": entry, "detail": json.loads(said["detail"])}
        return msgspec.convert(told, Said, strict=False)

    async def _late(self, key: str, entry: str) -> dict[str, str]:
        """The late outcome of an entry: none is below its time."""
        after = just_below(f"{stream_ms(entry)}-0")
        with anyio.move_on_after(ANSWER_SECONDS):
            while True:
                found = await self._redis.xread({key: after}, block=ANSWER_SECONDS * 1000)
                for _, entries in found:
                    for id, said in entries:
                        if said["of"] == entry:
                            return dict(said)
                        after = id
        raise NoAnswer(f"{entry} is deferred")

    async def _by_inbox(self, submission: Submission) -> Said:
        """As the README shows it: the reply comes to a list that the command names."""
        name = f"{submission.client}-{submission.attempt}"
        meta = json.dumps({**json.loads(submission.meta or "{}"), "reply": name})
        await self._redis.xadd(f"{{{self._namespace}}}:inbox", _fields(submission, meta))
        reply = await self._redis.blpop([f"{self._namespace}:reply:{name}"], ANSWER_SECONDS)
        if reply is None:
            raise NoAnswer("no reply")
        return msgspec.json.decode(reply[1], type=Said)


def _fields(submission: Submission, meta: str) -> dict[str, str]:
    return {
        "id": submission.id, "type": submission.type, "aggregate": submission.aggregate,
        "data": submission.data, "meta": meta,
    }  # fmt: skip
