"""Daemons under observation: what they count, and what they say of their health."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from anyio import to_thread
from anyio.from_thread import BlockingPortal
from redis import Redis

from engine.edge.cli.roles import _nodes
from engine.store.keys import Keys
from tests.edge.command_line import Daemon, Semel
from tests.edge.looking import Looked, Scraped, look
from tests.eventually import eventually
from tests.faults.proxy import Mode, proxy

STALL_SECONDS = 0.5
STUCK = {
    "SEMEL_HANDLERS": "tests.edge.stuck", "SEMEL_PROJECTIONS": "nowhere",
    "SEMEL_STALL_SECONDS": str(STALL_SECONDS),
}  # fmt: skip


class Watched(NamedTuple):
    """A daemon that is looked at until it shows what is waited for."""

    portal: BlockingPortal
    url: str

    def answers(self, path: str, status: int, seconds: float = 5) -> Looked:
        """What is at a path, once it has this status."""

        async def check() -> list[Looked]:
            seen = await to_thread.run_sync(look, self.url + path)
            return [seen] if seen.status == status else []

        return self.portal.call(eventually, check, f"{path} answers {status}", seconds)[0]

    def counts(self, name: str, value: float, **labels: str) -> Scraped:
        """All metrics, once one of them has this value."""

        async def check() -> list[Scraped]:
            seen = await to_thread.run_sync(Scraped, self.url)
            return [seen] if seen(name, **labels) == value else []

        return self.portal.call(eventually, check, f"{name}{labels} is {value:g}")[0]


Watch = Callable[[Daemon], Watched]


@pytest.fixture
def watch(portal: BlockingPortal) -> Watch:
    """Look at a daemon, where it says that it can be looked at."""
    return lambda daemon: Watched(portal, daemon.logged("monitoring.served")["url"])


def test_daemons_count_what_they_do(watch: Watch, valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "2").code == 0
    with (
        semel.daemon("run", "--metrics-port", "0") as engine,
        semel.daemon("project", "customers", SEMEL_METRICS_PORT="0") as worker,
    ):
        engine_seen, worker_seen = watch(engine), watch(worker)
        for name in ("Ada", "Ada", "Eve"):
            # the first is accepted, the second a repeat of it, the third another use of its id
            semel.run("submit", "RegisterCustomer", "customer-1", f"name={name}", "--id", "x1")
        seen = engine_seen.counts("semel_commits_total", 3)
        for status in ("accepted", "duplicate", "rejected"):
            assert seen("semel_commands_total", status=status) == 1
        assert seen("semel_commands_total", status="failed") == 0
        assert seen("semel_events_total") == 1
        assert seen("semel_commit_seconds_count") == 3
        assert 0 < seen("semel_commit_seconds_sum") < 60
        assert seen("semel_sessions_total") == 1
        assert seen("semel_leases_held", kind="partition") == 2
        assert seen("semel_leases_held", kind="inbox") == 1
        seen = worker_seen.counts("semel_projection_events_total", 1, projection="customers")
        assert seen("semel_leases_held", kind="projection") == 2
        assert seen("semel_commits_total") == 0
        assert engine.stop().code == 0
        assert worker.stop().code == 0


def test_lag_is_shown_by_who_has_the_lease_and_by_nobody_else(
    watch: Watch, valkey_url: str, namespace: str
) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "2").code == 0
    with semel.daemon("run") as engine:
        engine.logged("engine.started")
        assert semel.run("submit", "RegisterCustomer", "customer-1", "name=Ada").code == 0
        with semel.daemon("project", "customers", SEMEL_METRICS_PORT="0") as worker:
            seen = watch(worker)
            applied = seen.counts("semel_projection_events_total", 1, projection="customers")
            assert applied("semel_projection_lag_events", **lag_of(0)) in (0, 1)
            for partition in (0, 1):
                seen.counts("semel_projection_lag_events", 0, **lag_of(partition))
                seen.counts("semel_projection_lag_seconds", 0, **lag_of(partition))
            with semel.daemon("project", "customers") as other:
                other.logged("worker.started")
                seen.counts("semel_leases_held", 1, kind="projection")
                series = Scraped(seen.url).of("semel_projection_lag_events")
                assert len(series) == 1
                assert len(Scraped(seen.url).of("semel_projection_lag_seconds")) == 1


def lag_of(partition: int) -> dict[str, str]:
    return {"projection": "customers", "generation": "live", "partition": str(partition)}


def test_a_loop_that_a_decider_blocks_is_not_alive_until_it_turns_again(
    watch: Watch, valkey_url: str, namespace: str, tmp_path: Path
) -> None:
    semel, pipe = Semel(valkey_url, namespace), tmp_path / "pipe"
    os.mkfifo(pipe)
    assert semel.run("init", "--partitions", "1").code == 0
    with semel.daemon("run", "--metrics-port", "0", **STUCK) as engine:
        seen = watch(engine)
        seen.answers("/readyz", 200)
        assert look(f"{seen.url}/livez").json["status"] == "ok"
        with semel.daemon("submit", "Block", "stuck-1", f"pipe={pipe}", **STUCK) as client:
            stalled = seen.answers("/livez", 503)
            loop = stalled.json["checks"]["loop"]
            assert loop["status"] == "stalled"
            assert loop["for_seconds"] >= STALL_SECONDS  # Rounded: half a second and a bit.
            assert look(f"{seen.url}/readyz").status == 503
            assert Scraped(seen.url)("semel_loop_lag_seconds") > STALL_SECONDS / 2
            with pipe.open("wb"):
                pipe.unlink()
            seen.answers("/livez", 200)
            assert client.end().code == 0
        seen.answers("/readyz", 200)


def test_an_engine_without_redis_is_alive_but_not_ready(
    portal: BlockingPortal, watch: Watch, valkey_url: str, namespace: str
) -> None:
    assert Semel(valkey_url, namespace).run("init", "--partitions", "1").code == 0
    with portal.wrap_async_context_manager(proxy(valkey_url)) as line:
        semel = Semel(line.url, namespace)
        with semel.daemon("run", "--metrics-port", "0") as engine:
            seen = watch(engine)
            found = seen.answers("/readyz", 200)
            assert found.json["checks"]["engine"]["status"] == "ready"
            portal.call(line.cut)
            lost = seen.answers("/readyz", 503)
            assert lost.json["checks"]["engine"]["status"] == "broken"
            assert lost.json["checks"]["engine"]["reason"]
            assert look(f"{seen.url}/livez").status == 200
            assert Scraped(seen.url)("semel_leases_held", kind="partition") == 0
            line.mode = Mode.FORWARD
            seen.answers("/readyz", 200)
            counted = seen.counts("semel_leases_held", 1, kind="partition")
            assert counted("semel_session_broken_total", reason="Lost") == 1
            assert counted("semel_sessions_total") == 2
            assert counted("semel_leases_acquired_total", kind="partition") == 2
            assert engine.stop().code == 0


def test_a_lease_that_somebody_took_is_counted_as_lost(
    watch: Watch, valkey_url: str, namespace: str
) -> None:
    semel, keys = Semel(valkey_url, namespace), Keys(namespace)
    assert semel.run("init", "--partitions", "2").code == 0
    with semel.daemon("run", "--metrics-port", "0") as engine, Redis.from_url(valkey_url) as redis:
        seen = watch(engine)
        seen.counts("semel_leases_held", 2, kind="partition")
        redis.hset(keys.lease(0), "token", "theirs")
        counted = seen.counts("semel_leases_lost_total", 1, kind="partition", reason="Fenced")
        assert counted("semel_leases_acquired_total", kind="partition") == 2
        seen.counts("semel_leases_held", 2, kind="partition")
        assert engine.stop().code == 0


def test_semel_dev_shows_all_of_its_roles(watch: Watch, namespace: str) -> None:
    with Semel("", namespace).daemon("dev", "--metrics-port", "0") as everything:
        seen = watch(everything)
        found = seen.answers("/readyz", 200, 20)
        assert found.json["checks"].keys() == {"loop", "engine", "worker", "gateway"}
        assert everything.stop().code == 0


def test_each_of_several_nodes_can_be_looked_at(
    watch: Watch, valkey_url: str, namespace: str
) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "2").code == 0
    with semel.daemon("run", "--workers", "2", "--metrics-port", "0") as nodes:
        one, other = watch(nodes), watch(nodes)
        assert one.url != other.url
        for seen in (one, other):
            seen.answers("/readyz", 200)
            seen.counts("semel_leases_held", 1, kind="partition")
        assert nodes.stop().code == 0


def test_each_of_several_nodes_has_the_next_port() -> None:
    assert _nodes(["run"], 2, 9464) == [
        ["run", "--metrics-port", "9464"],
        ["run", "--metrics-port", "9465"],
    ]
    assert _nodes(["run"], 2, None) == [["run"], ["run"]]


def test_a_port_that_is_taken_is_2(watch: Watch, valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    with semel.daemon("run", "--metrics-port", "0") as engine:
        port = watch(engine).url.rpartition(":")[2]
        said = semel.run("project", "--metrics-port", port)
        assert (said.code, said.out) == (2, "")
        assert f"port {port}: Address already in use" in said.err


@pytest.mark.parametrize("verb", ["run", "project", "dev"])
def test_daemons_say_how_to_look_at_them(verb: str) -> None:
    assert "--metrics-port" in Semel("", "").run(verb, "--help").out
