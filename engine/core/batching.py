"""Cutting what was read into batches, so that no script runs longer than a few milliseconds."""

from collections.abc import Iterator, Sequence

from engine.core.records import Entry


def batches(entries: Sequence[Entry], count: int, size: int) -> Iterator[Sequence[Entry]]:
    """Runs of at most ``count`` entries and ``size`` bytes, in order; one entry at the least."""
    start, held = 0, 0
    for at, entry in enumerate(entries):
        weight = entry.size
        if at > start and (at - start == count or held + weight > size):
            yield entries[start:at]
            start, held = at, 0
        held += weight
    if start < len(entries):
        yield entries[start:]
