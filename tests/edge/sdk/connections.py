"""Which connections a client has: it comes as a user of its own, so that they can be told."""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

import redis


@contextmanager
def with_user(url: str) -> Iterator[str]:
    """The server's address for a user of its own."""
    name = f"sdk-{token_hex(4)}"
    with redis.Redis.from_url(url) as plain:
        plain.execute_command("ACL", "SETUSER", name, "on", "nopass", "~*", "&*", "+@all")
        try:
            yield url.replace("redis://", f"redis://{name}:x@")
        finally:
            plain.execute_command("ACL", "DELUSER", name)


def connections_of(url: str) -> int:
    """How many connections the user of an address has now."""
    name = url.partition("//")[2].partition(":")[0]
    with redis.Redis.from_url(url.replace(f"{name}:x@", "")) as plain:
        return sum(each["user"] == name for each in plain.client_list())
