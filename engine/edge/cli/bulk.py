"""``semel submit --from``: a file of commands, many under way at once, each line once.

Lines of one aggregate are submitted in the order of the file: tasks are started in that
order, and each submits before it first waits. Whatever is wrong with a line is its own
matter; the others go on.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any, BinaryIO

import anyio
import msgspec

from engine.core.errors import Deferred, Misuse, SemelError, Unknown
from engine.core.outcome import Outcome
from engine.edge.cli import output
from engine.edge.cli.gauge import Advance, gauge
from engine.edge.cli.lines import lines_of, size_of
from engine.edge.cli.options import Format
from engine.edge.cli.outcomes import fault_in, outcome_data
from engine.edge.client import Client
from engine.edge.faults import fault_of

IN_FLIGHT_LIMIT = 512
"""Commands under way at once: enough to keep an engine busy over any network."""

NAMED_LIMIT = 20
"""Lines named one by one when they were not accepted."""


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """One line of the file; what is JSON in it is passed on as it was written."""

    type: str
    aggregate: str
    data: msgspec.Raw
    id: str | None = None
    meta: msgspec.Raw = msgspec.Raw(b"")


class Load:
    """The submission of one file: who is under way, and what became of whom."""

    def __init__(self, client: Client, seconds: float, shown: Format, advance: Advance) -> None:
        self._client, self._seconds = client, seconds
        self._shown, self._advance = shown, advance
        self._decode = msgspec.json.Decoder(Line).decode
        self._slots = anyio.Semaphore(IN_FLIGHT_LIMIT, fast_acquire=True)
        self._answered_at = anyio.current_time()
        self._silent = False
        self.count: Counter[str] = Counter()
        self.named: list[dict[str, Any]] = []

    async def run(self, lines: AsyncIterator[bytes]) -> None:
        """Submit every line; returns when each has its outcome, or none in time."""
        number = 0
        async with anyio.create_task_group() as tasks:
            async for raw in lines:
                number += 1
                line = self._read(number, raw)
                if line is None:
                    continue
                await self._slots.acquire()
                if await self._is_served():
                    tasks.start_soon(self._submit, number, line, len(raw))
                else:
                    self._slots.release()
                    message = "not submitted: lines before it got no outcome in time"
                    self._note(number, "unknown", line.id, {"code": "unknown", "message": message})

    def _read(self, number: int, raw: bytes) -> Line | None:
        if not raw.strip():
            return None
        self.count["lines"] += 1
        try:
            return self._decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            fault = {"code": "malformed", "message": f"{error}"}
            self._note(number, "malformed", None, fault)
            return None

    async def _is_served(self) -> bool:
        """Whether it makes sense to go on: Redis is there, and somebody answers.

        Waiting for the session here, behind those who wait already, keeps the order.
        """
        if not self._silent:
            with anyio.move_on_after(self._seconds):
                await self._client.dispatch.session()
                return not self._silent
            self._silent = True
        return False

    async def _submit(self, number: int, line: Line, size: int) -> None:
        began = anyio.current_time()
        try:
            outcome = await self._client.commands.submit(
                line.type, line.aggregate, bytes(line.data), id=line.id,
                meta=bytes(line.meta), wait_seconds=self._seconds,
            )  # fmt: skip
        except Misuse as error:
            self._note(number, "malformed", line.id, fault_of(error))
        except Deferred as error:
            self._answered_at = anyio.current_time()
            self._note(number, "unknown", error.id, fault_of(error))
        except Unknown as error:
            # Nobody answered anything while this one waited: the rest need not wait too.
            self._silent = self._silent or self._answered_at < began
            message = f"no outcome within {self._seconds:g} s: it may still come"
            self._note(number, "unknown", error.id, {"code": "unknown", "message": message})
        except SemelError as error:
            self._note(number, "unknown", line.id, fault_of(error))
        else:
            self._answered_at = anyio.current_time()
            self._take(number, outcome)
        finally:
            self._slots.release()
            self._advance(size, self.standing())

    def _take(self, number: int, outcome: Outcome) -> None:
        fault = fault_in(outcome)
        if outcome.status == "duplicate":
            self.count["repeats_of_refused"] += fault is not None
            fault = None
        if fault is None:
            self.count[outcome.status] += 1
        else:
            self._name(number, outcome.status, outcome.id, fault_of(fault))
        if self._shown is Format.JSONL:
            output.line({"line": number, **outcome_data(outcome)})

    def _note(self, number: int, status: str, id: str | None, fault: dict[str, Any]) -> None:
        """Take in that a line has no outcome, and why."""
        named = self._name(number, status, id, fault)
        if self._shown is Format.JSONL:
            output.line(named)

    def _name(
        self, number: int, status: str, id: str | None, fault: dict[str, Any]
    ) -> dict[str, Any]:
        self.count[status] += 1
        named = {"line": number, **({"id": id} if id else {}), "status": status, **fault}
        if len(self.named) < NAMED_LIMIT:
            self.named.append(named)
        return named

    def standing(self) -> str:
        """How all stands, in a few words."""
        count = self.count
        others = ("rejected", "failed", "unknown", "malformed")
        said = [f"{count['accepted']} accepted", f"{count['duplicate']} duplicates"]
        return ", ".join([*said, *(f"{count[name]} {name}" for name in others if count[name])])


async def submit_lines(client: Client, stream: BinaryIO, seconds: float, shown: Format) -> int:
    """Submit a file and sum up; returns the exit code."""
    began = time.monotonic()
    with gauge(size_of(stream)) as advance:
        load = Load(client, seconds, shown, advance)
        await load.run(lines_of(stream))
    took = time.monotonic() - began
    count, named = load.count, sorted(load.named, key=lambda fault: int(fault["line"]))
    statuses = ("lines", "accepted", "duplicate", "rejected", "failed", "unknown", "malformed")
    data: dict[str, Any] = {name: count[name] for name in statuses}
    rate = (count["lines"] - count["unknown"] - count["malformed"]) / took
    data |= {"seconds": round(took, 3), "per_second": round(rate)}
    text = list(_summary(load, named, f"{took:.1f} s, {rate:.0f} outcomes a second"))
    if shown is Format.JSONL:
        for sentence in text:
            output.say(sentence)
    else:
        output.show(shown, data, text, named)
    if count["unknown"]:
        return Unknown.exit_code
    return 0 if count["accepted"] + count["duplicate"] == count["lines"] else 1


def _summary(load: Load, named: list[dict[str, Any]], pace: str) -> Iterator[str]:
    count = load.count
    nothing = ": nothing changed" if count["lines"] == count["duplicate"] else ""
    yield f"{load.standing()}{nothing}"
    yield f"{count['lines']} lines in {pace}"
    if count["repeats_of_refused"]:
        yield f"{count['repeats_of_refused']} of the duplicates repeat what was not accepted"
    for fault in named:
        about = dict.fromkeys(fault[name] for name in ("status", "id", "code") if name in fault)
        yield f"line {fault['line']}: {', '.join(about)}: {fault['message']}"
    more = sum(count[name] for name in ("rejected", "failed", "unknown", "malformed")) - len(named)
    if more:
        yield f"… and {more} lines more"
    if count["unknown"]:
        yield "Some outcomes are unknown: submit the file again. Lines with an id count once."
