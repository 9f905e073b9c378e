"""Transfers: a process manager that waits for accounts, with patience, and the routes between.

::

    Begun → Reserve → Reserved → GoOn → Offered → Deposit → Deposited → Finish → Finished → Confirm
              refused: Cancel → Cancelled            patience is over: Expired, and then at GoOn
                                                     LetGo → Release, or at Cancel Cancelled
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import TypeAlias

from engine import (
    Command,
    Decider,
    Event,
    EventContext,
    Rejected,
    Rejection,
    Router,
    Send,
    TimerChange,
    cancel_timer,
    send,
    set_timer,
)
from tests.faults.bank.accounts import (
    Confirm,
    Deposit,
    Deposited,
    Release,
    Reserve,
    Reserved,
)

PATIENCE, REMINDER = "patience", "reminder"
"""Timers: the one is replaced, cancelled or fires, the other one always fires."""

REMINDER_MS = 300


class Begin(Command):
    """Begin a transfer; wait so long for the account that it comes from."""

    source: str
    target: str
    amount: int
    patience_ms: int


class Extend(Command):
    """Have patience anew."""

    patience_ms: int


class GoOn(Command):
    """Money is set aside."""


class Finish(Command):
    """Money has come in."""


class Cancel(Command):
    """The account refused."""


class RunOut(Command):
    """Patience is over."""


class Remind(Command):
    """It was offered a while ago."""


class Begun(Event):
    """An account is asked to set money aside."""

    source: str
    target: str
    amount: int
    patience_ms: int


class Extended(Event):
    """Patience begins anew."""

    patience_ms: int


class Offered(Event):
    """An account is offered money."""

    target: str
    amount: int


class Finished(Event):
    """What was set aside is to go."""

    source: str


class Cancelled(Event):
    """Nothing was done."""


class Expired(Event):
    """Nothing is to be done any more."""


class LetGo(Event):
    """It was set aside too late."""

    source: str


class Reminded(Event):
    """It was offered a while ago."""


class State(Event):
    """A transfer as it stands."""

    step: str = "new"
    source: str = ""
    target: str = ""
    amount: int = 0


Change: TypeAlias = Begun | Extended | Offered | Finished | Cancelled | Expired | LetGo | Reminded
Deciding: TypeAlias = Iterator[Event | TimerChange]


def _require(state: State, *steps: str) -> None:
    if state.step not in steps:
        raise Rejected("not_now", f"it is {state.step}")


def _patience(ms: int) -> TimerChange:
    return set_timer(PATIENCE, RunOut(), after=timedelta(milliseconds=ms))


def begin(command: Begin, state: State) -> Deciding:
    _require(state, "new")
    yield Begun(command.source, command.target, command.amount, command.patience_ms)
    yield _patience(command.patience_ms)


def extend(command: Extend, state: State) -> Deciding:
    _require(state, "begun")
    yield Extended(command.patience_ms)
    yield _patience(command.patience_ms)


def go_on(_command: GoOn, state: State) -> Deciding:
    _require(state, "begun", "expired")
    if state.step == "expired":
        yield LetGo(state.source)
        return
    yield Offered(state.target, state.amount)
    yield cancel_timer(PATIENCE)
    yield set_timer(REMINDER, Remind(), after=timedelta(milliseconds=REMINDER_MS))


def finish(_command: Finish, state: State) -> Finished:
    _require(state, "offered")
    return Finished(state.source)


def cancel(_command: Cancel, state: State) -> Deciding:
    _require(state, "begun", "expired")
    yield Cancelled()
    yield cancel_timer(PATIENCE)


def run_out(_command: RunOut, state: State) -> Expired:
    _require(state, "begun")
    return Expired()


def remind(_command: Remind, state: State) -> Reminded:
    _require(state, "offered", "finished")
    return Reminded()


def evolve(state: State, event: Change) -> State:
    match event:
        case Begun(source, target, amount):
            return State("begun", source, target, amount)
        case Extended() | Reminded():
            return state
        case _:
            return State(type(event).__name__.lower(), state.source, state.target, state.amount)


decider = Decider(
    kind="transfer", initial=State(), evolve=evolve,
    decide=[begin, extend, go_on, finish, cancel, run_out, remind],
)  # fmt: skip


# -- Routes -----------------------------------------------------------------------------


def ask(event: Begun, context: EventContext) -> Send:
    return send(event.source, Reserve(amount=event.amount, transfer=context.aggregate))


def tell_reserved(event: Reserved) -> Send:
    return send(event.transfer, GoOn())


def offer(event: Offered, context: EventContext) -> Send:
    return send(event.target, Deposit(amount=event.amount, transfer=context.aggregate))


def tell_deposited(event: Deposited) -> Send | None:
    return send(event.transfer, Finish()) if event.transfer else None


def take(event: Finished, context: EventContext) -> Send:
    return send(event.source, Confirm(transfer=context.aggregate))


def let_go(event: LetGo, context: EventContext) -> Send:
    return send(event.source, Release(transfer=context.aggregate))


def give_up(rejection: Rejection) -> Send | None:
    return send(rejection.cause, Cancel()) if rejection.command == "Reserve" else None


router = Router(
    name="bank",
    routes=[ask, tell_reserved, offer, tell_deposited, take, let_go, give_up],
)
