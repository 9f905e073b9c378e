"""Many commands in one call: an answer each, in order, in bounded memory."""

from collections.abc import AsyncIterator, Iterator

import pytest

from engine import Submit
from engine.core.errors import Misuse, Rejected, Unavailable, Unknown
from engine.edge.batch import IN_FLIGHT_LIMIT
from handlers.customers import RegisterCustomer, RenameCustomer
from handlers.orders import ShipOrder
from tests.edge.sdk.test_cancelling import is_clean
from tests.edge.serving import served, unserved
from tests.eventually import eventually

ADA = RegisterCustomer(name="Ada")


async def test_each_has_its_own_answer_in_their_order(valkey_url: str, namespace: str) -> None:
    wanted = [
        Submit(ADA, "customer-a", id="one"),
        Submit(RenameCustomer(name="B"), "customer-a"),
        Submit(ADA, "customer-a", id="one"),
        Submit(ShipOrder(), "order-1"),
        Submit(ADA, "nonsense"),
        Submit(RenameCustomer(name="C"), "customer-a", expect=2),
    ]

    async def as_they_come() -> AsyncIterator[Submit]:
        for one in wanted:
            yield one

    async with served(valkey_url, namespace, worker=False) as client:
        answers = [answer async for answer in client.commands.submit_many(as_they_come())]
        outcomes = [answer.outcome for answer in answers]
        assert [(one.status, one.version) if one else None for one in outcomes] == [
            ("accepted", 1), ("accepted", 2), ("duplicate", 1), ("rejected", 0), None,
            ("accepted", 3),
        ]  # fmt: skip
        assert answers[2].accepted().decisive == "accepted"
        with pytest.raises(Rejected, match="order_unknown"):
            answers[3].accepted()
        with pytest.raises(Misuse, match="not of the form"):
            answers[4].accepted()
        assert [answer.aggregate for answer in answers] == [one.aggregate for one in wanted]
        assert is_clean(client)


async def test_only_so_many_are_under_way(valkey_url: str, namespace: str) -> None:
    taken = 0

    def endless() -> Iterator[Submit]:
        nonlocal taken
        while True:
            taken += 1
            yield Submit(ADA, f"customer-{taken}")

    async with served(valkey_url, namespace, worker=False) as client:
        answered = 0
        answers = client.commands.submit_many(endless())
        async for _ in answers:
            answered += 1
            assert taken - answered < IN_FLIGHT_LIMIT
            if answered == 3 * IN_FLIGHT_LIMIT:
                break
        await answers.aclose()
        await eventually(lambda: is_clean(client), "nobody waits for the others")


async def test_where_nobody_answers_the_rest_is_not_sent(valkey_url: str, namespace: str) -> None:
    async with unserved(valkey_url, namespace) as client:
        wanted = [Submit(ADA, f"customer-{n}") for n in range(3 * IN_FLIGHT_LIMIT)]
        errors = [
            answer.error async for answer in client.commands.submit_many(wanted, wait_seconds=0.5)
        ]
        sent = [isinstance(error, Unknown) for error in errors]
        assert all(isinstance(error, Unknown | Unavailable) for error in errors)
        assert (sum(sent), len(sent)) == (IN_FLIGHT_LIMIT, 3 * IN_FLIGHT_LIMIT)
        assert "not sent" in str(errors[-1])
        assert is_clean(client)
