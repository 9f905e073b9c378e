"""A namespace that was filled through the shop, and hands that damage it, one thing at a time."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from redis import Redis

from engine.core.routing import partition_of
from engine.store.keys import Keys
from tests.contract.stores import Dump, RedisStore
from tests.edge.command_line import Semel

PARTITIONS = 4
ORDERS = 8
_ADDRESS = {"street": "1 Main", "city": "Reims", "postal_code": "51100", "country": "FR"}
_ITEM = {"product_id": "p-1", "quantity": 2, "unit_price": "12.50"}

Fields = dict[bytes, bytes]
Mend = Callable[[str, Fields], Fields | None]
"""Given an entry's id and fields: the fields it shall have, None for no entry any more."""


def lines() -> list[dict[str, Any]]:
    """Commands of every outcome: accepted ones, refused ones, and some that come twice."""
    said = [_line("RegisterCustomer", "customer-c-1", "register", {"name": "Ada"})]
    for n in range(1, ORDERS + 1):
        data = {"customer_id": "c-1", "items": [_ITEM], "shipping_address": _ADDRESS}
        said.append(_line("CreateOrder", f"order-{n}", "create", data))
        said.append(_line("AddOrderItem", f"order-{n}", "add", _ITEM))
        said.append(_line("ShipOrder", f"order-{n}", "ship", {}))
        said.append(_line("CancelOrder", f"order-{n}", "cancel", {"reason": "too late"}))
        said.append(_line("ShipOrder", f"order-{n}", "ship", {}))
    return said


def orders(count: int) -> Iterator[dict[str, Any]]:
    """Commands for few aggregates, all of which change the same customer's row."""
    for n in range(count):
        number, turn = n % 50, n // 50
        data = {"customer_id": "c-1", "items": [_ITEM], "shipping_address": _ADDRESS}
        kind = "AddOrderItem" if turn else "CreateOrder"
        yield _line(kind, f"order-{number}", f"{turn}", _ITEM if turn else data)


def _line(kind: str, aggregate: str, id: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "aggregate": aggregate, "id": f"{aggregate}-{id}", "data": data}


class Filled(NamedTuple):
    """The namespace; ``order-1`` and its partition are where damage is done."""

    semel: Semel
    redis: Any
    keys: Keys

    @property
    def home(self) -> int:
        """The partition of order-1."""
        return partition_of("order-1", PARTITIONS)

    @property
    def log(self) -> str:
        """Its log."""
        return self.keys.log(self.home)

    @property
    def outcomes(self) -> str:
        """Its outcomes."""
        return self.keys.outcomes(self.home)

    @property
    def head(self) -> str:
        """Its head."""
        return self.keys.head(self.home)

    @property
    def events(self) -> str:
        """The stream of order-1."""
        return self.keys.events(self.home, "order-1")

    @property
    def row(self) -> str:
        """The row of order-1."""
        return self.keys.row("orders", 1, "order-1")

    @property
    def group(self) -> str:
        """The index group of all orders of the customer."""
        return f"{self.keys.index('orders', 1, 'by_customer')}:c-1"

    @property
    def checkpoint(self) -> str:
        """The checkpoint of the orders in that partition."""
        return self.keys.projection(self.home, "orders", 1)

    def plain(self) -> Dump:
        """Every key as plain data."""
        store = RedisStore("valkey", self.semel.redis, self.keys.namespace)
        dump = store.dump()
        store.redis.close()
        return dump

    def logged(self, version: int) -> tuple[str, Fields]:
        """The log's entry for a version of order-1."""
        [found] = [
            (id.decode(), fields)
            for id, fields in self.redis.xrange(self.log)
            if (fields[b"aggregate"], fields[b"version"]) == (b"order-1", b"%d" % version)
        ]
        return found

    def answers(self, id: str) -> list[str]:
        """The entries of the outcomes of one id, in order."""
        found = self.redis.xrange(self.outcomes)
        return [entry.decode() for entry, fields in found if fields[b"id"] == id.encode()]

    def rewrite(self, key: str, mend: Mend) -> None:
        """Write a stream anew, its entries mended."""
        entries = self.redis.xrange(key)
        self.redis.delete(key)
        for id, fields in entries:
            mended = mend(id.decode(), fields)
            if mended is not None:
                self.redis.xadd(key, mended, id)

    def mend(self, key: str, at: str, /, **fields: str) -> None:
        """Write a stream anew, with other fields in one entry."""
        said = {name.encode(): value.encode() for name, value in fields.items()}
        self.rewrite(key, lambda id, found: found | said if id == at else found)

    def verify(self, *words: str) -> list[tuple[str, str, str]]:
        """What `semel verify` finds, or another verb: check, key and id, each once."""
        said = self.semel.run(*(words or ("verify",)), "-o", "json")
        assert said.code == (1 if said.errors else 0), said.err
        assert said.data["findings"] == len(said.errors)
        for error in said.errors:
            assert error["key"] in error["message"]
            assert error["id"] in error["message"]
            assert error["expected"] != error["found"]
        return [(error["code"], error["key"], error["id"]) for error in said.errors]


@contextmanager
def filled(url: str, folder: Path) -> Iterator[tuple[Filled, dict[bytes, bytes]]]:
    """A namespace that was served, and all its keys as Redis dumps them."""
    semel = Semel(url, f"test_{secrets.token_hex(4)}")
    redis: Any = Redis.from_url(url, protocol=2)
    keys = Keys(semel.namespace)
    assert semel.run("init", "--partitions", str(PARTITIONS)).code == 0
    file = folder / "lines.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines()))
    with semel.served():
        assert semel.run("submit", "--from", str(file), "-o", "json").code == 1
        for name in ("orders", "customers"):
            _wait_projected(semel, name)
    pattern = f"*{semel.namespace}*"
    dumped = {key: redis.dump(key) for key in redis.keys(pattern)}
    yield Filled(semel, redis, keys), {key: raw for key, raw in dumped.items() if raw}
    redis.delete(*redis.keys(pattern))
    redis.close()


def _wait_projected(semel: Semel, name: str) -> None:
    """Ask with the newest receipts until the answers have them."""
    query = {"orders": "GetOrdersByCustomer", "customers": "GetCustomer"}[name]
    for n in range(1, ORDERS + 1):
        words = ["submit", "RenameCustomer", "customer-c-1", f"name=Ada {n}", "-o", "json"]
        receipt = semel.run(*words).data["receipt"]
        assert semel.run("query", query, "customer_id=c-1", "--after", receipt).code == 0
        words = ["submit", "ShipOrder", f"order-{n}", "-o", "json"]
        receipt = semel.run(*words).data["receipt"]
        assert semel.run("query", query, "customer_id=c-1", "--after", receipt).code == 0
