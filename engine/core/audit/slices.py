"""A bounded part of any number of rows: those whose names have the smallest hashes.

Whoever goes through the names once, in any order and with repetitions, has afterwards a
random part of them, and knows of any other name whether it would belong to it. The next
part begins where this one ends.
"""

from hashlib import blake2b
from heapq import heappush, heappushpop

_HASH_BYTES = 8
"""64 bits: two rows with the same hash are in the same part, and there is never a third."""


class Slice:
    """Up to ``limit`` names from a hash on; another ``seed`` makes other parts."""

    def __init__(self, seed: bytes, lowest: int, limit: int) -> None:
        self._seed, self._lowest, self._limit = seed, lowest, limit
        self._highest: int | None = None
        self._heap: list[tuple[int, str]] = []
        self._names: set[str] = set()

    @property
    def ends_before(self) -> int | None:
        """The hash at which the next part begins; None where this one is the last."""
        return self._highest

    @property
    def share(self) -> float:
        """Which share of all names belongs here, or to a part before."""
        return 1.0 if self._highest is None else self._highest / 2 ** (8 * _HASH_BYTES)

    def hash_of(self, name: str) -> int:
        """A name's place among all."""
        raw = name.encode(errors="surrogateescape")
        digest = blake2b(raw, digest_size=_HASH_BYTES, key=self._seed).digest()
        return int.from_bytes(digest)

    def covers(self, name: str) -> bool:
        """Whether a name belongs here, as far as is known by now."""
        place = self.hash_of(name)
        return self._lowest <= place and (self._highest is None or place < self._highest)

    def offer(self, name: str) -> None:
        """Take a name in, where it belongs here; another one may have to go."""
        if name in self._names:
            return
        place = self.hash_of(name)
        if place < self._lowest or (self._highest is not None and place >= self._highest):
            return
        self._names.add(name)
        if len(self._names) <= self._limit:
            heappush(self._heap, (-place, name))
            return
        place, gone = heappushpop(self._heap, (-place, name))
        self._names.discard(gone)
        self._highest = -place

    def taken(self) -> set[str]:
        """The names, once all have been offered; they are not held here any more."""
        self._heap, names, self._names = [], self._names, set()
        return names
