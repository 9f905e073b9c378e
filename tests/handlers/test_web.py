"""A web application of one's own, before a whole shop."""

import secrets
from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal
from starlette.testclient import TestClient

from handlers.web import app
from tests.edge.http.gateways import ORDER, gateway


@pytest.fixture(scope="module")
def client(portal: BlockingPortal, valkey_url: str) -> Iterator[TestClient]:
    """Somebody who calls the application."""
    name = f"test_{secrets.token_hex(4)}"
    with (
        portal.wrap_async_context_manager(gateway(valkey_url, name)),
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setenv("SEMEL_REDIS", valkey_url)
        patched.setenv("SEMEL_NAMESPACE", name)
        with TestClient(app) as client:
            yield client


def test_an_order_is_created_and_shown_where_its_location_says(client: TestClient) -> None:
    created = client.post("/api/v1/orders", json=ORDER)
    assert created.status_code == 201
    shown = client.get(created.headers["location"])
    assert (shown.status_code, shown.json()["total_amount"]) == (200, "25.00")
    assert shown.json()["id"] == created.json()["id"]


def test_the_same_key_is_the_same_order(client: TestClient) -> None:
    said = {"Idempotency-Key": "k-1"}
    first, again = (client.post("/api/v1/orders", json=ORDER, headers=said) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"] == "order-k-1"


def test_an_unknown_order_is_404(client: TestClient) -> None:
    answer = client.get("/api/v1/orders/order-0")
    assert (answer.status_code, answer.json()["detail"]) == (404, "orders has no row order-0")


def test_what_the_rules_refuse_is_400_and_what_is_malformed_422(client: TestClient) -> None:
    empty = client.post("/api/v1/orders", json={**ORDER, "items": []})
    assert (empty.status_code, "order_empty" in empty.json()["detail"]) == (400, True)
    assert client.post("/api/v1/orders", json={}).status_code == 422
    other = {**ORDER, "customer_id": "c-2"}
    client.post("/api/v1/orders", json=ORDER, headers={"Idempotency-Key": "k-2"})
    reused = client.post("/api/v1/orders", json=other, headers={"Idempotency-Key": "k-2"})
    assert (reused.status_code, "id_reused" in reused.json()["detail"]) == (422, True)
