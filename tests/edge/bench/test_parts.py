"""``semel bench``, each part as people run it, with tiny sizes: its figures fit together.

What is measured here says nothing about speed: tests run beside each other.
"""

from typing import Any

import pytest

from tests.edge.command_line import Said, Semel

SMALL = ["--commands", "1000", "--events", "1000", "--runs", "1"]


@pytest.fixture(scope="module")
def semel(valkey_binary: object) -> Semel:  # noqa: ARG001 -- benches start a server of their own
    return Semel("redis://nobody.invalid", "unused")


def figures_of(said: Said) -> dict[str, Any]:
    assert said.code == 0, said.err
    figures: dict[str, Any] = said.data
    assert {budget["figure"].split(".")[0] for budget in figures.pop("budgets")} <= figures.keys()
    return figures


def test_rates_stand_beside_raw(semel: Semel) -> None:
    said = semel.process("bench", "raw", "engine", "projection", "rebuild", *SMALL, "-o", "json")
    figures = figures_of(said)
    assert figures.keys() == {"machine", "raw", "engine", "projection", "rebuild"}
    assert figures["machine"]["runs"] == 1
    raw = figures["raw"]
    low, high = raw["per_second_range"]
    assert low <= raw["per_second"] <= high
    assert isinstance(raw["valid"], bool)
    for part, who in (("engine", "engine"), ("projection", "worker"), ("rebuild", "worker")):
        one = figures[part]
        assert one["per_second"] / high * 0.99 <= one["ratio_to_raw"]
        assert one["ratio_to_raw"] <= one["per_second"] / low * 1.01
        for each in (who, "server"):
            # A share of the time is a cost of each, so many times a second.
            assert one[f"{each}_us"] > 0
            assert one[f"{each}_share"] == pytest.approx(
                one["per_second"] * one[f"{each}_us"] / 1e6
            )
    assert figures["engine"]["commands"] == 1000


def test_a_projection_says_what_more_workers_would_reach(semel: Semel) -> None:
    said = semel.process("bench", "projection", *SMALL, "-o", "json")
    figures = figures_of(said)
    assert figures.keys() == {"machine", "raw", "projection"}
    one = figures["projection"]
    assert one["events"] == 1002, "three of each order"
    limit = 1e6 / one["server_us"]
    assert one["workers"] == {
        str(n): pytest.approx(min(n * one["per_second"], limit)) for n in (2, 4, 8)
    }


def test_a_rebuild_says_what_it_takes(semel: Semel) -> None:
    one = figures_of(semel.process("bench", "rebuild", *SMALL, "-o", "json"))["rebuild"]
    assert (one["events"], one["rows"]) == (1002, 334)
    assert one["ratio_to_projection"] == pytest.approx(
        one["per_second"] / one["projection_per_second"]
    )
    # From the wish to the flip there is more to do than to apply.
    assert one["seconds"] > 1002 / one["per_second"]
    assert one["worker_peak_mib"] > 10, "no Python is smaller"
    # Six short fields, a watermark and two entries of indexes: more than 100 bytes, not a page.
    assert 100 < one["server_bytes_per_row"] < 4096
    assert one["server_bytes_per_row"] == pytest.approx(one["server_bytes_per_event"] * 3)


@pytest.mark.timeout(180)
def test_clients_are_served_while_a_read_model_is_built(semel: Semel) -> None:
    words = ["--events", "4000", "--rate", "40", "--seconds", "1"]
    one = figures_of(semel.process("bench", "live", *words, "-o", "json"))["live"]
    assert one["errors"] == {}
    assert one["flipped"]
    for phase in ("before", "during", "after"):
        seconds, outcome, view = (one[phase][name] for name in ("seconds", "outcome", "view"))
        # A fifth of what was due was waited for, and a tenth looked at, however long each took.
        assert outcome["count"] == pytest.approx(seconds * 8, abs=2)
        assert view["count"] == pytest.approx(seconds * 4, abs=2)
        assert 0 < outcome["p50"] <= outcome["p99"] <= outcome["max"]
    for what in ("outcome", "view"):
        growth = one["during"][what]["p99"] / one["before"][what]["p99"]
        assert one[f"{what}_p99_growth"] == pytest.approx(growth)
    # Of the history and of the load; the curator has looked while rows were added.
    assert one["rows"] >= one["curator"]["rows"] > 1334
    assert one["differ"] == one["curator"]["differ"] == 0


def test_one_command_stands_beside_an_echo(semel: Semel) -> None:
    words = ["--samples", "100", "--runs", "1"]
    one = figures_of(semel.process("bench", "latency", *words, "-o", "json"))["latency"]
    echo, outcome, view = one["echo"], one["outcome"], one["view"]
    assert echo["count"] == outcome["count"] == view["count"] == 100
    assert 0 < echo["p50"] <= echo["p99"] <= echo["max"]
    assert outcome["p50"] < view["p50"], "a view is looked at after the outcome"
    assert one["outcome_p50_to_echo"] == pytest.approx(outcome["p50"] / echo["p50"])
    assert one["outcome_p99_to_echo"] == pytest.approx(outcome["p99"] / echo["p99"])
    assert one["view_p99_to_echo_p50"] == pytest.approx(view["p99"] / echo["p50"])
    loads = one["loaded"]["at"]
    assert list(loads) == ["25", "50", "75"]
    for share, seen in loads.items():
        assert seen["latency"]["count"] == 100
        # In an open loop it takes as long as it is meant to, or longer where it cannot keep up.
        assert seen["per_second"] < one["loaded"]["most"] * int(share) / 100 * 1.1
    half = loads["50"]["latency"]
    assert one["loaded"]["half_p99_to_p50"] == pytest.approx(half["p99"] / half["p50"])


def test_timers_are_late_by_little(semel: Semel) -> None:
    words = ["--timers", "100", "--seconds", "2"]
    one = figures_of(semel.process("bench", "timers", *words, "-o", "json"))["timers"]
    assert (one["rate"], one["fired"]["count"], one["handled"]["count"]) == (100, 200, 200)
    assert 0 <= one["fired"]["p50"] <= one["handled"]["p50"]
    assert one["engine_us"] > 0


def test_a_remembered_id_has_a_size_and_their_number_a_bound(semel: Semel) -> None:
    words = ["--commands", "1000", "--runs", "1"]
    one = figures_of(semel.process("bench", "memory", *words, "-o", "json"))["memory"]
    assert one["ids"] == 1000
    # An id, an aggregate, an entry and a digest as texts: 200 bytes bare, and not a page.
    assert 200 < one["process_bytes"] < 2000
    assert 60 < one["server_bytes"] < 1000
    assert one["bound"] == one["partitions"] * 10_000
    # Bare, 325 bytes of data and five entries of meta: never less; a node of 2 KiB is all it takes.
    assert 5 * 65 < one["footprint"]["stream_bytes"] < 4400
    assert one["footprint"]["actors"] == 1020
    assert one["footprint"]["engine_mib"] > 10, "no Python is smaller"
    assert one["process_mib"] == pytest.approx(one["process_bytes"] * one["bound"] / 2**20)
    assert one["server_mib"] == pytest.approx(one["server_bytes"] * one["bound"] / 2**20)


def test_a_long_history_stands_beside_a_short_one(semel: Semel) -> None:
    one = figures_of(semel.process("bench", "load", "-o", "json"))["load"]
    assert (one["events"], one["above"]) == (10_000, 19)
    for what in ("growth", "worst_growth"):
        low, high = one[f"{what}_range"]
        assert 0 < low <= one[what] <= high
    assert one["bare_us"] > 10 * one["short_us"], "ten thousand events are read, not ten"
    assert one["bare_us"] > 10 * one["worst_us"], "but a snapshot, and nineteen"


@pytest.mark.timeout(180)
def test_orders_are_fulfilled_and_their_stock_is_right(semel: Semel) -> None:
    said = semel.process("bench", "fulfilment", *SMALL, "--orders", "100", "-o", "json")
    figures = figures_of(said)
    assert figures.keys() == {"machine", "raw", "fulfilment"}
    one = figures["fulfilment"]
    # Of each twenty two want one piece: who does not get it learns so at once, or is cancelled.
    assert (one["orders"], one["confirmed"], one["cancelled"] + one["refused"]) == (100, 95, 5)
    assert one["commands"] == 95 * 10 + one["cancelled"] * 13 + one["refused"]
    assert one["per_second"] == pytest.approx(one["commands"] / one["seconds"])
    fulfilled = 95 + one["cancelled"]
    assert one["fulfilments_per_second"] == pytest.approx(fulfilled / one["seconds"])
    for who in ("engine", "worker", "server"):
        cost = one[f"{who}_share"] * one["seconds"] / fulfilled * 1e6
        assert one[f"{who}_us"] == pytest.approx(cost)
    assert one["ratio_to_raw"] > 0


def test_people_read_lines(semel: Semel) -> None:
    said = semel.process("bench", "projection", "rebuild", *SMALL)
    assert said.code == 0, said.err
    begun = [line.split()[0] for line in said.out.splitlines() if not line.startswith(" ")]
    assert begun == ["Valkey", "Python", "raw", "projection", "rebuild", "budget", "budget"]
    assert " x raw " in said.out
    assert "1,002 events and 334 rows" in said.out


def test_sizes_that_measure_nothing_are_refused(semel: Semel) -> None:
    for words in (
        ["--events", "10"],
        ["--rate", "0"],
        ["--samples", "1"],
        ["--orders", "1"],
        ["--timers", "1"],
        ["nothing"],
    ):
        assert semel.run("bench", *words).code == 2


def test_both_doors_take_the_same_commands(semel: Semel) -> None:
    said = semel.process("bench", "gateway", "--samples", "300", "-o", "json")
    one = figures_of(said)["gateway"]
    assert (one["commands"], one["in_flight"]) == (300, 64)
    for door in (one["sdk"], one["http"]):
        assert door["outcome"]["count"] == 300
        assert door["cpu_us"].keys() == {"client", "gateway", "engine", "server"}
    rates = one["http"]["per_second"] / one["sdk"]["per_second"]
    assert one["http_to_sdk"] == pytest.approx(rates, rel=0.01)
