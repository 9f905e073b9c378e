"""``semel verify`` on a real namespace where nothing is wrong, and what it shows."""

import json
import secrets
from pathlib import Path

from tests.edge.command_line import Semel
from tests.edge.verify.damaging import PARTITIONS, Filled, orders

ORDERS, PARTS, LOOKS = 4000, 5, 2
"""Commands of one part of the load, the most parts, and how often it must be seen moving."""


def test_nothing_is_wrong(shop: Filled) -> None:
    before = shop.plain()
    said = shop.semel.process("verify", "-o", "json")
    assert (said.code, said.err, said.errors) == (0, "", [])
    assert said.data["findings"] == 0
    assert said.data["events"] == sum(
        shop.redis.xlen(shop.keys.log(partition)) for partition in range(PARTITIONS)
    )
    checked = {each["projection"]: each for each in said.data["generations"]}
    assert (checked["orders"]["rows"], checked["orders"]["entries"]) == (8, 16)
    assert checked["customers"]["rows"] == 1
    assert shop.semel.run("verify").out.endswith("nothing is wrong\n")
    assert before == shop.plain()


def test_without_the_domain_rows_are_not_checked_and_it_says_so(shop: Filled) -> None:
    shop.redis.hset(shop.row, "status", "lost")
    said = shop.semel.process("verify", SEMEL_PROJECTIONS="nowhere", SEMEL_HANDLERS="nowhere")
    assert said.code == 0
    assert "rows were not checked: orders@1: not in the package 'nowhere' here" in said.out
    assert shop.semel.run("verify").code == 1


def test_a_finding_is_a_line_in_every_format(shop: Filled) -> None:
    shop.redis.hset(shop.row, "status", "lost")
    said = shop.semel.run("verify")
    sentence = f"{shop.row} status: expected 'shipped', found 'lost'"
    assert f"row_differs  {sentence}\n" in said.out
    assert said.out.endswith("1 findings\n")
    [line] = shop.semel.run("verify", "-o", "jsonl").lines
    assert line == {
        "code": "row_differs", "message": sentence, "partition": None, "key": shop.row,
        "id": "status", "expected": "'shipped'", "found": "'lost'",
    }  # fmt: skip


def test_a_namespace_at_work_raises_no_alarm(valkey_url: str, tmp_path: Path) -> None:
    """Few orders and one customer, changed all the time; the window is short, and is trimmed.

    The load is submitted in parts, until it was looked at twice while it moved.
    """
    semel = Semel(valkey_url, f"test_{secrets.token_hex(4)}")
    assert semel.run("init", "--partitions", "4").code == 0
    lines = [json.dumps(line) + "\n" for line in orders(PARTS * ORDERS)]
    limits = {"SEMEL_OUTCOMES_KEEP_COUNT": "100", "SEMEL_ID_SKEW_SECONDS": "0"}
    with semel.daemon("run", **limits, SEMEL_COMMANDS_KEEP_COUNT="50") as engine:
        engine.logged("engine.started")
        with semel.daemon("project") as worker:
            worker.logged("worker.started")
            seen: list[tuple[int, int]] = []
            for part in range(PARTS):
                file = tmp_path / f"orders-{part}.jsonl"
                file.write_text("".join(lines[part * ORDERS : (part + 1) * ORDERS]))
                with semel.daemon("submit", "--from", str(file), "-o", "json") as load:
                    while load.runs:
                        said = semel.run("verify", "-o", "json")
                        assert (said.code, said.errors) == (0, [])
                        seen.append((said.data["events"], said.data["outcomes"]))
                if len({events for events, _ in seen if events % ORDERS}) >= LOOKS:
                    break
    moving = {events for events, _ in seen if events % ORDERS}
    assert len(moving) >= LOOKS, seen
    assert any(outcomes < events for events, outcomes in seen), "nothing was trimmed"
