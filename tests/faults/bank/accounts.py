"""Accounts: money comes in, is set aside for a transfer, and is then gone or let go again.

Each event says what the account then has, so that it can be held against the sum of all.
"""

from typing import TypeAlias

from msgspec import field

from engine import Command, Decider, Event, Rejected


class Deposit(Command):
    """Take money in; ``transfer`` is whose it is."""

    amount: int
    transfer: str = ""


class Reserve(Command):
    """Set money aside for a transfer."""

    amount: int
    transfer: str


class Confirm(Command):
    """What was set aside is gone."""

    transfer: str


class Release(Command):
    """What was set aside is not needed."""

    transfer: str


class Deposited(Event):
    """Money came in."""

    amount: int
    transfer: str
    balance: int


class Reserved(Event):
    """Money was set aside."""

    amount: int
    transfer: str
    balance: int


class Confirmed(Event):
    """What was set aside went out."""

    amount: int
    transfer: str
    balance: int


class Released(Event):
    """What was set aside is there again."""

    amount: int
    transfer: str
    balance: int


class State(Event):
    """What an account has to give, and what is set aside, by transfer."""

    balance: int = 0
    aside: dict[str, int] = field(default_factory=dict)


Change: TypeAlias = Deposited | Reserved | Confirmed | Released


def deposit(command: Deposit, state: State) -> Deposited:
    return Deposited(command.amount, command.transfer, state.balance + command.amount)


def reserve(command: Reserve, state: State) -> Reserved:
    if command.amount > state.balance:
        raise Rejected("too_little", f"there are {state.balance}")
    return Reserved(command.amount, command.transfer, state.balance - command.amount)


def confirm(command: Confirm, state: State) -> Confirmed:
    return Confirmed(_aside(state, command.transfer), command.transfer, state.balance)


def release(command: Release, state: State) -> Released:
    amount = _aside(state, command.transfer)
    return Released(amount, command.transfer, state.balance + amount)


def _aside(state: State, transfer: str) -> int:
    if transfer not in state.aside:
        raise Rejected("not_aside", f"nothing is set aside for {transfer}")
    return state.aside[transfer]


def evolve(state: State, event: Change) -> State:
    aside = {name: amount for name, amount in state.aside.items() if name != event.transfer}
    match event:
        case Deposited():
            return State(state.balance + event.amount, state.aside)
        case Reserved():
            return State(
                state.balance - event.amount, {**state.aside, event.transfer: event.amount}
            )
        case Confirmed():
            return State(state.balance, aside)
        case Released():
            return State(state.balance + event.amount, aside)


decider = Decider(
    kind="account", initial=State(), decide=[deposit, reserve, confirm, release], evolve=evolve
)
