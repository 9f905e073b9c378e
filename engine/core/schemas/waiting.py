"""Commands that wait, that timers are to become, or that are dead letters, and the code here."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from pydantic import ValidationError

from engine.core.codec import time_of
from engine.core.firing import Timer
from engine.core.records import Entry
from engine.core.refusal import field_errors
from engine.core.registry import Domain
from engine.core.schemas.breaking import Breach
from engine.core.schemas.describing import What


class _Group(msgspec.Struct):
    """Commands that are refused for one reason; where the first of them stands."""

    place: str
    count: int = 0


_BURIED_HINT = "Retry or drop them before (semel dead list), or keep what takes them until then"


class Waiting:
    """Commands of the types that take less than before or are gone; others are not looked at.

    What nobody ever took is refused by any code: it is no fault of the deployment.
    """

    def __init__(self, domain: Domain, narrowed: Mapping[str, Sequence[Breach]]) -> None:
        self._commands, self._narrowed = domain.commands, narrowed
        self._groups: dict[tuple[str, str, str, bool], _Group] = {}
        self.count = self.timers = self.letters = 0

    def take(self, entry: Entry, where: str) -> None:
        """Look at the next command that waits ``where``."""
        self.count += 1
        name = entry.fields.get(b"type", b"").decode(errors="replace")
        self._look(name, entry.fields.get(b"data", b""), f"{entry.id} in {where}")

    def ring(self, timer: Timer, name: str) -> None:
        """Look at the command of a timer that has not fired."""
        self.timers += 1
        due = time_of(timer.at).isoformat(timespec="seconds")
        said = f"the timer {name!r} of {timer.aggregate}, due {due}"
        self._look(timer.type, timer.data.encode(), said)

    def unearth(self, letter: Entry, where: str) -> None:
        """Look at the command of a dead letter: somebody may want to submit it again."""
        self.letters += 1
        name = letter.fields.get(b"type", b"").decode(errors="replace")
        data = letter.fields.get(b"data", b"")
        self._look(name, data, f"{letter.id} in {where}", is_dead=True)

    def breaches(self) -> Iterator[Breach]:
        """What would be refused, by type and reason."""
        for (name, path, why, is_dead), group in self._groups.items():
            narrowed, is_one = self._narrowed[name][0], group.count == 1
            if is_dead:
                does = "is a dead letter" if is_one else "are dead letters"
            else:
                does = "waits" if is_one else "wait"
            yield Breach(
                narrowed.check, What.COMMAND, name, 1, path,
                f"{group.count} {name} {does}, the first as {group.place}, and would be refused: "
                f"{why}",
                _BURIED_HINT if is_dead else narrowed.hint,
            )  # fmt: skip

    def _look(self, name: str, data: bytes, place: str, *, is_dead: bool = False) -> None:
        for path, why in self._refusals(name, data) if name in self._narrowed else ():
            group = self._groups.setdefault((name, path, why, is_dead), _Group(place))
            group.count += 1

    def _refusals(self, name: str, data: bytes) -> Iterator[tuple[str, str]]:
        handler = self._commands.get(name)
        if handler is None:
            yield "", "nobody here handles it"
            return
        try:
            handler.validate(data)
        except ValidationError as error:
            for path, fault in field_errors(error).items():
                yield path.removeprefix("data.").removeprefix("data"), f"{path}: {fault}"
