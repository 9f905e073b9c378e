"""A live view that its reader does not read: it costs little, he is cut, and others go on."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from anyio.from_thread import BlockingPortal

from tests.edge.http.gateways import Shop, gateway, new_order
from tests.edge.http.test_limits import address_of, cut
from tests.edge.http.test_live import followed
from tests.eventually import at_last

ORDERS = 60
"""In the list that is followed, each with a long id: an answer has 45 kB."""

CHANGES = 40
"""Of that list; one who reads is told each."""

KERNEL = 4096
"""Bytes of a connection that the kernel keeps, or some more; by itself it keeps megabytes."""

LITTLE = 300_000
"""Bytes: an answer that was begun, what uvicorn and the loop keep at the most, and a margin."""


@contextmanager
def unread(url: str, path: str) -> Iterator[socket.socket]:
    """The live view of somebody who asks for it, and then reads nothing."""
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL)
        reader.settimeout(10)
        reader.connect(address_of(url))
        said = ["host: localhost", "accept: text/event-stream"]
        reader.sendall("\r\n".join([f"GET {path} HTTP/1.1", *said, "", ""]).encode())
        yield reader


def long_list(shop: Shop) -> str:
    """The address of a list of many orders of one customer, who can be renamed."""
    customer = new_order().replace("order-", "c-")
    assert shop.command("RegisterCustomer", f"customer-{customer}", {"name": "0"}).is_success
    order: dict[str, Any] = {
        "customer_id": customer,
        "items": [{"product_id": "p-1", "quantity": 1, "unit_price": "1.00"}],
        "shipping_address": {"street": "1 Main", "city": "Reims", "country": "FR"},
    }
    for _ in range(ORDERS):
        assert shop.command("CreateOrder", new_order().ljust(190, "x"), order).status_code == 201
    return f"/v1/queries/GetOrdersByCustomer?customer_id={customer}&page_size=100"


def changes(shop: Shop, path: str) -> Iterator[str]:
    """Change all that the list shows, again and again; gives what it shows then."""
    customer = path.partition("customer_id=")[2].partition("&")[0]
    for number in range(CHANGES):
        name = f"{number} ".ljust(198, "ü") + "."
        said = shop.command("RenameCustomer", f"customer-{customer}", {"name": name})
        assert said.status_code == 201
        yield name


def test_who_reads_nothing_for_a_while_skips_answers_and_ends_with_the_last(
    portal: BlockingPortal, valkey_url: str, namespace: str
) -> None:
    served = gateway(valkey_url, namespace, kept=KERNEL, http_stall_seconds=60)
    with portal.wrap_async_context_manager(served) as url, Shop(base_url=url, timeout=10) as shop:
        path, told, name = long_list(shop), 0, ""
        with (
            Shop(base_url=url, timeout=10) as other,
            unread(url, path) as slow,
            followed(shop, path) as quick,
        ):
            for name in changes(other, path):
                for event in quick:
                    told += len(event["data"].encode())
                    if name in event["data"]:
                        break
            assert told > 5 * LITTLE
            kept, end = 0, b""
            while name.encode() not in end:
                part = slow.recv(65536)
                assert part
                kept, end = kept + len(part), end[-1000:] + part
        assert kept < LITTLE


def test_who_never_reads_is_cut_and_makes_room(
    portal: BlockingPortal, valkey_url: str, namespace: str
) -> None:
    served = gateway(valkey_url, namespace, kept=KERNEL, http_stall_seconds=0.5, http_followers=1)
    with portal.wrap_async_context_manager(served) as url, Shop(base_url=url, timeout=10) as shop:
        path, before = long_list(shop), cut(shop, "stuck")
        with unread(url, path), structlog.testing.capture_logs() as lines:
            for _ in changes(shop, path):
                if cut(shop, "stuck") > before:
                    break
            at_last(lambda: cut(shop, "stuck") == before + 1, "he is cut")
        [line] = [line for line in lines if line["event"] == "gateway.cut"]
        assert line["reason"] == "stuck"
        at_last(lambda: "semel_gateway_followers 0.0" in shop.get("/metrics").text, "he is gone")
        with followed(shop, path) as events:
            assert next(events).said["answer"]["total"] == ORDERS
