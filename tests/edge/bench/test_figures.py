"""What is made of measurements: pure, so tried on numbers that a person can check."""

from itertools import pairwise

import pytest
from msgspec import Struct

from engine.core.errors import SemelError
from engine.core.routing import partition_of
from engine.edge.bench import workload
from engine.edge.bench.figures import Latency, extrapolated, middle, percentile, with_workers
from engine.edge.bench.parts.live import later_by


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.01, 1), (0.5, 50), (0.505, 51), (0.99, 99), (1.0, 100)]
)
def test_a_percentile_is_a_value_that_was_measured(share: float, value: int) -> None:
    assert percentile(list(range(1, 101)), share) == value


def test_a_percentile_of_few_values_is_one_of_them() -> None:
    assert percentile([7.0], 0.5) == percentile([7.0], 0.99) == 7.0
    assert percentile([1.0, 9.0], 0.5) == 1.0
    assert percentile([1.0, 9.0], 0.51) == percentile([1.0, 9.0], 0.99) == 9.0


def test_latencies_are_in_milliseconds_whatever_their_order() -> None:
    assert Latency.of([0.003, 0.001, 0.002]) == Latency(3, 2.0, 3.0, 3.0)


def test_what_nobody_waited_for_has_not_grown_by_nothing() -> None:
    before = Latency.of([0.002, 0.004])
    assert later_by(Latency.of([0.006, 0.010]), before) == 2.5
    with pytest.raises(SemelError, match="more --events, or a higher --rate"):
        later_by(Latency.of([]), before)


def test_of_nothing_there_is_no_latency() -> None:
    assert Latency.of([]) == Latency(0, 0.0, 0.0, 0.0)


def test_workers_add_up_until_the_server_has_no_time_left() -> None:
    # 50 us of the server's core for each event: 20,000 a second are all it can do.
    assert with_workers(1, 8_000, 50) == 8_000
    assert with_workers(2, 8_000, 50) == 16_000
    assert with_workers(4, 8_000, 50) == with_workers(8, 8_000, 50) == 20_000
    assert extrapolated(8_000, 50) == {"2": 16_000, "4": 20_000, "8": 20_000}


class Run(Struct):
    per_second: float
    cost: float


def test_the_median_of_runs_has_its_range_beside_it() -> None:
    runs = [Run(30, 1), Run(10, 2), Run(20, 9)]
    assert middle(runs) == {"per_second": 20, "per_second_range": [10, 30], "cost": 2}


# -- The history that the read side begins with -----------------------------------------


@pytest.mark.parametrize("still_open", [1, 7, 10_000])
def test_every_order_of_a_history_goes_all_its_way_in_order(still_open: int) -> None:
    orders = range(100, 150)
    wishes = list(workload.history(orders, still_open))
    assert len(wishes) == len(orders) * workload.EVENTS_PER_ORDER
    for number in orders:
        steps = [wish.type for wish in wishes if wish.order == workload.order(number)]
        assert steps == ["CreateOrder", "AddOrderItem", "ShipOrder"]


def test_orders_of_a_history_are_open_while_others_come() -> None:
    wishes = list(workload.history(range(50), 7))
    places = [n for n, wish in enumerate(wishes) if wish.order == workload.order(25)]
    assert min(after - before for before, after in pairwise(places)) > 7


def test_commands_go_to_the_stream_of_their_partition() -> None:
    keys = [f"stream-{number}" for number in range(4)]
    wishes = list(workload.created(range(100)))
    packets = list(workload.packets(keys, wishes, 1_700_000_000_000))
    assert [count for _, count in packets] == [64, 36]
    sent = b"".join(packet for packet, _ in packets)
    for number, key in enumerate(keys):
        here = sum(partition_of(wish.order, 4) == number for wish in wishes)
        assert sent.count(b"$%d\r\n%s\r\n" % (len(key), key.encode())) == here > 0
