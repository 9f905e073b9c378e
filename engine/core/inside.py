"""Ids of commands that the engine makes itself, and how it knows them again.

Such an id contains ``/``, names its cause and ends with a tag made of both with the
namespace's secret: ``inbox/1700000000000-3/5f2bb5a2c0d1e3f4``. Clients may not use ``/``,
but any client may write anything into a stream. Without the tag one could use an id of the
engine's up before its time, and the command that it belongs to would be lost as a repeat.
"""

import hmac
from hashlib import blake2b

_AGAIN = "dead"
"""The source of commands that were dead letters."""

_TAG_BYTES = 8
"""64 bits, and every guess is a command that is rejected for all to see."""


def inside_id(secret: bytes, source: str, cause: str) -> str:
    """The id of a command from an inside source; ``cause`` is what it follows from."""
    said = f"{source}/{cause}"
    return f"{said}/{_tag(secret, said)}"


def again_id(secret: bytes, id: str) -> str:
    """The id of a dead letter's command when it is submitted again: ``dead/<id>/<n>/<tag>``.

    The same letter has the same one, whoever asks; what fails again counts on.
    """
    of, times = id, 1
    if id.startswith(f"{_AGAIN}/") and is_inside_id(secret, id):
        said, _, _ = id.rpartition("/")
        of, _, before = said.removeprefix(f"{_AGAIN}/").rpartition("/")
        times = int(before) + 1
    return inside_id(secret, _AGAIN, f"{of}/{times}")


def is_inside_id(secret: bytes, id: str) -> bool:
    """Whether the engine made an id itself."""
    said, _, tag = id.rpartition("/")
    return bool(said) and hmac.compare_digest(tag.encode(), _tag(secret, said).encode())


def _tag(secret: bytes, said: str) -> str:
    return blake2b(said.encode(), key=secret, digest_size=_TAG_BYTES).hexdigest()
