"""What a deployment of the code here would break, by the schemas that are recorded.

Events are there for ever, so each schema that some code has written them with must be read: by
the class, where it is of the same version, or by the upcasters that lead on from it. Commands
are there until they are handled: whoever waits has been sent to the code before.
"""

from collections.abc import Iterable, Iterator

import msgspec

from engine.core.registry import Domain
from engine.core.schemas.describing import Described, What, described
from engine.core.schemas.reading import Fault, faults


class Breach(msgspec.Struct, frozen=True):
    """One thing that a deployment would break, and what to do about it.

    ``check`` is a stable name; ``path`` says which field, empty where the whole type is meant.
    """

    check: str
    what: What
    type: str
    version: int
    path: str
    message: str
    hint: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.message}. {self.hint}"


class Verdict(msgspec.Struct):
    """What follows from the schemas: breaches, and what changes without breaking anything.

    ``narrowed`` are command types that take less than some code did, or are gone, with the
    reasons: a breach where commands of them wait. ``lately`` says the same of the latest code.
    """

    breaches: list[Breach] = []
    changes: list[str] = []
    narrowed: dict[str, list[Breach]] = {}
    lately: dict[str, list[Breach]] = {}


def judge(domain: Domain, recorded: Iterable[tuple[Described, int]]) -> Verdict:
    """Hold the code's schemas against all that are recorded."""
    ours = {(each.what, each.type): each for each in described(domain)}
    verdict = Verdict()
    known = [each for each, _ in sorted(recorded, key=lambda pair: pair[1])]
    for each in known:
        here = ours.get((each.what, each.type))
        if each.what is What.EVENT:
            verdict.breaches += _of_event(each, here)
        else:
            found = list(_of_command(each, here))
            verdict.lately[each.type] = found
            if found:
                verdict.narrowed.setdefault(each.type, []).extend(found)
    verdict.breaches = list(dict.fromkeys(verdict.breaches))
    fields = {each.field for each in known}
    verdict.changes = [f"new: {each}" for each in ours.values() if each.field not in fields]
    return verdict


def _of_event(recorded: Described, here: Described | None) -> Iterator[Breach]:
    if here is None:
        yield _breach(
            "event_gone", recorded, "", f"{recorded} is gone",
            f"Keep the class {recorded.type}, and its part of `evolve`: all events of an aggregate "
            f"are read when it is loaded",
        )  # fmt: skip
    elif recorded.version > here.version:
        yield _breach(
            "event_ahead", recorded, "",
            f"{recorded} is recorded, and the code here is at version {here.version}",
            f"Events of it could not be read: deploy code that is at version {recorded.version} "
            f"or later",
        )  # fmt: skip
    elif recorded.version == here.version:
        for fault in faults(recorded.schema, here.schema):
            yield _breach(
                fault.code, recorded, fault.path, f"{_place(recorded, fault)} {fault.said}",
                _hint(recorded, fault),
            )  # fmt: skip


def _of_command(before: Described, here: Described | None) -> Iterator[Breach]:
    wait = "Let those be handled by the code before (semel status shows what waits)"
    if here is None:
        yield _breach(
            "command_gone", before, "", f"{before} is gone",
            f"{wait}, or keep the class until then",
        )  # fmt: skip
        return
    for fault in faults(before.schema, here.schema):
        said = f"{_place(before, fault)} {fault.said}"
        yield _breach("command_narrowed", before, fault.path, said, f"{wait}, or accept both forms")


def _place(each: Described, fault: Fault) -> str:
    return f"{fault.path} of {each}" if fault.path else f"{each}"


def _hint(recorded: Described, fault: Fault) -> str:
    name, version = recorded.type, recorded.version
    default = "Give it a default, or declare" if fault.code == "field_new" else "Declare"
    return (
        f"{default} {name}(Event, version={version + 1}), and list Upcaster({name}, {version}, …) "
        f"in the `upcasters` of the handlers package"
    )


def _breach(check: str, of: Described, path: str, message: str, hint: str) -> Breach:
    return Breach(check, of.what, of.type, of.version, path, message, hint)
