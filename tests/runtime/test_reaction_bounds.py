"""Commands that nobody takes, and commands without end: their aggregate is parked, as is said."""

from typing import Any

import pytest

from engine import EventContext, Send, send
from engine.core.parking import Note, notes_in
from tests.runtime.bank import NAME, Bank
from tests.runtime.stage import home
from tests.transfers import Asked, Deposit, Deposited


def parked(bank: Bank, aggregate: str) -> Note:
    key = bank.stage.keys.reaction_parked(home(aggregate), NAME)
    return notes_in(bank.stage.server.data.hash(key))[aggregate]


async def test_who_answers_itself_for_ever_is_stopped_and_told() -> None:
    def again(event: Deposited, context: EventContext) -> Send:
        return send(context.aggregate, Deposit(amount=event.amount))

    bank = Bank(again, causation_depth=5)
    async with bank.open():
        bank.send(Deposit(amount=1), "account-a")
        await bank.settled()
    assert bank.state("account-a") == 6
    why = parked(bank, "account-a").error
    assert (why.type, "causation_depth" in why.message) == ("Misuse", True)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (send("account b", Deposit(amount=1)), "has a space"),
        (send("nobody", Deposit(amount=1)), "not of the form"),
        (send("transfer-1", Deposit(amount=1)), "it is for account-"),
        (send("account-1", Deposit(amount=1, transfer="x" * 2_000_000)), "bytes"),
        ([send("account-1", Deposit(amount=1))] * 1001, "at most 1000"),
        (["nothing"], "not a Send"),
    ],
)
async def test_what_cannot_be_sent_parks_and_says_why(answer: Any, said: str) -> None:
    def route(_event: Asked) -> Any:
        return answer

    bank = Bank(route)
    async with bank.open():
        bank.begin(1)
        await bank.settled()
    assert said in parked(bank, "transfer-1").error.message
    assert not bank.from_inside()
