"""Northwind's customers and orders as commands, one JSON object a line.

From the project's root: ``python tests/northwind.py > northwind.jsonl``. Every line has
an id of its own, so that the file can be submitted twice and counts once.

The commands are made by `commands`. What must be true once they were handled is worked out
by `expected`, from the same tables but not from the commands.
"""

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

DATA = Path(__file__).parent / "data" / "northwind"

TOTAL = Decimal("1354458.59")
"""What all orders come to before discounts, as the data's README says."""
SHIPPED_TOTAL = Decimal("1327014.83")
"""What was shipped of it."""

Line: TypeAlias = dict[str, str]
"""One line of a table; a missing value is the text ``NULL``."""
Json: TypeAlias = dict[str, Any]


def table(name: str) -> list[Line]:
    """The lines of one table."""
    with (DATA / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# -- The commands -----------------------------------------------------------------------


def commands() -> Iterator[Json]:
    """Every command: customers first, then each order from its creation to its end."""
    for customer in table("customers"):
        yield _command(
            "RegisterCustomer",
            f"customer-{customer['customerID']}",
            "register",
            {"name": customer["companyName"]},
        )
    lines = defaultdict(list)
    for line in table("order-details"):
        lines[line["orderID"]].append(line)
    for order in table("orders"):
        yield _create(order, lines[order["orderID"]])
        yield _end(order)


def stock() -> Iterator[Json]:
    """The units in stock of each product, also where there are none."""
    for product in table("products"):
        data = {"quantity": int(product["unitsInStock"])}
        yield _command("StockProduct", f"product-{product['productID']}", "stock", data)


def _create(order: Line, lines: list[Line]) -> Json:
    data = {
        "customer_id": order["customerID"],
        "items": [
            {
                "product_id": line["productID"],
                "quantity": int(line["quantity"]),
                "unit_price": line["unitPrice"],
            }
            for line in lines
        ],
        "shipping_address": _address(order),
    }
    return _command("CreateOrder", _aggregate(order), "create", data, order["orderDate"])


def _end(order: Line) -> Json:
    """What became of an order: shipped, or given up on the day it was required."""
    shipped, required = order["shippedDate"], order["requiredDate"]
    if shipped != "NULL":
        return _command("ShipOrder", _aggregate(order), "ship", {}, shipped)
    reason = f"not shipped by {required.partition(' ')[0]}, when it was required"
    return _command("CancelOrder", _aggregate(order), "cancel", {"reason": reason}, required)


def _address(order: Line) -> dict[str, str]:
    """The address as it would stand on the parcel: a region follows its city.

    Orders to Ireland have no postal code.
    """
    city, region, code = order["shipCity"], order["shipRegion"], order["shipPostalCode"]
    return {
        "street": order["shipAddress"],
        "city": city if region == "NULL" else f"{city}, {region}",
        "postal_code": "" if code == "NULL" else code,
        "country": order["shipCountry"],
    }


def _aggregate(order: Line) -> str:
    return f"order-{order['orderID']}"


def _command(kind: str, aggregate: str, verb: str, data: Json, day: str | None = None) -> Json:
    command = {
        "type": kind,
        "aggregate": aggregate,
        "data": data,
        "id": f"northwind-{aggregate}-{verb}",
    }
    if day is not None:  # as in 1996-07-04 00:00:00.000
        command["meta"] = {"time": day.replace(" ", "T") + "Z"}
    return command


# -- What must follow from them ---------------------------------------------------------


class Customer(NamedTuple):
    """What the read models must say of one customer; orders are the newest first."""

    name: str
    orders: list[str]
    amount: Decimal


class Expected(NamedTuple):
    """What the read models must hold in the end."""

    orders: int
    shipped: set[str]
    cancelled: set[str]
    amounts: dict[str, Decimal]
    customers: dict[str, Customer]


def expected() -> Expected:
    """Count and add up the tables themselves."""
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for line in table("order-details"):
        amounts[f"order-{line['orderID']}"] += int(line["quantity"]) * Decimal(line["unitPrice"])
    orders = table("orders")
    ended = {f"order-{order['orderID']}": order["shippedDate"] for order in orders}
    newest_first = sorted(orders, key=lambda o: (o["orderDate"], o["orderID"]), reverse=True)
    customers = {}
    for customer in table("customers"):
        key = customer["customerID"]
        mine = [f"order-{o['orderID']}" for o in newest_first if o["customerID"] == key]
        amount = sum((amounts[order] for order in mine), start=Decimal(0))
        customers[key] = Customer(customer["companyName"], mine, amount)
    return Expected(
        orders=len(orders),
        shipped={order for order, shipped in ended.items() if shipped != "NULL"},
        cancelled={order for order, shipped in ended.items() if shipped == "NULL"},
        amounts=dict(amounts),
        customers=customers,
    )


def let_through(count: int = 830) -> tuple[set[str], dict[str, int]]:
    """Of the first so many orders by id, those that there is stock for; and what is left then."""
    left = {product["productID"]: int(product["unitsInStock"]) for product in table("products")}
    wanted: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in table("order-details"):
        wanted[line["orderID"]][line["productID"]] += int(line["quantity"])
    through = set()
    for order in sorted(wanted, key=int)[:count]:
        if all(left[product] >= quantity for product, quantity in wanted[order].items()):
            through.add(f"order-{order}")
            for product, quantity in wanted[order].items():
                left[product] -= quantity
    return through, left


if __name__ == "__main__":
    for line in commands():
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
