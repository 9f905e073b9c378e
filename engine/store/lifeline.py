"""Keeping leases alive from a thread: over a connection of its own, whose calls block."""

from collections.abc import Mapping
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from engine.core.errors import Lost
from engine.store.connection import PLAIN
from engine.store.keys import Keys
from engine.store.scripts import sha_of, source_of


class RedisLifeline:
    """Renews leases, and a process's place among the others.

    A connection that broke is dialled anew at the next call. That is no doubt: nothing is
    known here but tokens, and those Redis compares.
    """

    def __init__(self, url: str, keys: Keys, node: str, seconds: float) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            **PLAIN,
            # An answer that comes later than this is of no use: the leases have run out.
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            client_name="semel-leases",
        )
        self._nodes, self._node = keys.nodes(), node
        self._ms = int(seconds * 1000)

    def renew(self, tokens: Mapping[str, str]) -> list[str]:
        """Hold on to leases, in one round trip; returns those that are not ours any more.

        One that Redis refuses to renew is not ours either, and keeps none of the others from
        being looked at. Raises `Lost` when the server did not answer, or not as it should.
        """
        try:
            pipe = self._redis.pipeline(transaction=False)
            # The scripts go along each time: the cache may have been emptied since.
            for name in ("attend", "renew"):
                pipe.script_load(source_of(name))
            pipe.evalsha(sha_of("attend"), 1, self._nodes, self._node)
            for key, token in tokens.items():
                pipe.evalsha(sha_of("renew"), 1, key, token, self._ms)
            replies: list[Any] = pipe.execute(raise_on_error=False)
            for reply in replies:
                if isinstance(reply, RedisError) and not _is_refusal(reply):
                    raise reply
        except (RedisError, OSError) as error:
            raise Lost(f"leases could not be renewed: {error}") from error
        renewed = zip(tokens, replies[3:], strict=True)
        return [key for key, held in renewed if not held or isinstance(held, RedisError)]

    def close(self) -> None:
        """Hang up."""
        self._redis.close()


def _is_refusal(reply: RedisError) -> bool:
    """Whether an error reply is about one lease alone: another kind of key stands there."""
    return isinstance(reply, ResponseError) and str(reply).startswith("WRONGTYPE")
