"""Keeping leases alive from a thread: over a connection of its own, whose calls block."""

from collections.abc import Mapping
from itertools import chain

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from engine.core.errors import Lost
from engine.store.dialling import PLAIN
from engine.store.keys import Keys
from engine.store.scripts import sha_of, source_of

PAGE_LIMIT = 200
"""Leases that one script renews: others get their turn after a fraction of a millisecond."""


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

        Raises `Lost` when the server did not answer, or not as it should.
        """
        keys = list(tokens)
        pages = [keys[at : at + PAGE_LIMIT] for at in range(0, len(keys), PAGE_LIMIT)]
        try:
            pipe = self._redis.pipeline(transaction=False)
            # The scripts go along each time: the cache may have been emptied since.
            for name in ("attend", "renew"):
                pipe.script_load(source_of(name))
            pipe.evalsha(sha_of("attend"), 1, self._nodes, self._node)
            for page in pages:
                held = [tokens[key] for key in page]
                pipe.evalsha(sha_of("renew"), len(page), *page, self._ms, *held)
            _, _, _, *replies = pipe.execute()
        except (RedisError, OSError) as error:
            raise Lost(f"leases could not be renewed: {error}") from error
        renewed = zip(keys, chain.from_iterable(replies), strict=True)
        return [key for key, held in renewed if not held]

    def close(self) -> None:
        """Hang up."""
        self._redis.close()
