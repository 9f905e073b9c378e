"""Live views over HTTP: each answer is an event, and whoever comes back goes on."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from anyio.from_thread import BlockingPortal

from tests.edge.http.gateways import Shop, gateway, new_order
from tests.eventually import at_last

LIVE = {"accept": "text/event-stream"}


class Event(dict[str, str]):
    """One event of a stream: its fields."""

    @property
    def said(self) -> Any:
        return json.loads(self["data"])


@contextmanager
def followed(client: Shop, path: str, **headers: str) -> Iterator[Iterator[Event]]:
    """The events of a live view."""
    said = {**LIVE, **{name.replace("_", "-"): value for name, value in headers.items()}}
    with client.stream("GET", path, headers=said) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield _events(response.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[Event]:
    event = Event()
    for line in lines:
        name, _, value = line.partition(": ")
        if name:
            event[name] = value
        elif event:
            yield event
            event = Event()


def test_each_other_answer_is_told_and_who_comes_back_goes_on(shop: Shop) -> None:
    order = new_order()
    path = f"/v1/queries/GetOrderById?order_id={order}"
    with followed(shop, path) as events:
        assert next(events).said == {"answer": None, "is_behind": False}
        shop.order(order)
        created = next(events)
        assert created.said["answer"]["status"] == "created"
    shop.command("ShipOrder", order)
    with followed(shop, path, Last_Event_ID=created["id"]) as events:
        assert next(events).said["answer"]["status"] == "shipped"
    with followed(shop, f"{path}&after={created['id']}") as events:
        assert next(events).said["answer"]["status"] == "shipped"


def test_a_row_is_followed_too(shop: Shop) -> None:
    order = new_order()
    shop.asked("GetOrderById", order_id=order, after=shop.order(order).headers["semel-receipt"])
    with followed(shop, f"/v1/views/orders/{order}") as events:
        assert next(events).said["answer"]["id"] == order


def test_what_cannot_be_followed_is_a_problem_and_no_stream(shop: Shop) -> None:
    for path, status in (
        ("/v1/queries/GetOrderById?order_id=o&after=nonsense", 422),
        ("/v1/queries/GetOrderById", 422),
        ("/v1/queries/GetMoonPhase", 404),
        ("/v1/views/moons/1", 404),
    ):
        answer = shop.get(path, headers=LIVE)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"


def test_what_ends_a_stream_is_its_last_event(shop: Shop) -> None:
    with followed(shop, "/v1/queries/GetOrdersByCustomer?customer_id=c&page=1&cursor=x") as events:
        last = next(events)
        assert (last["event"], last.said["status"]) == ("problem", 422)
        assert list(events) == []


def test_followers_are_bounded_and_a_stop_ends_their_streams(
    portal: BlockingPortal, valkey_url: str, namespace: str
) -> None:
    path = "/v1/queries/GetOrderById?order_id=order-0"
    served = gateway(valkey_url, namespace, engine=False, http_followers=2)
    with ExitStack() as streams:
        with portal.wrap_async_context_manager(served) as url, Shop(base_url=url) as other:
            client = streams.enter_context(Shop(base_url=url))
            first, second = (streams.enter_context(followed(client, path)) for _ in range(2))
            assert next(first).said == next(second).said
            refused = other.get(path, headers=LIVE)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
            assert "semel_gateway_followers 2.0" in other.get("/metrics").text
        assert list(first) == list(second) == []


def test_one_who_goes_makes_room(portal: BlockingPortal, valkey_url: str, namespace: str) -> None:
    path = "/v1/queries/GetOrderById?order_id=order-0"
    served = gateway(valkey_url, namespace, engine=False, http_followers=1)
    with portal.wrap_async_context_manager(served) as url, Shop(base_url=url) as client:
        with followed(client, path) as events:
            next(events)
            assert client.get(path, headers=LIVE).status_code == 429
        at_last(lambda: "semel_gateway_followers 0.0" in client.get("/metrics").text, "he is gone")
        with followed(client, path) as events:
            next(events)
