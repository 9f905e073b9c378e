"""The page about peers: what the table, the chart and the spread make of some figures."""

import ast
import xml.etree.ElementTree as ET
from datetime import date
from importlib import import_module

import pytest

from tests.benchmarks.catalogue import PEERS, SEMEL, Peer
from tests.benchmarks.chart import chart, length
from tests.benchmarks.environments import last_words
from tests.benchmarks.measuring import PARTS, SCRIPTS, Figures, Pace, Spread
from tests.benchmarks.peers import pace
from tests.benchmarks.table import page, table
from tests.snippets import ROOT

SVG = "{http://www.w3.org/2000/svg}"


def figures(name: str, rate: float, *parts: str) -> Figures:
    spread = {"per_second": Spread.of([rate, rate / 2, rate * 2])}
    took = {"p50_ms": Spread.of([1.5]), "p99_ms": Spread.of([9.25])}
    return Figures(Peer(name, "script", "kept"), {name: "1.2"}, dict.fromkeys(parts, spread | took))


RESULTS = [
    figures(SEMEL, 20_000, *PARTS),
    figures("bare <queue>", 5_000, "drain"),
    Figures(Peer("gone", "script", "kept"), missing="could not be installed: no | network"),
]


def test_a_spread_is_the_median_the_least_and_the_most() -> None:
    assert Spread.of([3.0, 9.0, 4.0]) == Spread(4.0, 3.0, 9.0)


def test_each_peer_is_a_row_beside_semel() -> None:
    head, _, ours, queue, gone = table(RESULTS)
    assert ours.startswith("| semel | 20,000 (10,000 to 40,000) |")
    assert "[" not in ours
    assert "| 5,000 (2,500 to 10,000) [0.25] |  |  |  | kept |" in queue
    assert "1.50 / 9.25" in ours
    assert gone.endswith("| could not be installed: no / network |")
    assert len({row.count("|") for row in (head, ours, queue, gone)}) == 1


def test_without_semel_there_is_no_ratio() -> None:
    assert "[" not in "".join(table(RESULTS[1:]))


def test_the_page_says_how_it_was_made_and_of_what() -> None:
    said = page(RESULTS, Pace(2, 20_000, 3), "Redis 9.9.9", date(2026, 1, 2))
    for words in ("make peers", "2026-01-02", "Redis 9.9.9", "runs: 3", "20,000", "semel 1.2"):
        assert words in said


def test_the_chart_has_a_bar_for_each_rate_that_was_measured() -> None:
    root = ET.fromstring(chart(RESULTS))  # noqa: S314 -- it was just made here
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "bare <queue>" in texts
    assert "gone" not in texts
    assert texts.count("20,000") == 3
    assert texts.count("5,000") == 1


def test_a_bar_grows_with_the_tens_and_never_shrinks_below_nothing() -> None:
    assert length(1, 4) == length(10, 4) == 0
    assert length(100, 4) == pytest.approx(length(1_000, 4) / 2)


def test_every_peer_has_its_script_and_says_what_an_answer_means() -> None:
    for peer in PEERS:
        suffix = "" if peer.script.endswith(".mjs") else ".py"
        assert (SCRIPTS / f"{peer.script}{suffix}").exists(), peer.name
        assert peer.durability, peer.name
    assert len({peer.name for peer in PEERS}) == len(PEERS)


def test_every_order_is_a_new_one_with_two_items_and_an_address() -> None:
    orders = pace.orders()
    one, other = next(orders), next(orders)
    assert one["order_id"] != other["order_id"]
    assert len(one["items"]) == 2
    assert set(one["shipping_address"]) == {"street", "city", "postal_code", "country"}


def test_threads_and_tasks_are_paced_alike() -> None:
    seen: list[str] = []
    said = pace.threaded(0.02, 2, lambda order: seen.append(order["order_id"]))
    assert said["per_second"] > 0
    assert 0 <= said["p50_ms"] <= said["p99_ms"]
    assert len(set(seen)) == len(seen)


async def test_a_client_has_so_many_orders_in_flight() -> None:
    seen: list[str] = []

    async def act(order: dict[str, object]) -> None:
        seen.append(str(order["order_id"]))

    said = await pace.in_flight(0.02, 4, act)
    assert said["per_second"] > 0
    assert len(set(seen)) == len(seen)


def test_an_installer_is_quoted_with_what_it_said_last() -> None:
    said = b"Collecting x\nERROR: no matching distribution\nWARNING: a mirror is gone\n"
    assert last_words(said, lines=1) == "ERROR: no matching distribution"
    assert last_words(b"") == "it ended without a word"


def test_what_semel_is_measured_with_is_where_its_script_looks() -> None:
    script = ast.parse((ROOT / "tests/benchmarks/peers/semel.py").read_text())
    wanted = [
        (node.module, name.name)
        for node in ast.walk(script)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("engine")
        for name in node.names
    ]
    assert wanted
    for module, name in wanted:
        if not hasattr(import_module(module or ""), name):
            import_module(f"{module}.{name}")
