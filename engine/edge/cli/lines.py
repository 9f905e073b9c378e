"""A file or a pipe, line by line, without holding up whatever else goes on."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from anyio import to_thread

from engine.core.errors import Misuse

_CHUNK_BYTES = 65_536
"""As much as a pipe holds: read at once, or as much of it as there is."""


@contextmanager
def opened(path: Path | None) -> Iterator[BinaryIO]:
    """The file, or stdin; raises `Misuse`."""
    if path is None:
        yield sys.stdin.buffer
        return
    try:
        stream = path.open("rb")
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror}") from error
    with stream:
        yield stream


def size_of(stream: BinaryIO) -> int | None:
    """How much there is to read; None for a pipe."""
    try:
        return os.fstat(stream.fileno()).st_size or None
    except OSError:
        return None


async def lines_of(stream: BinaryIO) -> AsyncIterator[bytes]:
    """Lines as soon as they are there: whoever writes a pipe may be slow."""
    rest = b""
    while chunk := await to_thread.run_sync(_read_some, stream, abandon_on_cancel=True):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
    if rest:
        yield rest


def _read_some(stream: BinaryIO) -> bytes:
    read1: Any = getattr(stream, "read1", stream.read)
    return bytes(read1(_CHUNK_BYTES))
