"""A bank of its own, where process managers are tried: money goes from account to account.

A transfer asks the one account for its money, then the other to take it; refused, it is over.
"""

from collections.abc import Iterator
from typing import Any

from engine import Command, Decider, Event, EventContext, Rejected, Rejection, Router, Send, send

# -- Accounts ---------------------------------------------------------------------------


class Deposit(Command):
    """Take money in; ``transfer`` is whose it was."""

    amount: int
    transfer: str = ""


class Withdraw(Command):
    """Give money out, for a transfer."""

    amount: int
    transfer: str = ""


class Deposited(Event):
    """Money came in."""

    amount: int
    transfer: str = ""


class Withdrawn(Event):
    """Money went out."""

    amount: int
    transfer: str = ""


def deposit(command: Deposit, _balance: int) -> Deposited:
    return Deposited(command.amount, command.transfer)


def withdraw(command: Withdraw, balance: int) -> Withdrawn:
    if command.amount > balance:
        raise Rejected("too_little", f"there are {balance}")
    return Withdrawn(command.amount, command.transfer)


def balance_after(balance: int, event: Deposited | Withdrawn) -> int:
    return balance + (event.amount if isinstance(event, Deposited) else -event.amount)


account = Decider(kind="account", initial=0, decide=[deposit, withdraw], evolve=balance_after)

# -- Transfers --------------------------------------------------------------------------


class Begin(Command):
    """Begin a transfer."""

    source: str
    target: str
    amount: int


class GoOn(Command):
    """The money is out."""


class Finish(Command):
    """The money is in."""


class Cancel(Command):
    """An account refused."""

    reason: str


class Asked(Event):
    """An account is asked for money."""

    account: str
    amount: int


class Begun(Event):
    """It is known where the money is to go."""

    target: str
    amount: int


class Offered(Event):
    """An account is offered money."""

    account: str
    amount: int


class Finished(Event):
    """All is done."""


class Cancelled(Event):
    """Nothing was done."""

    reason: str


class State(Event):
    """A transfer as it stands."""

    step: str = "new"
    target: str = ""
    amount: int = 0


def begin(command: Begin, state: State) -> Iterator[Event]:
    if state.step != "new":
        raise Rejected("begun", "it has begun")
    yield Begun(command.target, command.amount)
    yield Asked(command.source, command.amount)


def go_on(_command: GoOn, state: State) -> Offered:
    if state.step != "asked":
        raise Rejected("not_asked", f"it is {state.step}")
    return Offered(state.target, state.amount)


def finish(_command: Finish, state: State) -> Finished:
    if state.step != "offered":
        raise Rejected("not_offered", f"it is {state.step}")
    return Finished()


def cancel(command: Cancel, state: State) -> Cancelled:
    if state.step != "asked":
        raise Rejected("not_asked", f"it is {state.step}")
    return Cancelled(command.reason)


def step_after(state: State, event: Begun | Asked | Offered | Finished | Cancelled) -> State:
    match event:
        case Begun(target, amount):
            return State("new", target, amount)
        case _:
            return State(type(event).__name__.lower(), state.target, state.amount)


transfer = Decider(
    kind="transfer", initial=State(), decide=[begin, go_on, finish, cancel], evolve=step_after
)


def ask(event: Asked, context: EventContext) -> Send:
    return send(event.account, Withdraw(amount=event.amount, transfer=context.aggregate))


def tell_withdrawn(event: Withdrawn) -> Send | None:
    return send(event.transfer, GoOn()) if event.transfer else None


def offer(event: Offered, context: EventContext) -> Send:
    return send(event.account, Deposit(amount=event.amount, transfer=context.aggregate))


def tell_deposited(event: Deposited) -> Send | None:
    return send(event.transfer, Finish()) if event.transfer else None


def give_up(rejection: Rejection) -> Send | None:
    if rejection.cause.startswith("transfer-") and rejection.command == "Withdraw":
        return send(rejection.cause, Cancel(reason=rejection.code))
    return None


deciders: list[Decider[Any]] = [account, transfer]
routers = [Router(name="transfers", routes=[ask, tell_withdrawn, offer, tell_deposited, give_up])]
