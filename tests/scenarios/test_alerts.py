"""A projection that does not keep up: somebody is told, whatever died, and told when it is over."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from redis import Redis

from engine.store.keys import Keys
from tests.edge.command_line import Daemon, Semel
from tests.edge.verify.damaging import orders
from tests.eventually import at_last
from tests.receiver import Receiver, receiver

POISONED = {"SEMEL_PROJECTIONS": "tests.edge.poisoned", "SEMEL_PARK_AFTER_SECONDS": "0.05"}
ALERT, RECOVERED = "projection.alert", "projection.recovered"
FOR_SECONDS = "1.5"
UNTRUE = {"running", "idle"}

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]


class Shop:
    """A namespace, what is posted about it, and what is seen of it from outside."""

    def __init__(self, semel: Semel, hook: Receiver) -> None:
        self.semel, self.hook = semel, hook
        self._environment = {
            "SEMEL_ALERT_WEBHOOK": hook.url, "SEMEL_ALERT_FOR_SECONDS": FOR_SECONDS,
            "SEMEL_ALERT_LAG_SECONDS": "60",
        }  # fmt: skip

    @contextmanager
    def engine(self, **environment: str) -> Iterator[Daemon]:
        with self.semel.daemon("run", **self._environment, **environment) as daemon:
            daemon.logged("engine.started")
            yield daemon

    @contextmanager
    def worker(self, **environment: str) -> Iterator[Daemon]:
        with self.semel.daemon("project", **self._environment, **environment) as daemon:
            daemon.logged("worker.started")
            yield daemon

    def register(self, *customers: str) -> None:
        """Some events more."""
        for customer in customers:
            said = self.semel.run("submit", "RegisterCustomer", f"customer-{customer}", "name=Ada")
            assert said.code == 0, said.err

    def listed(self, name: str = "customers") -> dict[str, Any]:
        """How a projection stands, as `projection list` has it."""
        found = self.semel.run("projection", "list", "-o", "jsonl").lines
        return dict(next(each for each in found if each["name"] == name))

    def shown(self, name: str = "customers") -> list[dict[str, Any]]:
        """How it stands in each partition, as `projection show` has it."""
        found = self.semel.run("projection", "show", name, "-o", "json").data
        return list(found["generations"][0]["partitions"])

    def is_well(self, name: str = "customers") -> bool:
        listed = self.listed(name)
        return (listed["state"], listed["behind"]) == ("idle", 0)

    def until_calm(self, name: str = "customers") -> None:
        """Until all is applied, and whatever was told of the time before that is over."""
        at_last(lambda: self.is_well(name), "all is applied", 30)
        at_last(lambda: not self.alarms(name), "nothing is wrong", 30)
        self.hook.messages.clear()

    def alarms(self, name: str) -> list[str]:
        """What is remembered of what is wrong with a projection."""
        with Redis.from_url(self.semel.redis, decode_responses=True) as redis:
            found: Any = redis.hgetall(Keys(self.semel.namespace).alarms())
        return [text for about, text in found.items() if about.startswith(f"{name}@")]

    def is_told(self, *events: str, name: str = "customers", kind: str = "behind") -> bool:
        """Whether the webhook heard just this about a projection."""
        heard = [each for each in self.hook.about(name) if each["kind"] == kind]
        return [each["event"] for each in heard] == list(events)

    def until_alerted(
        self, lacking: int, name: str = "customers", kind: str = "behind", **seen: Any
    ) -> dict[str, Any]:
        """Wait for the alert, and see at every look that nothing is said to be well meanwhile."""

        def alerted() -> bool:
            listed = self.listed(name)
            assert listed["behind"] + listed["passed_over"] == lacking, listed
            assert listed["state"] != "idle", listed
            assert listed["state"] != "running" or listed["seconds"] <= 1.0, listed
            assert listed["seconds"] > 0, listed
            lame = [place for place in self.shown(name) if place["behind"] or place["parked"]]
            assert not {place["state"] for place in lame if place["seconds"] > 1.5} & UNTRUE, lame
            return self.is_told(ALERT, name=name, kind=kind)

        at_last(alerted, "the alert", 30)
        listed = self.listed(name)
        assert {name: listed[name] for name in seen} == seen
        assert [alert["why"] for alert in listed["alerts"]] == [self.hook.about(name)[0]["why"]]
        return listed

    def until_recovered(self, name: str = "customers", kind: str = "behind") -> None:
        told = partial(self.is_told, ALERT, RECOVERED, name=name, kind=kind)
        at_last(told, "that it is over", 30)
        at_last(lambda: not self.listed(name)["alerts"], "that it is forgotten")


@pytest.fixture
def shop(valkey_url: str, namespace: str) -> Iterator[Shop]:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "2").code == 0
    with receiver() as hook:
        yield Shop(semel, hook)


def test_nobody_projects_and_the_engine_tells(shop: Shop) -> None:
    with shop.engine() as engine:
        shop.register("1", "2", "3")
        shop.until_alerted(3, state="unowned", owned=0)
        line = engine.logged(ALERT)
        assert (line["level"], line["generation"], line["kind"]) == ("warning", 1, "behind")
        assert line["why"].startswith("2 of 2 partitions are nobody's")
        assert (line["behind"], line["kind"]) == (3, "behind")
        assert shop.hook.url not in json.dumps(line)
        with shop.worker():
            at_last(shop.is_well, "all is applied")
            shop.until_recovered()
            assert logged(engine, RECOVERED, "customers")["level"] == "info"


def test_a_worker_is_killed_and_another_one_comes(shop: Shop) -> None:
    with shop.engine():
        with shop.worker() as worker:
            shop.register("1")
            shop.until_calm()
            worker.stop(signal.SIGKILL)
            shop.register("2", "3")
            shop.until_alerted(2, state="unowned")
        with shop.worker():
            at_last(shop.is_well, "all is applied")
            shop.until_recovered()


def test_a_worker_is_frozen_and_wakes(shop: Shop) -> None:
    with shop.engine(), shop.worker() as worker:
        shop.register("1")
        shop.until_calm()
        worker.send(signal.SIGSTOP)
        shop.register("2", "3")
        shop.until_alerted(2, state="unowned")
        worker.send(signal.SIGCONT)
        at_last(shop.is_well, "all is applied")
        shop.until_recovered()


def test_a_worker_whose_leases_are_long_is_frozen_and_seen_to_be(shop: Shop) -> None:
    """As one whose event loop stands still, while a thread keeps its leases."""
    long = {"SEMEL_LEASE_SECONDS": "60", "SEMEL_HEARTBEAT_SECONDS": "0.4"}
    with shop.engine(), shop.worker(**long) as worker:
        shop.register("1")
        shop.until_calm()
        worker.send(signal.SIGSTOP)
        shop.register("2", "3")
        seen = shop.until_alerted(2, state="blocked")
        assert "nothing moved for" in seen["troubles"][0]
        assert seen["workers"]
        worker.send(signal.SIGCONT)
        at_last(shop.is_well, "all is applied")
        shop.until_recovered()


def test_whoever_watches_dies_and_the_next_one_knows_what_was_told(shop: Shop) -> None:
    with shop.engine() as engine:
        shop.register("1")
        shop.until_alerted(1, state="unowned")
        at_last(lambda: '"told":true' in shop.alarms("customers")[0], "it is known to be told")
        engine.stop(signal.SIGKILL)
        with shop.worker() as worker:
            at_last(shop.is_well, "all is applied")
            shop.until_recovered()
            assert logged(worker, RECOVERED, "customers")["level"] == "info"
        alert, recovered = shop.hook.about("customers")
        assert alert["node"] != recovered["node"]
        assert alert["since"] == recovered["since"]


def test_poison_is_told_and_so_is_that_it_was_mended(shop: Shop) -> None:
    with shop.engine():
        with shop.worker(**POISONED, POISON_ORDERS="order-1") as worker:
            shop.until_calm("orders")
            created = next(line for line in orders(2) if line["type"] == "CreateOrder")
            for type, data in (("CreateOrder", created["data"]), ("ShipOrder", {})):
                said = shop.semel.run("submit", type, "order-1", json.dumps(data))
                assert said.code == 0, said.err
            at_last(lambda: shop.listed("orders")["parked"] == 1, "it is parked")
            seen = shop.until_alerted(1, "orders", "parked", state="parked", parked=1, behind=0)
            assert seen["passed_over"] == 1
            [message] = shop.hook.about("orders")
            assert (message["kind"], message["parked"]) == ("parked", 1)
            assert worker.stop().code == 0
        with shop.worker():
            said = shop.semel.run("dead", "retry", "orders")
            assert said.code == 0, said.err
            at_last(lambda: shop.is_well("orders"), "all is applied")
            shop.until_recovered("orders", "parked")


def logged(daemon: Daemon, event: str, projection: str) -> dict[str, Any]:
    """The first line of this event that is about this projection."""
    while (line := daemon.logged(event))["projection"] != projection:
        pass
    return line
