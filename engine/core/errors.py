"""Every error of semel, in one tree.

::

    SemelError
    ├── Rejected             the command was understood, and the answer is no
    │   └── VersionConflict  the aggregate is not at the version that was expected
    ├── Failed               the decider raised: ours or the domain's fault, not the sender's
    ├── Unreadable           a recorded event cannot be brought to what its class is here
    ├── NotFound             no such row, aggregate or command
    ├── HistoryLost          it stood in a tail that a server lost: submit again, same id
    ├── Parked               a view passes over what the receipt stands for, until mended
    ├── Conflict             as things stand it cannot be done, or would do harm
    ├── NotYet               a time limit passed; what was asked may still come
    │   ├── Unknown          a command's fate is not known: ask again with the same id
    │   │   └── Deferred     it is known to wait to be decided
    │   └── Behind           a view has not reached the receipt yet
    ├── Misuse               the caller's words are wrong: a name, a setting, an argument
    │   └── Misregistered    the domain cannot be served: two deciders for one command …
    ├── Unfit                this Redis or this namespace cannot be used
    ├── Unavailable          Redis is out of reach
    ├── ServiceFailed        what deciders are handed could not be opened: nothing is served
    ├── Unauthenticated      who is asking has not shown who that is
    ├── Forbidden            who is asking is known, and may not
    ├── TooMany              too much is asked at once: ask again, later
    └── Doubt                what an owner knows may be wrong: forget it, acquire anew
        ├── Fenced           somebody else owns it now
        ├── Lost             the connection broke; what was under way has an unknown fate
        ├── Refused          Redis answered with an error: that call has done nothing
        │   └── NotNow       … and may be sent again: Redis is full, busy, not well
        └── Torn             what Redis holds contradicts itself: stop, an operator must look

Each class says once what follows from it: the process exit code, the HTTP status and
whether the same attempt may succeed later. Nothing maps errors a second time.
"""

from collections.abc import Mapping
from typing import ClassVar

from engine.core.refusal import REFUSALS


class SemelError(Exception):
    """The root: whatever semel raises on purpose."""

    exit_code: ClassVar[int] = 1
    http_status: int = 500
    retryable: bool = False


class Rejected(SemelError):
    """The answer is no, and will be no again: raised by deciders, and by ``dispatch``.

    ``code`` is a stable name in snake_case that programs may compare; ``errors`` says
    per field what was wrong, where fields are what was wrong.
    """

    http_status = 400

    def __init__(self, code: str, message: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.errors = dict(errors or {})
        self.http_status = REFUSALS.get(code, type(self).http_status)
        self.retryable = code == "busy"


class VersionConflict(Rejected):
    """The aggregate has another version than ``expect`` said: ``version``, when it was decided.

    For a repeat that is the version when its id was first answered.
    """

    exit_code = 5
    http_status = 412

    def __init__(self, code: str, message: str, version: int) -> None:
        super().__init__(code, message)
        self.version = version


class Failed(SemelError):
    """The decider raised something that is not a rejection; the message quotes it."""


class Unreadable(SemelError):
    """A recorded event cannot be brought to what its class is here; the message says why.

    Its upcaster raised, or newer code wrote it: the code must be mended or be as new.
    """


class NotFound(SemelError):
    """There is no such thing; the message names it."""

    exit_code = 4
    http_status = 404


class HistoryLost(SemelError):
    """A server came back with older data: what a receipt stands for does not exist any more.

    Nothing else is lost by noticing it: submit the command again, with the same ``id``.
    """

    http_status = 410


class Parked(SemelError):
    """A projection could not handle an event of this aggregate, and goes on without it.

    Asking again does not help: the projection's code must be mended, and the aggregate replayed.
    """

    http_status = 409


class Conflict(SemelError):
    """What was asked does not fit what stands there now; the message says what has to come first.

    Nothing was changed. Asking again helps once that has been done.
    """

    http_status = 409


class NotYet(SemelError):
    """The time limit passed first."""

    exit_code = 6
    http_status = 503
    retryable = True


class Unknown(NotYet):
    """A command was handed over, or not, and nobody answered within the limit.

    Submit again with the same ``id`` for the same ``aggregate``: it has its effect once,
    whatever became of it. `CommandBus.outcome` only looks whether there is an answer by now.
    ``entry`` is its stream id, where Redis is known to have taken it.
    """

    def __init__(self, message: str, command_id: str, aggregate: str = "", entry: str = "") -> None:
        super().__init__(message)
        self.id, self.aggregate, self.entry = command_id, aggregate, entry


class Deferred(Unknown):
    """A command waits to be decided: its decider raised, is slow, or it stands behind another.

    It is tried again by itself, within limits. Submit again with the same ``id`` to wait on.
    """


class Behind(NotYet):
    """A projection has not applied the receipt's position yet."""


class Misuse(SemelError):
    """The call itself is wrong, and will stay wrong."""

    exit_code = 2
    http_status = 422


class Misregistered(Misuse):
    """The handlers or projections contradict themselves; the message names both places."""


class Unfit(SemelError):
    """Redis answers, but this namespace must not be served from here."""

    exit_code = 3
    http_status = 503


class Unavailable(SemelError):
    """Redis cannot be reached; nothing is lost by it."""

    exit_code = 3
    http_status = 503
    retryable = True


class ServiceFailed(SemelError):
    """A factory of ``services`` raised while the process started; the message quotes it."""

    http_status = 503


class Unauthenticated(SemelError):
    """Who is asking has not shown who that is: no key or token, or none that is good here."""

    http_status = 401


class Forbidden(SemelError):
    """Who is asking is known, and has not the role that this needs."""

    http_status = 403


class TooMany(SemelError):
    """Too much is asked at once, by this caller or by all; ``seconds`` from now is a good time."""

    http_status = 429
    retryable = True

    def __init__(self, message: str, seconds: float = 1) -> None:
        super().__init__(message)
        self.seconds = seconds


class Doubt(SemelError):
    """Ends an acquisition: all that its owner knew is forgotten (the rule of doubt)."""

    exit_code = 3
    http_status = 503
    retryable = True


class Fenced(Doubt):
    """The lease's token or the commit number is not ours: nothing was written."""


class Lost(Doubt):
    """The connection is gone. A write that was under way may have happened."""


class Refused(Doubt):
    """Redis answered with an error, quoted in the message: this call has changed nothing."""


class NotNow(Refused):
    """Redis did not run the call, and says why: full, busy, or without its replicas."""


class Torn(Doubt):
    """The log, the outcomes or an aggregate's stream contradict ``head``."""

    retryable = False


def single(errors: BaseException) -> BaseException:
    """The error that a group is about: a semel error before others, the first before later."""
    while isinstance(errors, BaseExceptionGroup):
        ours = errors.subgroup(SemelError)
        errors = (ours or errors).exceptions[0]
    return errors
