"""``semel bench``: the parts about clients, the disk and what is stored, with tiny sizes."""

from pathlib import Path

import pytest

from tests.edge.bench.test_parts import SMALL, figures_of
from tests.edge.command_line import Semel


@pytest.fixture(scope="module")
def semel(valkey_binary: object) -> Semel:  # noqa: ARG001 -- benches start a server of their own
    return Semel("redis://nobody.invalid", "unused")


def test_clients_and_the_disk_stand_beside_raw(semel: Semel, tmp_path: Path) -> None:
    picture = tmp_path / "bench.svg"
    words = ["submit", "concurrent", "durability", "scale", "--plot", str(picture)]
    figures = figures_of(semel.process("bench", *words, *SMALL, "-o", "json"))
    assert figures.keys() == {"machine", "raw", "submit", "concurrent", "durability", "scale"}
    low, high = figures["raw"]["per_second_range"]
    for part, mark in (
        ("submit", ""), ("submit", "single_"), ("concurrent", ""), ("concurrent", "few_"),
        ("durability", ""), ("scale", ""),
    ):  # fmt: skip
        one = figures[part]
        beside = one[f"{mark}per_second"] / one[f"{mark}ratio_to_raw"]
        assert low * 0.99 <= beside <= high * 1.01
    for level in ("few", "many"):
        assert figures["concurrent"][level]["latency"]["count"] == 200
    disk = figures["durability"]
    assert disk["fdatasync_per_second"] > 0
    assert disk["always_to_everysec"] == pytest.approx(
        disk["per_second"] / disk["everysec_per_second"]
    )
    # The budgets' three rows of these parts, and a bar for each ratio.
    assert picture.read_text().count("<rect") == 1 + 3 + 4


@pytest.mark.timeout(180)
def test_what_is_stored_is_looked_at_in_steps(semel: Semel) -> None:
    words = ["growth", "startup", "--aggregates", "1000", "--commands", "1000", "--runs", "2"]
    figures = figures_of(semel.process("bench", *words, "-o", "json"))
    growth = figures["growth"]
    assert list(growth["aggregates"]["levels"]) == ["10", "100", "1000"]
    assert list(growth["versions"]["levels"]) == ["10", "1000"], "longer ones are for more"
    for grown in growth.values():
        low, high = grown["growth_range"]
        assert 0 < low <= grown["growth"] <= high
        for cost in grown["levels"].values():
            assert cost["engine_us"] > 0
            assert cost["server_us"] > 0
    assert figures["startup"]["aggregates"] == 1000
    assert figures["startup"]["seconds_to_first"] > 0.1, "no Python starts sooner"


def test_a_picture_that_cannot_be_written_is_refused_at_once(semel: Semel) -> None:
    said = semel.run("bench", "raw", "--plot", "no/such/directory/bench.svg")
    assert said.code == 2
    assert "make it first" in said.err
