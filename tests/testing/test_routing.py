"""Routers in tests: what follows from an event, and from a refusal."""

from itertools import count

import pytest

from engine import Rejection, Router, Send, send
from engine.core.errors import Misuse
from engine.core.outcome import Status
from engine.testing import given_router
from tests import transfers
from tests.transfers import Asked, Begun, Cancel, GoOn, Withdraw, Withdrawn

[bank] = transfers.routers
REFUSED = Rejection(
    "Withdraw", "account-1", Status.REJECTED, "too_little", "there are 0", "transfer-1"
)


def test_what_follows_is_compared() -> None:
    routed = given_router(bank, deciders=transfers.deciders)
    asked = routed.on(Asked("account-1", 7), aggregate="transfer-1")
    asked.then_sends(send("account-1", Withdraw(amount=7, transfer="transfer-1")))
    routed.on(Withdrawn(7)).then_sends()
    routed.on(REFUSED).then_sends(send("transfer-1", Cancel(reason="too_little")))
    with pytest.raises(AssertionError, match=r"1 is send\('account-1', .*; expected send\('accoun"):
        asked.then_sends(send("account-2", Withdraw(amount=7, transfer="transfer-1")))
    with pytest.raises(AssertionError, match=r"expected nothing\n  1 is one too many"):
        asked.then_sends()
    with pytest.raises(AssertionError, match=r"sends nothing; .*\n  1 is missing: send\('trans"):
        routed.on(Withdrawn(7)).then_sends(send("transfer-1", GoOn()))


def test_what_a_route_asks_for_must_be_said() -> None:
    with pytest.raises(Misuse, match="no route of 'transfers' takes Begun; they take Asked, With"):
        given_router(bank).on(Begun("account-1", 7))
    with pytest.raises(Misuse, match="asks for its context: say whose event"):
        given_router(bank).on(Asked("account-1", 7))


def test_a_command_that_nobody_takes_is_misuse() -> None:
    def astray(_event: Begun) -> Send:
        return send("account-1", GoOn())

    router = Router(name="astray", routes=[astray])
    given_router(router).on(Begun("account-1", 7)).then_sends(send("account-1", GoOn()))
    with pytest.raises(Misuse, match="sends a GoOn to account-1: it is for transfer-"):
        given_router(router, deciders=transfers.deciders).on(Begun("account-1", 7))
    with pytest.raises(Misuse, match="sends to 'nobody'"):
        given_router(Router(name="r", routes=[nowhere])).on(Begun("account-1", 7))


def nowhere(_event: Begun) -> Send:
    return send("nobody", GoOn())


def test_a_route_that_counts_is_found() -> None:
    calls = count()

    def counted(_event: Begun) -> Send:
        return send(f"transfer-{next(calls)}", GoOn())

    with pytest.raises(AssertionError, match="a route must answer the same each time"):
        given_router(Router(name="counted", routes=[counted])).on(Begun("account-1", 7))
