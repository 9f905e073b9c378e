"""Which builds of a read model there are: what stands in `semel:view:NAME`, and what may follow.

A projection has a generation that queries read, perhaps one that is being built, and perhaps
the one before, kept up for a while so that a flip can be taken back. Each was made by some
code, known by its digest; a worker serves a generation only with the code that made it.

Whatever changes is a new `Generations`, made from the old one here and written by comparison
of ``revision``: who comes second reads again and decides again. Numbers are never used twice,
so what is over cannot come back.
"""

from collections.abc import Mapping
from typing import Self

import msgspec

from engine.core.errors import Misuse, Torn

NONE = 0
"""The number of no generation."""

LIVE, BUILDING, PREVIOUS = "live", "building", "previous"
"""What a generation is; at most one of a projection is each."""

MAX_LOAD = 0.5
"""The share of the time that a rebuild takes unless told: live traffic comes first."""

LEVEL_SECONDS = 0.5
"""How long two generations must be level everywhere at once, before a moment ago will do: under
steady load some partition's event has always just been applied by the one and not by the other."""


class Generations(msgspec.Struct, frozen=True, kw_only=True):
    """The builds of one projection; the numbers are `NONE` where there is none.

    ``digest`` is that of the code that made ``live``, and so on; empty where nobody knows yet.
    ``last`` is the highest number ever used. ``since_ms`` is when the build began, or when the
    last flip was. ``removing`` are generations that are over and not wholly removed yet.
    ``accepts_parked`` lets a build go live although it passes over aggregates. ``compared`` is
    what came of comparing live's rows with those of the one before, as JSON.
    """

    revision: int = 0
    live: int = 1
    digest: str = ""
    previous: int = NONE
    previous_digest: str = ""
    building: int = NONE
    building_digest: str = ""
    state: str = ""
    last: int = 1
    since_ms: int = 0
    max_load: float = MAX_LOAD
    accepts_parked: bool = False
    removing: tuple[int, ...] = ()
    compared: str = ""

    @property
    def is_paused(self) -> bool:
        """Whether nothing of this projection is to be applied for now."""
        return self.state == PAUSED

    @property
    def kept(self) -> tuple[int, ...]:
        """The generations there are; whatever else is found is over."""
        return tuple(self.stages)

    @property
    def stages(self) -> dict[int, str]:
        """The same, and what each is."""
        every = {LIVE: self.live, BUILDING: self.building, PREVIOUS: self.previous}
        return {number: stage for stage, number in every.items() if number != NONE}

    def is_over(self, number: int) -> bool:
        """Whether there was such a generation, and is none any more but for what is removed."""
        return number <= self.last and number not in self.kept

    def of_code(self, digest: str) -> tuple[int, ...]:
        """The generations that code of this digest keeps up, the live one first."""
        if self.is_paused:
            return ()
        return tuple(number for number in self.kept if self.made_by(number) == digest)

    def made_by(self, number: int) -> str:
        """The digest of the code that made a generation; empty where nobody knows."""
        match number:
            case self.live:
                return self.digest
            case self.previous:
                return self.previous_digest
            case self.building:
                return self.building_digest
            case _:
                return ""

    def adopted(self, digest: str) -> Self:
        """The live generation is this code's from now on, with the rows it has."""
        return self._next(digest=digest)

    def begun(self, digest: str, now_ms: int, max_load: float = MAX_LOAD) -> Self:
        """A build begins, by this code; raises `Misuse` while there is another."""
        if self.building != NONE:
            raise Misuse(
                f"generation {self.building} is being built already: wait for it, or cancel it"
            )
        number = self.last + 1
        return self._next(
            building=number, building_digest=digest, last=number, since_ms=now_ms,
            max_load=max_load, accepts_parked=False,
        )  # fmt: skip

    def at_load(self, max_load: float) -> Self:
        """The build goes on at another share of the time."""
        return self._next(max_load=max_load)

    def cancelled(self) -> Self:
        """The build is given up, and removed; raises `Misuse` where there is none."""
        if self.building == NONE:
            raise Misuse("nothing is being built")
        return self._next(
            building=NONE, building_digest="", removing=(*self.removing, self.building)
        )

    def flipped(self, now_ms: int) -> Self:
        """The build goes live; what was live is kept as the previous one."""
        if self.building == NONE:
            raise Misuse("nothing is being built")
        removing = self.removing if self.previous == NONE else (*self.removing, self.previous)
        return self._next(
            live=self.building, digest=self.building_digest, building=NONE, building_digest="",
            previous=self.live, previous_digest=self.digest, removing=removing, since_ms=now_ms,
            compared="",
        )  # fmt: skip

    def rolled_back(self, now_ms: int) -> Self:
        """The previous generation is live again, and this one the previous.

        Whom that passes over nobody has accepted.
        """
        if self.previous == NONE:
            raise Misuse("no previous generation is kept: build anew with the code of before")
        return self._next(
            live=self.previous, digest=self.previous_digest, previous=self.live,
            previous_digest=self.digest, since_ms=now_ms, accepts_parked=False, compared="",
        )  # fmt: skip

    def forgotten(self) -> Self:
        """The previous generation is not kept any more."""
        if self.previous == NONE:
            return self
        return self._next(
            previous=NONE, previous_digest="", removing=(*self.removing, self.previous)
        )

    def removed(self, number: int) -> Self:
        """Nothing is left of a generation."""
        return self._next(removing=tuple(each for each in self.removing if each != number))

    def paused(self) -> Self:
        """Nothing is applied until it is resumed; queries go on, and see what there is."""
        return self._next(state=PAUSED)

    def resumed(self) -> Self:
        """What was paused goes on."""
        return self._next(state="")

    def accepting_parked(self) -> Self:
        """The build may go live although it passes over aggregates."""
        if self.building == NONE:
            raise Misuse("nothing is being built")
        return self._next(accepts_parked=True)

    def judged(self, compared: str) -> Self:
        """The rows of live and previous were compared, and this came of it."""
        return self._next(compared=compared)

    def _next(self, **changes: object) -> Self:
        return msgspec.structs.replace(self, revision=self.revision + 1, **changes)


def served_as(projection: str, generation: int) -> str:
    """What a worker says it serves, of one generation; its consumer group's name too."""
    return f"{projection}@{generation}"


def code_as(projection: str, digest: str) -> str:
    """What a worker says it serves, of the code that it has: so others know that it is there."""
    return f"code:{projection}:{digest}"


def curated_as(projection: str) -> str:
    """What a worker says it serves, of all generations of a projection."""
    return f"curator:{projection}"


def audited_as(projection: str) -> str:
    """What a worker says it serves, of holding the live rows against the log."""
    return f"auditor:{projection}"


PAUSED = "paused"
"""The state of a projection to which nothing is applied for now; else it is empty."""


def read_generations(fields: Mapping[str, str]) -> Generations:
    """What stands in `semel:view:NAME`; raises `Torn` for what cannot."""
    said: dict[str, object] = {name: text for name, text in fields.items() if text}
    if "removing" in said:
        said["removing"] = fields["removing"].split()
    try:
        found = msgspec.convert(said, Generations, strict=False)
    except msgspec.ValidationError as error:
        raise Torn(f"what is said of generations cannot be read: {error}") from error
    highest = max(found.live, found.previous, found.building, found.last)
    return msgspec.structs.replace(found, last=highest)


def write_generations(generations: Generations) -> dict[str, str]:
    """The same as it is kept: text by field, empty for nothing."""
    fields = {}
    for name, value in msgspec.structs.asdict(generations).items():
        match value:
            case bool():
                fields[name] = "1" if value else ""
            case tuple():
                fields[name] = " ".join(map(str, value))
            case _:
                fields[name] = "" if value == NONE and name != "revision" else str(value)
    return fields
