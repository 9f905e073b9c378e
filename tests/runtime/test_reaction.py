"""A router at work: what follows from events, once; and what of a command passes on to the next."""

from engine.core.inside import cause_in
from engine.core.outcome import Status
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
