"""A shop on a real server whose read models are built anew: by commands, as operators type them."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from redis import Redis

from engine.store.keys import Keys
from tests.edge.command_line import ROOT, Daemon, Said, Semel
from tests.edge.verify.damaging import orders
from tests.eventually import at_last

PARTITIONS = 2
NAME = "orders"

SHIPPED = "yield put(context.aggregate, status=OrderStatus.SHIPPED)"
"""The line of the shop's projection that tests change …"""

OTHER = SHIPPED.replace("SHIPPED", "CANCELLED")
"""… so that rows of shipped orders come out otherwise,"""

SAME = f"status = OrderStatus.SHIPPED\n    {SHIPPED.replace('OrderStatus.SHIPPED', 'status')}"
"""… so that they come out the same by other words,"""

BUG = f"""if context.aggregate == "order-7":
        raise KeyError("a planted bug")
    {SHIPPED}"""
"""… and so that one order's cannot be applied."""

QUICK = {"SEMEL_PARK_AFTER_SECONDS": "0.05"}
"""Workers that park soon."""


class Shop(NamedTuple):
    """A namespace, with an engine; ``semel`` is typed where some code of the shop is."""

    semel: Semel
    redis: Any
    keys: Keys

    def at(self, home: Path) -> "Shop":
        """The same namespace, where other code is."""
        return self._replace(semel=self.semel._replace(home=home))

    def run(self, *words: str, **environment: str) -> Said:
        """Type a verb: where the code is this repository's, in this process."""
        if self.semel.home == ROOT:
            return self.semel.run(*words, stdin=b"", **environment)
        return self.semel.process(*words, stdin=b"", **environment)

    def projection(self, verb: str, *words: str) -> Said:
        """Type a verb about the orders."""
        return self.run("projection", verb, NAME, *words)

    @contextmanager
    def worker(self, **environment: str) -> Iterator[Daemon]:
        """A projection worker with the code that is here."""
        with self.semel.daemon("project", **environment) as worker:
            key = self.keys.node(worker.logged("worker.started")["node"])
            at_last(
                lambda: b"code:orders:" in (self.redis.hget(key, "serves") or b""),
                "it is known which code is there",
            )
            yield worker

    @contextmanager
    def watching(self, *words: str) -> Iterator[Daemon]:
        """`semel projection rebuild`, as a process."""
        with self.semel.daemon("projection", "rebuild", NAME, *words) as terminal:
            yield terminal

    def fill(self, count: int, folder: Path) -> list[str]:
        """Words that submit the commands of so many orders."""
        file = folder / f"{count}.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in orders(count)))
        return ["submit", "--from", str(file)]

    @property
    def said(self) -> dict[str, str]:
        """What stands of generations."""
        found = self.redis.hgetall(self.keys.live(NAME)).items()
        return {name.decode(): value.decode() for name, value in found}

    def rows(self, generation: int) -> dict[str, dict[bytes, bytes]]:
        """A generation's rows."""
        prefix = self.keys.row(NAME, generation, "")
        return {
            key.decode().removeprefix(prefix): self.redis.hgetall(key)
            for key in self.redis.keys(f"{prefix}*")
        }

    def traces(self, generation: int) -> list[str]:
        """Whatever there is of a generation: keys, and logs that have a group of it."""
        group = f"{NAME}@{generation}"
        found = self.redis.keys(f"*{self.keys.namespace}*:{group}*")
        logs = [self.keys.log(partition) for partition in range(PARTITIONS)]
        return [key.decode() for key in found] + [
            log
            for log in logs
            if any(g["name"] == group.encode() for g in _groups(self.redis, log))
        ]

    def applied(self, generation: int) -> None:
        """Wait until a generation has applied the whole log."""

        def is_applied() -> bool:
            every = range(PARTITIONS)
            heads = [self.redis.hget(self.keys.head(p), "position") for p in every]
            checkpoints = [self.keys.projection(p, NAME, generation) for p in every]
            return heads == [self.redis.hget(key, "position") for key in checkpoints]

        at_last(is_applied, f"generation {generation} has applied everything")

    def ship(self, order: str) -> str:
        """An order is created and shipped; returns the receipt of that."""
        data = next(orders(1))["data"]
        assert self.run("submit", "CreateOrder", order, json.dumps(data)).code == 0
        return str(self.run("submit", "ShipOrder", order, "-o", "json").data["receipt"])


def _groups(redis: Any, log: str) -> Any:
    return redis.xinfo_groups(log) if redis.exists(log) else []


@contextmanager
def opened(url: str, namespace: str) -> Iterator[Shop]:
    """A new namespace with an engine, and nobody who projects."""
    semel = Semel(url, namespace)
    assert semel.run("init", "--partitions", str(PARTITIONS)).code == 0
    with Redis.from_url(url, protocol=2) as redis, semel.daemon("run") as engine:
        engine.logged("engine.started")
        yield Shop(semel, redis, Keys(namespace))


def project(folder: Path, shipped: str = SHIPPED) -> Path:
    """A project of its own: the shop's code, with another line about shipped orders."""
    for package in ("handlers", "projections"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    source = folder / "projections/orders.py"
    text = source.read_text()
    assert SHIPPED in text
    source.write_text(text.replace(SHIPPED, shipped))
    return folder
