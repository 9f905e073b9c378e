"""A router at work: what follows from events, once; and what of a command passes on to the next."""

from dataclasses import replace

import msgspec
import pytest

from engine import Rejected
from engine.core.inside import again_id, cause_in
from engine.core.outcome import Status
from tests import transfers
from tests.eventually import eventually
from tests.runtime.bank import Bank
from tests.runtime.stage import home
from tests.transfers import Deposit, Finish

META = {"user": "ann", "traceparent": "00-aa-bb-01", "x_shop": 7}


async def test_wishes_become_commands_and_events_become_answers() -> None:
    bank = Bank()
    async with bank.open():
        bank.send(Deposit(amount=10), "account-a")
        bank.begin(1, 4)
        await bank.settled()
    assert (bank.state("account-a"), bank.state("account-b")) == (6, 4)
    assert bank.state("transfer-1").step == "finished"


async def test_what_was_refused_comes_back_to_who_asked() -> None:
    bank = Bank()
    async with bank.open():
        bank.begin(1, 4)
        await bank.settled()
    assert bank.state("transfer-1").step == "cancelled"
    [cancelled] = bank.logged("Cancelled")
    assert cancelled["data"] == {"reason": "too_little"}
    [note] = bank.logged("_rejected")
    assert (note["aggregate"], note["version"]) == ("account-a", "0")
    assert note["data"] == {
        "router": "transfers", "command": "Withdraw", "status": "rejected", "code": "too_little",
        "message": "there are 0", "cause": "transfer-1",
    }  # fmt: skip


async def test_clients_refusals_are_not_noted() -> None:
    bank = Bank()
    async with bank.open():
        bank.send(Finish(), "transfer-1", id="f-1")
        await bank.settled()
    assert [one.status for one in bank.stage.outcomes(home("transfer-1"))] == [Status.REJECTED]
    assert not bank.logged("_rejected")


async def test_what_a_client_said_passes_on_from_the_first_command_to_the_last() -> None:
    bank = Bank()
    async with bank.open():
        bank.send(Deposit(amount=10), "account-a")
        bank.begin(1, 4, meta={**META, "correlation": "c-7"})
        await bank.settled()
    sent = bank.from_inside()
    assert [each["type"] for each in sorted(sent, key=lambda each: each["meta"]["depth"])] == [
        "Withdraw", "GoOn", "Deposit", "Finish",
    ]  # fmt: skip
    assert sorted(each["meta"]["depth"] for each in sent) == [1, 2, 3, 4]
    for each in sent:
        assert {**each["meta"], **META, "correlation": "c-7"} == each["meta"]
    [finished] = bank.logged("Finished")
    assert {**finished["meta"], **META, "correlation": "c-7", "depth": 4} == finished["meta"]


async def test_without_a_correlation_the_first_commands_id_is_it() -> None:
    bank = Bank()
    async with bank.open():
        bank.send(Deposit(amount=10), "account-a")
        bank.begin(1, 4)
        await bank.settled()
    assert {each["meta"]["correlation"] for each in bank.from_inside()} == {"t-1"}


async def test_each_command_names_the_event_that_it_follows_from() -> None:
    bank = Bank()
    async with bank.open():
        bank.send(Deposit(amount=10), "account-a")
        bank.begin(1, 4)
        await bank.settled()
    by_type = {each["type"]: each for each in bank.from_inside()}
    first = cause_in(by_type["Withdraw"]["id"])
    assert first == ("transfers", "transfer-1", "t-1", 1, 0)
    assert by_type["Withdraw"]["meta"]["causation"] == "t-1"
    second = cause_in(by_type["GoOn"]["id"])
    tag = by_type["Withdraw"]["id"].rpartition("/")[2]
    assert second == ("transfers", "account-a", tag, 0, 0)
    assert by_type["GoOn"]["meta"]["causation"] == by_type["Withdraw"]["id"]


async def test_a_router_that_comes_late_reads_all_there_is() -> None:
    bank = Bank()
    async with bank.engine():
        bank.send(Deposit(amount=10), "account-a")
        for number in range(10):
            bank.begin(number)
        async with bank.routed():
            await bank.settled()
    bank.require_once(finished=10)
    assert bank.state("account-a") == 0


async def test_what_is_refused_late_comes_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    down = True

    def refuse_later(command: transfers.Withdraw, _balance: int) -> transfers.Withdrawn:
        if down:
            raise ConnectionError("the bank is closed")
        raise Rejected("closed", f"nothing is paid out, not {command.amount}")

    account = replace(transfers.account, decide=[transfers.deposit, refuse_later])
    monkeypatch.setattr(transfers, "deciders", [account, transfers.transfer])
    bank = Bank(retry_attempts=1000, retry_pause_seconds=0.001)
    async with bank.open():
        bank.begin(1)
        partition = home("account-a")
        await eventually(lambda: bank.stage.waiting(partition), "it is deferred")
        await bank.settled()
        assert not bank.logged("_rejected")
        down = False
        await eventually(lambda: bank.stage.late(partition), "it is decided")
        await bank.settled()
    assert [note["data"]["code"] for note in bank.logged("_rejected")] == ["closed"]
    assert bank.logged("Cancelled")[0]["data"] == {"reason": "closed"}


async def test_a_dead_letter_that_is_submitted_again_is_still_its_routers() -> None:
    bank = Bank()
    async with bank.open():
        bank.begin(1)
        await bank.settled()
        [asked] = [each for each in bank.from_inside() if each["type"] == "Withdraw"]
        secret = bank.stage.server.data.hash(bank.stage.keys.meta())["secret"].encode()
        id = again_id(secret, asked["id"])
        data = msgspec.json.decode(asked["data"])
        said = await bank.stage.answer("Withdraw", "account-a", data, id=id, meta=asked["meta"])
        assert (said.status, said.detail["code"]) == (Status.REJECTED, "too_little")
        await bank.settled()
    assert [note["data"]["cause"] for note in bank.logged("_rejected")][:2] == ["transfer-1"] * 2
