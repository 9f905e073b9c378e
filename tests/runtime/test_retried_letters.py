"""Dead letters of commands from inside, submitted again: what each one's source makes of that."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine.core.inside import again_id
from engine.core.outcome import Outcome, Status
from engine.core.registry import Domain
from tests.eventually import eventually
from tests.runtime import bells
from tests.runtime.bank import Bank
from tests.runtime.stage import Stage, home
from tests.runtime.test_schedules import begun, mark, served
from tests.runtime.timing import BELL, HOME, handled, known, stage_with, waiting


@pytest.fixture(autouse=True)
def _no_trouble() -> Iterator[None]:
    yield
    bells.TROUBLE.clear()


def letter(stage: Stage, partition: int) -> tuple[str, dict[str, str]]:
    """The one dead letter that there is, and its id."""
    [entry] = stage.server.data.stream(stage.keys.dead(partition)).entries
    return entry.id, {name.decode(): value.decode() for name, value in entry.fields.items()}


async def retried(stage: Stage, partition: int) -> Outcome:
    """Submit it again, as `semel dead retry` does; the outcome of that."""
    id, fields = letter(stage, partition)
    async with stage.session() as session:
        again = again_id(session.secret, fields["id"])
        entry = await session.parked.revive(partition, id, again)
        assert await session.parked.revive(partition, id, again) == ""  # once
    assert again.startswith(f"dead/{fields['id']}/1/")

    def answer() -> Outcome | None:
        return next((each for each in stage.outcomes(partition) if each.entry == entry), None)

    found = await eventually(answer, "it is answered")
    assert found is not None
    return found


async def test_a_timers_letter_is_decided_though_the_timer_stands_no_more() -> None:
    stage = stage_with()
    async with stage.owner(HOME):
        await stage.answer("SetOff", BELL, {"after": 60, "text": "late"})
        bells.TROUBLE.append(OSError("down"))
        stage.wind(60)
        [failed] = await handled(stage)
        assert failed.status is Status.FAILED
        assert known(stage) == {}
        # A timer of the same name that was set since is another one, and stays as it is.
        await stage.answer("SetOff", BELL, {"after": 60, "text": "next"})
        before = known(stage), waiting(stage)
        outcome = await retried(stage, HOME)
        assert outcome.status is Status.ACCEPTED
        assert (known(stage), waiting(stage)) == before
    data = stage.server.data.stream(stage.keys.events(HOME, BELL)).entries[-1].fields[b"data"]
    assert json.loads(data) == {"text": "late"}


async def test_a_schedules_letter_keeps_the_time_that_was_due() -> None:
    stage = stage_with()
    async with served(stage), stage.owner(HOME):
        await begun(stage)
        bells.TROUBLE.append(OSError("down"))
        stage.wind(15 * 3600)
        await eventually(
            lambda: stage.server.data.stream(stage.keys.dead(HOME)).entries, "it fails"
        )
        marked, (_, fields) = mark(stage), letter(stage, HOME)
        outcome = await retried(stage, HOME)
        assert outcome.status is Status.ACCEPTED
        assert mark(stage) == marked
    meta = stage.server.data.stream(stage.keys.events(HOME, BELL)).entries[-1].fields[b"meta"]
    assert json.loads(meta)["time"] == json.loads(fields["meta"])["time"]


def broken(domain: Domain, down: list[str]) -> None:
    """Have the commands of these types raise."""
    for name, handler in list(domain.commands.items()):

        def decide(command: Any, state: Any, inner: Any = handler.decide) -> Any:
            if type(command).__name__ in down:
                raise OSError("down")
            return inner(command, state)

        domain.commands[name] = replace(handler, decide=decide)


async def test_a_routers_letter_goes_on_where_it_stopped() -> None:
    bank, down = Bank(), ["GoOn"]
    broken(bank.stage.domain, down)
    partition = home("transfer-1")
    async with bank.open():
        bank.stage.send("Deposit", "account-a", {"amount": 10})
        bank.begin(1)
        await bank.settled()
        _, fields = letter(bank.stage, partition)
        assert fields["type"] == "GoOn"
        assert [note["data"]["command"] for note in bank.logged("_rejected")] == ["GoOn"]
        down.clear()
        outcome = await retried(bank.stage, partition)
        assert outcome.status is Status.ACCEPTED
        await bank.settled()
    # What follows is as if it had never failed: who asked, and the chain of causes.
    [offered] = bank.logged("Offered")
    assert offered["meta"]["causation"].startswith(f"dead/{fields['id']}/1/")
    assert offered["meta"]["depth"] == json.loads(fields["meta"])["depth"]
    assert bank.logged("Finished")


async def test_a_routers_letter_that_fails_again_is_told_to_its_router_again() -> None:
    bank, down = Bank(), ["GoOn"]
    broken(bank.stage.domain, down)
    partition = home("transfer-1")
    async with bank.open():
        bank.stage.send("Deposit", "account-a", {"amount": 10})
        bank.begin(1)
        await bank.settled()
        _, first = letter(bank.stage, partition)
        outcome = await retried(bank.stage, partition)
        assert outcome.status is Status.FAILED
        await bank.settled()
        notes = bank.logged("_rejected")
        assert [note["data"]["cause"] for note in notes] == ["account-a"] * 2
        _, second = letter(bank.stage, partition)
        async with bank.stage.session() as session:
            assert again_id(session.secret, second["id"]).startswith(f"dead/{first['id']}/2/")
