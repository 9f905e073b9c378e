"""The made-up input: the same every time, and every command of it is accepted."""

import json
from collections import Counter
from itertools import islice

from engine.core import routing
from handlers.orders import OrderStatus
from handlers.sample import sample_orders
from projections.customers import customers
from projections.orders import orders
from tests.shop import Shop


def test_the_same_seed_makes_the_same_commands() -> None:
    assert list(sample_orders(200)) == list(sample_orders(200))


def test_a_greater_count_goes_on_where_a_smaller_one_ended() -> None:
    shorter, longer = list(sample_orders(120)), list(sample_orders(300))
    assert longer[: len(shorter)] == shorter


def test_it_is_a_stream() -> None:
    assert len(list(islice(sample_orders(10**12), 5))) == 5


def test_two_seeds_share_no_id_and_no_aggregate() -> None:
    one, two = list(sample_orders(50, seed=1)), list(sample_orders(50, seed=11))
    for name in ("id", "aggregate"):
        assert not {line[name] for line in one} & {line[name] for line in two}


def test_ids_can_be_ids_and_are_used_once() -> None:
    lines = list(sample_orders(500))
    assert all(routing.id_fault(line["id"]) is None for line in lines)
    assert all(routing.aggregate_fault(line["aggregate"]) is None for line in lines)
    assert len({line["id"] for line in lines}) == len(lines)


def test_every_command_is_accepted_and_most_orders_are_shipped() -> None:
    shop = Shop()
    lines = list(sample_orders(1000))
    for line in lines:
        shop.handle(json.loads(json.dumps(line)))
    rows = shop.read_models.rows(orders)
    by_status = Counter(row.status for row in rows.values())
    assert len(rows) == 1000
    assert by_status[OrderStatus.CREATED] == 20
    assert by_status[OrderStatus.SHIPPED] > 800
    assert by_status[OrderStatus.CANCELLED] > 20
    assert all(row.name for row in shop.read_models.rows(customers).values())
    assert {line["type"] for line in lines} == {
        "RegisterCustomer",
        "RenameCustomer",
        "CreateOrder",
        "AddOrderItem",
        "UpdateShippingAddress",
        "ShipOrder",
        "CancelOrder",
    }
