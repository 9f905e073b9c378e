"""Money between accounts, by way of routers, while engines and workers are killed."""

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.edge.command_line import Semel
from tests.eventually import at_last

TRANSFERS, ACCOUNTS, FUNDS = 600, 12, 1000
DOMAIN: dict[str, Any] = {
    "SEMEL_HANDLERS": "tests.transfers",
    "SEMEL_PROJECTIONS": "nothing_to_project",
}

pytestmark = pytest.mark.timeout(180)


def written(path: Path, lines: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def deposit(number: int) -> dict[str, Any]:
    return {"type": "Deposit", "aggregate": f"account-{number}", "data": {"amount": FUNDS}}


def begin(number: int) -> dict[str, Any]:
    """Every third one asks for more than there can ever be."""
    amount = 1 if number % 3 else FUNDS * ACCOUNTS + 1
    source, target = number % ACCOUNTS, (number * 7 + 1) % ACCOUNTS
    data = {"source": f"account-{source}", "target": f"account-{target}", "amount": amount}
    return {"type": "Begin", "aggregate": f"transfer-{number}", "data": data}


def log(semel: Semel) -> list[dict[str, Any]]:
    return semel.run("log", "--after", "0", "--limit", "100000", "-o", "jsonl").lines


def over(semel: Semel) -> int:
    """How many transfers are finished, or cancelled."""
    return sum(each["type"] in ("Finished", "Cancelled") for each in log(semel))


def require_sound(events: list[dict[str, Any]]) -> None:
    """Every transfer is over once, as it should be; all money that came in is there."""
    ends = Counter(
        (each["aggregate"], each["type"])
        for each in events
        if each["type"] in ("Finished", "Cancelled")
    )
    assert ends == {
        (f"transfer-{number}", "Finished" if number % 3 else "Cancelled"): 1
        for number in range(TRANSFERS)
    }
    sums = Counter[str]()
    for each in events:
        if each["type"] in ("Deposited", "Withdrawn"):
            sums[each["type"]] += each["data"]["amount"]
    assert sums["Deposited"] - sums["Withdrawn"] == FUNDS * ACCOUNTS
    assert sums["Withdrawn"] == sum(number % 3 > 0 for number in range(TRANSFERS))
    assert sum(each["type"] == "_rejected" for each in events) == ends.total() - sums["Withdrawn"]
    causes = Counter(each["meta"]["causation"] for each in events if each["type"] == "Withdrawn")
    assert set(causes.values()) == {1}


def test_whoever_is_killed_all_transfers_end_once(
    valkey_url: str, namespace: str, tmp_path: Path
) -> None:
    semel, waves = Semel(valkey_url, namespace), range(0, TRANSFERS, TRANSFERS // 3)
    funds = written(tmp_path / "funds.jsonl", [deposit(n) for n in range(ACCOUNTS)])
    first, second, third = (
        written(tmp_path / f"{at}.jsonl", [begin(n) for n in range(at, at + TRANSFERS // 3)])
        for at in waves
    )
    assert semel.run("init", "--partitions", "8").code == 0
    with semel.daemon("run", **DOMAIN) as engine, semel.daemon("project", **DOMAIN) as worker:
        engine.logged("engine.started")
        assert worker.logged("worker.started")["reactions"] == ["transfers"]
        assert semel.run("submit", "--from", funds, **DOMAIN).code == 0
        with semel.daemon("submit", "--from", first, **DOMAIN) as load:
            at_last(lambda: over(semel) > 0, "transfers end", 30)
            worker.stop(signal.SIGKILL)
            assert load.end().code == 0
        assert semel.run("submit", "--from", second, **DOMAIN).code == 0
        done = over(semel)
        with semel.daemon("project", **DOMAIN) as heir:
            at_last(lambda: over(semel) > done, "the next worker goes on", 30)
            engine.stop(signal.SIGKILL)
            heir.stop(signal.SIGKILL)
    with semel.daemon("run", **DOMAIN) as engine, semel.daemon("project", **DOMAIN) as worker:
        assert semel.run("submit", "--from", third, "--wait", "60", **DOMAIN).code == 0
        at_last(lambda: over(semel) == TRANSFERS, "all transfers end", 60)
        require_sound(log(semel))
        assert semel.run("verify", **DOMAIN).code == 0
        assert (worker.stop().code, engine.stop().code) == (0, 0)
