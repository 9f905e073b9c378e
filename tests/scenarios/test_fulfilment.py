"""Orders and their stock, while engines and workers are killed: nothing is held for nobody."""

import json
import signal
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.edge.command_line import Semel
from tests.eventually import at_last

ORDERS, PRODUCTS, UNITS = 300, 10, 80
ON = {"SEMEL_SERVICES": '{"fulfilment": {"enabled": true, "confirm_seconds": 20}}'}

pytestmark = pytest.mark.timeout(240)


def stocked(number: int) -> dict[str, Any]:
    return {"type": "StockProduct", "aggregate": f"product-p-{number}", "data": {"quantity": UNITS}}


def ordered(number: int) -> list[dict[str, Any]]:
    """Three lines each; every fifth order is shipped by hand at once, and as many cancelled."""
    order = f"order-{number}"
    items = [
        {"product_id": f"p-{(number * k + k) % PRODUCTS}", "quantity": k, "unit_price": "1.00"}
        for k in (1, 2, 3)
    ]
    address = {"street": "1 Main", "city": "Reims", "country": "FR"}
    data = {"customer_id": "c-1", "items": items, "shipping_address": address}
    lines = [{"type": "CreateOrder", "aggregate": order, "data": data, "id": f"create-{number}"}]
    if number % 5 == 1:
        lines += [{"type": "ShipOrder", "aggregate": order, "data": {}, "id": f"ship-{number}"}]
    if number % 5 == 2:
        data = {"reason": "changed my mind"}
        lines += [{"type": "CancelOrder", "aggregate": order, "data": data, "id": f"end-{number}"}]
    return lines


def written(path: Path, lines: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def log(semel: Semel) -> list[dict[str, Any]]:
    return semel.run("log", "--after", "0", "--limit", "100000", "-o", "jsonl").lines


def is_settled(semel: Semel) -> bool:
    """Whether every order is confirmed or over, and every fulfilment told of it."""
    seen = defaultdict[str, set[str]](set)
    for each in log(semel):
        seen[each["type"]].add(each["aggregate"].partition("-")[2])
    over = seen["ReservationsShipped"] | seen["ReservationsReleased"]
    ended = seen["OrderShipped"] | seen["OrderCancelled"]
    return bool(seen["OrderCreated"]) and (
        ended == over and seen["OrderCreated"] == ended | seen["FulfilmentConfirmed"]
    )


def require_sound(events: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Nothing below zero, nothing held for nobody; returns what is in the house, and held."""
    left, held = Counter[str](), defaultdict[str, dict[str, int]](dict)
    shipped, orders = Counter[str](), dict[str, str]()
    for each in events:
        product, data = each["aggregate"], each["data"]
        match each["type"]:
            case "ProductStocked":
                left[product] += data["quantity"]
            case "StockReserved":
                assert data["order_id"] not in held[product]
                held[product][data["order_id"]] = data["quantity"]
                left[product] -= data["quantity"]
            case "StockReleased":
                assert held[product].pop(data["order_id"]) == data["quantity"]
                left[product] += data["quantity"]
            case "StockShipped":
                assert held[product].pop(data["order_id"]) == data["quantity"]
                shipped[product] += data["quantity"]
            case "OrderCreated" | "OrderConfirmed" | "OrderShipped" | "OrderCancelled":
                orders[product] = each["type"]
        assert left[product] >= 0
    confirmed = {order for order, last in orders.items() if last == "OrderConfirmed"}
    assert {order for by_order in held.values() for order in by_order} == confirmed
    assert len(confirmed) > 0
    assert len(shipped) > 0
    sums = {product: sum(held[product].values()) for product in left}
    assert all(left[p] + sums[p] == UNITS - shipped[p] for p in left)
    return {product: (UNITS - shipped[product], sums[product]) for product in left}


def shown(semel: Semel) -> dict[str, tuple[int, int]]:
    rows = [semel.run("query", "GetStock", f"product_id=p-{n}", "-o", "json").data
            for n in range(PRODUCTS)]  # fmt: skip
    return {row["id"]: (row["total"], row["reserved"]) for row in rows}


def test_whoever_is_killed_stock_is_held_for_confirmed_orders_alone(
    valkey_url: str, namespace: str, tmp_path: Path
) -> None:
    semel = Semel(valkey_url, namespace)
    stock = written(tmp_path / "stock.jsonl", [stocked(n) for n in range(PRODUCTS)])
    waves = [
        written(tmp_path / f"{n}.jsonl", [
            line for order in range(n, ORDERS, 3) for line in ordered(order)
        ])
        for n in range(3)
    ]  # fmt: skip
    assert semel.run("init", "--partitions", "8").code == 0
    with semel.daemon("run", **ON) as engine, semel.daemon("project") as worker:
        engine.logged("engine.started")
        assert worker.logged("worker.started")["reactions"] == ["fulfilment"]
        assert semel.run("submit", "--from", stock).code == 0
        with semel.daemon("submit", "--from", waves[0]) as load:
            at_last(lambda: "AllReserved" in semel.run("log", "--after", "0", "-o", "jsonl").out,
                    "orders are fulfilled", 30)  # fmt: skip
            worker.stop(signal.SIGKILL)
            load.end()
        with semel.daemon("project") as heir, semel.daemon("submit", "--from", waves[1]) as load:
            heir.logged("worker.started")
            engine.stop(signal.SIGKILL)
            heir.stop(signal.SIGKILL)
            with semel.daemon("run", **ON):
                load.end()
    with semel.daemon("run", **ON) as engine, semel.daemon("project") as worker:
        semel.run("submit", "--from", waves[2], "--wait", "60")
        at_last(lambda: is_settled(semel), "all orders are settled", 60)
        at_last(lambda: shown(semel) == require_sound(log(semel)), "the view is right", 30)
        assert semel.run("verify").code == 0
        assert (worker.stop().code, engine.stop().code) == (0, 0)
