"""A service that is down, and real processes: who waits, who gives up, and what is dead."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.edge.command_line import Daemon, Said, Semel
from tests.eventually import at_last

ENOUGH = {"SEMEL_RETRY_PAUSE_SECONDS": "0.02", "SEMEL_RETRY_ATTEMPTS": "100000"}


class Bank:
    """An engine whose deciders ask a service that a test opens and closes."""

    def __init__(self, semel: Semel, service: Path) -> None:
        self.semel, self.service = semel, service

    @contextmanager
    def engine(self, **environment: str) -> Iterator[Daemon]:
        """Serve, until the end."""
        code = {"SEMEL_HANDLERS": "tests.edge.flaky", "FLAKY_SERVICE": str(self.service)}
        with self.semel.daemon("run", **code, **environment) as daemon:
            daemon.logged("engine.started")
            yield daemon

    def submit(self, account: str, *words: str, wait: str = "2", type: str = "Charge") -> Said:
        """Submit a command."""
        return self.semel.run(
            "submit", type, f"account-{account}", "{}", "--wait", wait, "-o", "json", *words
        )

    def dead(self, *words: str) -> Said:
        """What is done about dead letters of commands."""
        return self.semel.run("dead", words[0], "commands", *words[1:], "-o", "json")


@pytest.fixture
def bank(valkey_url: str, namespace: str, tmp_path: Path) -> Bank:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "1").code == 0
    return Bank(semel, tmp_path / "open")


def test_a_service_that_was_down_and_an_owner_that_was_killed_meanwhile(bank: Bank) -> None:
    with bank.engine(**ENOUGH) as engine:
        said = bank.submit("a", "--id", "a-1")
        assert (said.code, said.errors[0]["code"]) == (6, "deferred")
        assert "the bank is closed" in said.errors[0]["message"]
        assert "submit it again with the same id" in said.errors[0]["message"]
        assert bank.submit("a", "--id", "a-2").code == 6
        assert bank.submit("b", type="Charge", wait="0.1").code == 6
        status = bank.semel.run("status", "-o", "json").data
        assert status["partitions"][0]["deferred"] == 3
        assert "3 commands are deferred" in status["summary"]
        verified = bank.semel.run("verify")
        assert verified.code == 0, verified.out
        engine.send(signal.SIGKILL)
    bank.service.touch()
    with bank.engine(**ENOUGH):
        said = bank.submit("a", "--id", "a-1", wait="10")
        assert (said.code, said.data["status"], said.data["version"]) == (0, "duplicate", 1)
        said = bank.submit("a", "--id", "a-2", wait="10")
        assert (said.code, said.data["status"], said.data["version"]) == (0, "duplicate", 2)
        said = bank.submit("a", wait="10")
        assert (said.data["status"], said.data["version"]) == ("accepted", 3)
    verified = bank.semel.run("verify")
    assert verified.code == 0, verified.out


def test_who_waits_long_enough_gets_the_late_outcome(bank: Bank) -> None:
    with bank.engine(**ENOUGH) as engine:
        assert bank.submit("a", "--id", "a-1", wait="0.1").code == 6
        engine.logged("command.deferred")
        bank.service.touch()
        said = bank.submit("a", wait="10")
    assert (said.code, said.data["version"]) == (0, 2)
    assert said.data["status"] == "accepted"


def test_dead_letters_are_grouped_retried_once_and_dropped(bank: Bank) -> None:
    limits = {"SEMEL_RETRY_ATTEMPTS": "2", "SEMEL_RETRY_PAUSE_SECONDS": "0.01"}
    with bank.engine(**limits, SEMEL_DECIDE_SECONDS="0.2"):
        for account in ("a", "b", "c"):
            said = bank.submit(account, "--id", f"{account}-1", wait="10")
            assert (said.code, said.data["status"]) == (1, "failed")
        assert bank.submit("d", type="Ponder", wait="10").data["detail"]["code"] == "too_slow"
        groups = bank.dead("list", "--grouped").data
        assert [(each["code"], each["type"], each["count"]) for each in groups] == [
            ("raised", "Charge", 3), ("too_slow", "Ponder", 1),
        ]  # fmt: skip
        [letter] = bank.dead("list", "--aggregate", "account-b").data
        assert (letter["attempts"], letter["error"]) == (
            2,
            "raised: ConnectionError: the bank is closed",
        )
        assert "Traceback" in bank.semel.run("dead", "show", "commands", letter["name"]).out
        foreseen = bank.dead("retry", letter["name"], "--dry-run").data
        assert [each["entry"] for each in foreseen] == [""]
        bank.service.touch()
        [again] = bank.dead("retry", letter["name"]).data
        assert (again["id"], again["error"]) == (foreseen[0]["id"], "")
        assert again["id"].startswith("dead/b-1/1/")
        assert bank.dead("retry", letter["name"]).code == 4
        at_last(lambda: bank.semel.run("events", "account-b").code == 0, "it is charged")
        [charged] = bank.semel.run("events", "account-b", "-o", "jsonl").lines
        assert charged["meta"]["causation"] == again["id"]
        retried = bank.dead("retry", "--type", "Charge")
        assert (retried.code, len(retried.data)) == (0, 2)
        assert bank.dead("drop").code == 2
        assert len(bank.dead("drop", "--code", "too_slow", "--dry-run").data) == 1
        assert bank.dead("drop", "--code", "too_slow").code == 0
        assert bank.dead("drop", "--code", "too_slow").code == 4
    assert bank.dead("list").data == []
    verified = bank.semel.run("verify")
    assert verified.code == 0, verified.out
