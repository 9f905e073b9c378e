"""Servers that come back with older data: what was sent, what was not, and what never was."""

from collections.abc import Iterator, MutableMapping
from copy import deepcopy
from typing import Any

import pytest
import structlog

from engine.runtime import follower as module
from tests.runtime.bank import Bank
from tests.runtime.stage import PARTITIONS, home
from tests.transfers import Deposit

ACCOUNT_A, ACCOUNT_B, BEGUN = home("account-a"), home("account-b"), home("transfer-0")
NUMBERS = [number for number in range(60) if home(f"transfer-{number}") == BEGUN][:6]
"""Of transfers in one partition, so that a test may lose just that, or just an account's."""
TRANSFERS = len(NUMBERS)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[MutableMapping[str, Any]]]:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    with structlog.testing.capture_logs() as logged:
        yield logged


class Backup:
    """A server's data at one moment, or one partition's, for whoever loses what came after."""

    def __init__(self, bank: Bank, *partitions: int) -> None:
        self._bank = bank
        self._stems = tuple(f"{{stage:{number}}}:" for number in partitions)
        self._data = deepcopy(bank.stage.server.data)

    def restore(self) -> None:
        """The server comes back with it; on a Cluster one of several does."""
        server = self._bank.stage.server
        for key in [key for key in server.data.keys("") if key.startswith(self._stems)]:
            server.data.remove(key)
        for key in [key for key in self._data.keys("") if key.startswith(self._stems)]:
            server.data.keep(key, deepcopy(self._data._values[key]))
        server.restart()


def events(logged: list[MutableMapping[str, Any]]) -> set[str]:
    return {each["event"] for each in logged if each["event"].startswith("reaction.")}


def begin_all(bank: Bank) -> None:
    for number in NUMBERS:
        bank.begin(number)


def require_over(bank: Bank) -> None:
    """Whatever was sent again had its effect once."""
    assert len(bank.logged("Finished")) == TRANSFERS
    assert (bank.state("account-a"), bank.state("account-b")) == (0, TRANSFERS)


async def test_what_one_server_lost_is_lost_everywhere_and_happens_again(
    logged: list[MutableMapping[str, Any]],
) -> None:
    bank = Bank()
    async with bank.open():
        bank.send(Deposit(amount=TRANSFERS), "account-a")
        await bank.settled()
        backup = Backup(bank, *range(PARTITIONS))
        begin_all(bank)
        await bank.settled()
    backup.restore()
    assert bank.state("account-b") == 0
    async with bank.open():
        begin_all(bank)
        await bank.settled()
    bank.require_once(finished=TRANSFERS)
    assert events(logged) == set()


async def test_commands_that_a_partition_lost_are_sent_again(
    logged: list[MutableMapping[str, Any]],
) -> None:
    assert len({ACCOUNT_A, ACCOUNT_B, BEGUN}) == 3
    bank = Bank()
    async with bank.engine():
        bank.send(Deposit(amount=TRANSFERS), "account-a")
        begin_all(bank)
        backup = Backup(bank, ACCOUNT_A)
        async with bank.routed():
            await bank.settled()
    backup.restore()
    async with bank.open():
        await bank.settled()
    require_over(bank)
    # Of its own events it had sent on what it has lost since.
    assert events(logged) == {"reaction.sends_again", "reaction.diverged"}


async def test_a_loss_that_shows_while_sending_is_made_up_for_too(
    logged: list[MutableMapping[str, Any]],
) -> None:
    """The mark at a partition goes back under a router's eyes, with the command behind it."""
    bank, source = Bank(), f"transfers/{BEGUN}"
    data, key = bank.stage.server.data, bank.stage.keys.sources(ACCOUNT_A)
    async with bank.open():
        bank.send(Deposit(amount=TRANSFERS), "account-a")
        bank.begin(NUMBERS[0])
        await bank.settled()
        data.drop(key, [source])
        for number in NUMBERS[1:]:
            bank.begin(number)
        await bank.settled()
    require_over(bank)
    assert events(logged) == {"reaction.sends_again"}
    assert len([each for each in bank.from_inside() if each["type"] == "Withdraw"]) == 7


async def test_what_a_source_lost_was_sent_and_is_known_when_it_happens_again(
    logged: list[MutableMapping[str, Any]],
) -> None:
    bank = Bank()
    async with bank.engine():
        bank.send(Deposit(amount=TRANSFERS), "account-a")
        async with bank.routed():
            await bank.settled()
            backup = Backup(bank, BEGUN)
            begin_all(bank)
            await bank.settled()
    backup.restore()
    async with bank.open():
        begin_all(bank)
        await bank.settled()
    require_over(bank)
    # The partition has lost what others had sent to it, too.
    assert events(logged) == {"reaction.diverged", "reaction.sends_again"}
