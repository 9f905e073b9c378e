"""However a log is delivered, in whatever pieces, the rows are what a plain fold makes."""

from collections.abc import Sequence
from itertools import combinations, product
from random import Random

import anyio
import pytest

from engine.core.records import Entry
from engine.runtime import follower as module
from engine.runtime import standstill
from tests.runtime.reading import ITEM, PARTITION, Reading, folded, plain, reading

EVENTS = 6


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is waited for shortly."""
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(standstill, "PAUSE_SECONDS", (0.001,))


RUNS = [list(range(a, b + 1)) for a, b in combinations(range(EVENTS + 1), 2) if a > 0] + [
    [n] for n in range(1, EVENTS + 1)
]
"""Every run of neighbours in the log."""


async def test_whatever_two_batches_come_first_the_rows_are_the_same() -> None:
    async with reading() as r:
        log = r.entries()
        await all_alike(
            r, [[[log[n - 1] for n in run] for run in two] for two in product(RUNS, repeat=2)]
        )


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_delivered_the_rows_are_the_same(seed: int) -> None:
    random = Random(seed)
    async with reading(projection_batch_events=random.randint(1, 4)) as r:
        log = r.entries()
        counts = (random.randint(1, 6) for _ in range(100))
        await all_alike(r, [[some_entries(random, log) for _ in range(n)] for n in counts])


async def all_alike(r: Reading, scripts: Sequence[list[list[Entry]]]) -> None:
    """Have a generation read by each script; all rows must be what a plain fold makes."""

    async def read(generation: int, script: list[list[Entry]]) -> None:
        told = [[entry.id for entry in batch] for batch in script]
        assert plain(await r.read(generation, script)) == expected, told

    expected = folded(r)
    async with anyio.create_task_group() as tasks:
        for generation, script in enumerate(scripts, 1):
            tasks.start_soon(read, generation, script)


def some_entries(random: Random, log: list[Entry]) -> list[Entry]:
    """Entries in their order, with gaps or without."""
    if random.random() < 0.5:
        start = random.randrange(len(log))
        return log[start : random.randint(start + 1, len(log))]
    return [entry for entry in log if random.random() < 0.6] or log[:1]


async def test_what_a_stale_reader_takes_is_read_again() -> None:
    stolen: list[Entry] = []
    async with reading() as r, r.stage.session() as other:
        stale = (await other.logs("customers", 1)).subscribe(other.log_key(PARTITION), "")

        async def steal() -> None:
            while True:
                stolen.extend(await stale.take() or ())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(steal)
            async with r.projecting(1), r.stage.owner(PARTITION):
                order = r.entries()[2].fields[b"aggregate"].decode()
                for _ in range(10):
                    await r.stage.answer("AddOrderItem", order, ITEM)
                await r.reached(1, EVENTS + 10)
            tasks.cancel_scope.cancel()
        assert stolen
        assert plain(r.rows(1)) == folded(r)


async def test_an_empty_read_while_head_is_ahead_is_noticed() -> None:
    async with reading() as r:
        r.wrap = {"after": {"seek": lambda: skip_to_the_end(r)}}
        async with r.projecting(1):
            await anyio.wait_all_tasks_blocked()
            assert r.position(1) == 0
            r.wrap["after"].clear()
            await r.reached(1, EVENTS)
        assert plain(r.rows(1)) == folded(r)


async def skip_to_the_end(r: Reading) -> None:
    """What a stale reader does that reads on at the wrong moment."""
    log = r.stage.server.data.stream(r.stage.keys.log(PARTITION))
    log.groups["customers@1"] = log.last
