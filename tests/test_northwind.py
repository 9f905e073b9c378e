"""Real input: 830 orders of the years 1996 to 1998, to the cent."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import handlers
from engine.core import codec, registry, routing
from handlers.orders import OrderStatus
from projections.customers import customers
from projections.orders import GetOrdersByCustomer, get_orders_by_customer, orders
from tests import northwind
from tests.shop import NO_FULFILMENT, Shop

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def expected() -> northwind.Expected:
    """What the tables say."""
    return northwind.expected()


# -- The conversion ---------------------------------------------------------------------


def test_the_tables_add_up_to_what_is_known_of_them(expected: northwind.Expected) -> None:
    assert (expected.orders, len(expected.shipped), len(expected.cancelled)) == (830, 809, 21)
    assert sum(expected.amounts.values()) == northwind.TOTAL
    shipped = sum(expected.amounts[order] for order in expected.shipped)
    assert shipped == northwind.SHIPPED_TOTAL
    assert sum(customer.amount for customer in expected.customers.values()) == northwind.TOTAL


def test_every_command_can_be_submitted_as_it_stands() -> None:
    domain = registry.build(handlers.deciders, services=NO_FULFILMENT)
    ids = set()
    for line in northwind.commands():
        handler = domain.commands[line["type"]]
        handler.command.model_validate_json(json.dumps(line["data"]))
        assert routing.aggregate_fault(line["aggregate"]) is None
        assert routing.kind_of(line["aggregate"]) == handler.decider.kind
        assert routing.id_fault(line["id"]) is None
        assert codec.read_meta(json.dumps(line.get("meta", {})).encode())[1] == {}
        ids.add(line["id"])
    assert len(ids) == 91 + 2 * 830


def test_missing_values_are_left_out() -> None:
    assert "NULL" not in json.dumps(list(northwind.commands()))


def test_the_converter_writes_one_command_a_line() -> None:
    command = [sys.executable, "tests/northwind.py"]
    written = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    assert [json.loads(line) for line in written.splitlines()] == list(northwind.commands())


# -- In memory: every command decided, every event folded into both read models ----------


@pytest.fixture(scope="module")
def shop() -> Shop:
    """The shop after all of Northwind."""
    shop = Shop()
    for line in northwind.commands():
        shop.handle(line)
    return shop


def test_every_order_has_come_to_its_end(shop: Shop, expected: northwind.Expected) -> None:
    rows = shop.read_models.rows(orders)
    assert len(rows) == expected.orders
    by_status = {
        status: {order for order, row in rows.items() if row.status is status}
        for status in OrderStatus
    }
    assert by_status == {
        OrderStatus.CREATED: set(),
        OrderStatus.CONFIRMED: set(),
        OrderStatus.SHIPPED: expected.shipped,
        OrderStatus.CANCELLED: expected.cancelled,
    }


def test_every_order_is_right_to_the_cent(shop: Shop, expected: northwind.Expected) -> None:
    rows = shop.read_models.rows(orders)
    assert {order: row.total_amount for order, row in rows.items()} == expected.amounts
    assert sum(row.total_amount for row in rows.values()) == northwind.TOTAL
    shipped = (row for row in rows.values() if row.status is OrderStatus.SHIPPED)
    assert sum(row.total_amount for row in shipped) == northwind.SHIPPED_TOTAL


def test_every_customer_has_their_list_and_sum(shop: Shop, expected: northwind.Expected) -> None:
    rows = shop.read_models.rows(customers)
    assert rows.keys() == {f"customer-{key}" for key in expected.customers}
    for key, customer in expected.customers.items():
        row = rows[f"customer-{key}"]
        assert (row.name, row.order_count) == (customer.name, len(customer.orders))
        assert row.order_amount == customer.amount
        page = shop.read_models.ask(get_orders_by_customer, _all_orders_of(key))
        assert [order.id for order in page.items] == customer.orders
        assert {order.customer_name for order in page.items} <= {customer.name}


def _all_orders_of(customer: str) -> GetOrdersByCustomer:
    return GetOrdersByCustomer(customer_id=customer, page_size=100)
