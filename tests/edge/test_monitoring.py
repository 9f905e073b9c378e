"""What a process shows of itself over HTTP, at its three paths and no other."""

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import structlog

from engine.app import Health
from engine.core.errors import Misuse
from engine.edge.monitoring import REQUESTS_AT_ONCE, monitoring
from engine.settings import Settings
from tests.edge.looking import Looked, Scraped, look
from tests.runtime.stage import Clock

STALL_SECONDS = 5.0


@contextmanager
def monitored(health: Health | None = None, host: str = "127.0.0.1") -> Iterator[str]:
    """Something that is monitored; gives where."""
    settings = Settings(metrics_port=0, metrics_host=host)
    with (
        structlog.testing.capture_logs() as said,
        monitoring(settings, health or Health(STALL_SECONDS)),
    ):
        (url,) = [event["url"] for event in said if event["event"] == "monitoring.served"]
        yield url


def has_ipv6() -> bool:
    """Whether this machine can listen there."""
    with socket.socket(socket.AF_INET6) as one:
        return one.connect_ex(("::1", 1)) == errno.ECONNREFUSED


HOSTS = ["127.0.0.1", "localhost", *(["::1"] if has_ipv6() else [])]


@pytest.mark.parametrize("host", HOSTS)
def test_metrics_are_prometheus_text_and_all_are_ours(host: str) -> None:
    with monitored(host=host) as url:
        scraped = Scraped(url)
    assert scraped.names
    assert all(name.startswith("semel_") for name in scraped.names)
    assert not any(name.endswith("_created") for name in scraped.names)
    (build,) = [family for family in scraped.families if family.name == "semel_build_info"]
    assert [sample.value for sample in build.samples] == [1.0]


def test_a_stalled_loop_is_answered_with_503_and_how_late_it_is() -> None:
    clock = Clock()
    health = Health(STALL_SECONDS, clock)
    health.role("engine")
    with monitored(health) as url:
        assert look(f"{url}/livez") == Looked(
            200, "application/json",
            b'{"status": "ok", "checks": {"loop": '
            b'{"status": "turning", "for_seconds": 0.0, "limit_seconds": 5.0}}}',
        )  # fmt: skip
        clock.now += 6
        seen = look(f"{url}/livez")
        assert (seen.status, seen.json["status"]) == (503, "service unavailable")
        assert seen.json["checks"]["loop"]["status"] == "stalled"
        assert Scraped(url)("semel_loop_lag_seconds") == pytest.approx(5.75)
        assert look(f"{url}/readyz").json["checks"].keys() == {"loop", "engine"}
        health.tick(clock.now)
        assert look(f"{url}/livez").status == 200
        assert look(f"{url}/readyz").status == 503


@pytest.mark.parametrize("path", ["/", "/metrics/", "/livez/x", "/health"])
def test_other_paths_are_404(path: str) -> None:
    with monitored() as url:
        seen = look(url + path)
    assert (seen.status, seen.json) == (404, {"status": "not found", "checks": {}})


def test_nothing_is_served_unless_a_port_is_set() -> None:
    before = threading.enumerate()
    with monitoring(Settings(), Health(STALL_SECONDS)):
        assert threading.enumerate() == before


def test_it_ends_with_its_process() -> None:
    with monitored() as url:
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("semel-monitoring") == 1
    assert "semel-monitoring" not in [thread.name for thread in threading.enumerate()]
    with pytest.raises(OSError, match="refused"):
        look(f"{url}/livez")


def test_a_port_that_is_taken_is_misuse() -> None:
    with monitored() as url:
        port = int(url.rpartition(":")[2])
        with (
            pytest.raises(Misuse, match=f"127.0.0.1 port {port}: Address already in use"),
            monitoring(Settings(metrics_port=port), Health(STALL_SECONDS)),
        ):
            pytest.fail("two cannot have it")


def test_an_address_that_is_not_ours_is_misuse() -> None:
    settings = Settings(metrics_port=0, metrics_host="192.0.2.1")
    with pytest.raises(Misuse, match=r"192\.0\.2\.1"), monitoring(settings, Health(STALL_SECONDS)):
        pytest.fail("nobody listens there")


def test_those_who_say_nothing_take_no_more_than_their_threads() -> None:
    with monitored() as url, ExitStack() as silent:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        for _ in range(REQUESTS_AT_ONCE):
            silent.enter_context(socket.create_connection(address))
        with socket.create_connection(address) as one_more:
            one_more.settimeout(5)
            assert one_more.recv(1) == b"", "it was not hung up on"
