"""The checker on what real clients were told by a real engine: nothing is wrong, and it looked."""

import json
from pathlib import Path
from random import Random
from time import monotonic_ns
from typing import BinaryIO

import anyio
import msgspec

import engine
from engine import app, settings
from engine.edge.client import Client
from tests.edge.command_line import Semel
from tests.faults.checker import check
from tests.faults.histories import Attempt, Said, dump, read_histories
from tests.faults.sampler import Sampler, read_samples, went_back

CLIENTS, COMMANDS = 3, 60


class Shopper:
    """A client that repeats itself, and writes everything down."""

    def __init__(self, name: str, client: Client, file: Path) -> None:
        self._name, self._client, self._file = name, client, file
        self._random = Random(name)
        self._attempts = 0

    async def shop(self) -> None:
        """Give commands that all clients fight over, some of them several times."""
        with self._file.open("wb") as out:
            async with anyio.create_task_group() as tasks:
                for n in range(COMMANDS):
                    customer = f"customer-{self._random.randrange(5)}"
                    data = json.dumps({"name": f"{self._name} {n}"})
                    kind = "RenameCustomer" if n % 5 else "RegisterCustomer"
                    for _ in range(self._random.choice((1, 1, 2))):
                        self._attempts += 1
                        attempt = Attempt(
                            self._name, self._attempts, f"{self._name}-{n}", kind, customer,
                            data, "", monotonic_ns(),
                        )  # fmt: skip
                        tasks.start_soon(self._try, attempt, out)
                    await anyio.lowlevel.checkpoint()

    async def _try(self, attempt: Attempt, out: BinaryIO) -> None:
        write = out.write
        write(msgspec.json.encode(attempt) + b"\n")
        outcome = await self._client.commands.submit(
            attempt.type, attempt.aggregate, attempt.data.encode(), id=attempt.id
        )
        said = msgspec.json.decode(outcome.as_reply(), type=Said)
        told = msgspec.structs.replace(attempt, returned=monotonic_ns(), outcome=said)
        write(msgspec.json.encode(told) + b"\n")


async def test_an_engine_that_is_left_in_peace(
    valkey_url: str, namespace: str, tmp_path: Path
) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.process("init", "--partitions", "4").code == 0
    set_up = settings.load(redis=valkey_url, namespace=namespace)
    files = [tmp_path / f"client-{n}.jsonl" for n in range(CLIENTS)]
    samples = tmp_path / "samples.jsonl"
    with semel.served():
        async with (
            engine.connect(valkey_url, namespace=namespace) as client,
            anyio.create_task_group() as watching,
        ):
            watching.start_soon(Sampler(valkey_url, namespace, 4, samples).run)
            async with anyio.create_task_group() as clients:
                for file in files:
                    clients.start_soon(Shopper(file.stem, client, file).shop)
            watching.cancel_scope.cancel()
    async with app.namespace_session(set_up) as session:
        dumped = await dump(session)
    verdict = check(list(read_histories(files)), dumped)
    assert verdict.violations == []
    assert verdict.acknowledged == verdict.attempts > CLIENTS * COMMANDS
    assert verdict.effects > 5
    assert {outcome.status.value for outcome in dumped.outcomes} == {
        "accepted",
        "duplicate",
        "rejected",
    }
    assert list(went_back(read_samples(samples))) == []
    assert check(list(read_histories(files[1:])), dumped).violations
