"""What strangers may do to a gateway: each is answered or cut, and others notice nothing."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from httpx2 import Limits
from structlog.testing import capture_logs

from engine.settings import load
from tests.conftest import _missing
from tests.edge.http.gateways import Shop, gateway, new_order
from tests.eventually import at_last

CONNECTIONS = 20
STALL_SECONDS = 0.5
MANY = 10_000
"""Connections, ten times as many as a gateway takes unless it is told otherwise."""


@pytest.fixture(scope="module")
def narrow_url(portal: BlockingPortal, valkey_url: str) -> Iterator[str]:
    """A gateway with little room and no patience."""
    served = gateway(
        valkey_url, "test_narrow", http_connections=CONNECTIONS, http_followers=2,
        http_stall_seconds=STALL_SECONDS, command_bytes=200_000,
    )  # fmt: skip
    with portal.wrap_async_context_manager(served) as url:
        yield url


@pytest.fixture
def narrow(narrow_url: str) -> Iterator[Shop]:
    with Shop(base_url=narrow_url, timeout=10) as client:
        yield client


def address_of(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return host, int(port)


def said_to(url: str, what: bytes, *, seconds: float = 10) -> bytes:
    """All that is answered to some bytes, until the connection ends."""
    with socket.create_connection(address_of(url), timeout=seconds) as connection:
        connection.sendall(what)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:
            pass  # it was cut while we still wrote
        return answer


def cut(client: Shop, reason: str) -> float:
    """How many connections were cut for a reason."""
    name = f'semel_gateway_connections_cut_total{{reason="{reason}"}} '
    shown = client.get("/metrics").text
    return float(shown.partition(name)[2].partition("\n")[0] or 0)


def head(path: str, *more: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "host: localhost", *more, "", ""]).encode()


SHIP = "/v1/commands/ShipOrder?aggregate=order-1"
JSON = "content-type: application/json"


def turned_away(lines: list[Any]) -> list[int]:
    """With which statuses callers were turned away, as the log has it."""
    return [line["status"] for line in lines if line["event"] == "gateway.turned_away"]


def test_a_body_of_100_mb_is_refused_before_it_is_read(narrow_url: str) -> None:
    with capture_logs() as lines:
        answer = said_to(narrow_url, head(SHIP, JSON, f"content-length: {100 * 1024 * 1024}"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert turned_away(lines) == [413]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "too_large"


def test_a_body_that_does_not_say_how_long_it_is_is_refused_when_it_is_too_long(
    narrow: Shop,
) -> None:
    def without_end() -> Iterator[bytes]:
        for _ in range(1000):
            yield b" " * 10_000

    try:
        answer = narrow.post(
            SHIP, content=without_end(), headers={"content-type": "application/json"}
        )
        assert answer.status_code == 413
    except OSError:
        pass  # it was cut while we still wrote
    assert narrow.get("/livez").status_code == 200


def test_a_body_that_does_not_come_is_waited_for_no_longer_than_set(narrow_url: str) -> None:
    with capture_logs() as lines:
        answer = said_to(narrow_url, head(SHIP, JSON, "content-length: 10") + b"{")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert turned_away(lines) == [408]


def test_half_a_head_and_silence_are_cut(narrow_url: str, narrow: Shop) -> None:
    before = cut(narrow, "silent")
    assert said_to(narrow_url, b"GET /livez HTTP/1.1\r\nhost: sh") == b""
    assert said_to(narrow_url, b"") == b""
    assert cut(narrow, "silent") == before + 2


def test_what_is_no_http_is_answered_400(narrow_url: str) -> None:
    answer = said_to(narrow_url, b"HELLO\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 400


def test_who_hangs_up_in_the_middle_of_a_request_harms_nobody(
    narrow_url: str, narrow: Shop
) -> None:
    with capture_logs() as lines:
        for what in (head(SHIP, JSON, "content-length: 10") + b"{", head(SHIP)[:-9], b"P"):
            with socket.create_connection(address_of(narrow_url)) as connection:
                connection.sendall(what)
        at_last(lambda: turned_away(lines) == [499], "the one whose head was whole is noted")
    assert (
        'requests_total{route="/v1/commands/{type}",status="499"} 1' in narrow.get("/metrics").text
    )
    order = new_order()
    assert narrow.order(order).status_code == 201
    with socket.create_connection(address_of(narrow_url)) as connection:
        ship = SHIP.replace("order-1", order)
        connection.sendall(head(ship, JSON, "content-length: 2") + b"{}")

    def shipped() -> bool:
        found = narrow.asked("GetOrderById", order_id=order)
        return bool(found.status_code == 200 and found.json()["status"] == "shipped")

    at_last(shipped, "what he had sent is done")


def test_a_connection_too_many_is_told_so_and_others_go_on(narrow_url: str, narrow: Shop) -> None:
    assert narrow.get("/livez").status_code == 200  # this one is kept
    with ExitStack() as room:
        many = [
            room.enter_context(socket.create_connection(address_of(narrow_url), timeout=10))
            for _ in range(10 * CONNECTIONS)
        ]
        assert narrow.get("/livez").status_code == 200
        refused = sum(one.recv(12) == b"HTTP/1.1 503" for one in many)
    assert refused >= 8 * CONNECTIONS
    assert narrow.order(new_order()).status_code == 201


def test_who_takes_nothing_of_his_answers_is_cut(narrow_url: str, narrow: Shop) -> None:
    before = cut(narrow, "stuck")
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(address_of(narrow_url))
        slow.sendall(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n" * 500)
        at_last(lambda: cut(narrow, "stuck") > before, "it is cut")
    assert narrow.order(new_order()).status_code == 201


@contextmanager
def room_for(files: int) -> Iterator[None]:
    """As many open files as that, of this process."""
    soft, hard = getrlimit(RLIMIT_NOFILE)
    if hard < files:
        _missing(f"{files} open files for a process: ulimit -Hn")
    setrlimit(RLIMIT_NOFILE, (max(soft, files), hard))
    yield
    setrlimit(RLIMIT_NOFILE, (soft, hard))


def test_of_ten_thousand_connections_those_too_many_are_refused(
    portal: BlockingPortal, valkey_url: str, namespace: str
) -> None:
    """As many as the settings say stay. Who was there goes on, who comes after is served."""
    served = gateway(valkey_url, namespace, http_stall_seconds=60)
    limit = load().http_connections
    with (
        room_for(MANY + 2000),
        portal.wrap_async_context_manager(served) as url,
        Shop(base_url=url, timeout=10, limits=Limits(keepalive_expiry=30)) as shop,
    ):
        assert shop.get("/livez").status_code == 200  # this one is kept
        with ExitStack() as room, capture_logs() as lines:
            many = [
                room.enter_context(socket.create_connection(address_of(url), timeout=10))
                for _ in range(MANY)
            ]
            assert shop.order(new_order()).status_code == 201
            assert all(one.recv(12) == b"HTTP/1.1 503" for one in many[limit - 1 :])
            assert f"semel_gateway_connections {limit}.0" in shop.get("/metrics").text
        assert [line["event"] for line in lines].count("gateway.crowded") == 1
        at_last(lambda: "semel_gateway_connections 1.0" in shop.get("/metrics").text, "they left")
        with Shop(base_url=url) as late:
            assert late.get("/livez").status_code == 200
