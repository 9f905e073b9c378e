"""``semel check --replay`` as a process: new code meets what has happened, and writes nothing."""

from pathlib import Path
from typing import Any

import pytest

from engine.core.routing import partition_of
from tests.edge.command_line import Said
from tests.edge.evolving.till import IN_CENTS, LIFTED, ROWS_IN_CENTS, Changes, Project


def replay(till: Project, *words: str) -> Said:
    """Run it, and see that it changes nothing."""
    before = dumped(till)
    said = till.check("--replay", *(words or ("--all",)), "-o", "json")
    assert dumped(till) == before
    return said


def dumped(till: Project) -> dict[bytes, Any]:
    return {key: till.redis.dump(key) for key in till.redis.keys(f"*{till.keys.namespace}*")}


@pytest.mark.parametrize("words", [("--all",), ("--sample", "100")])
def test_the_same_code_would_do_the_same(till: Project, words: tuple[str, ...]) -> None:
    said = replay(till, *words)
    assert (said.code, said.errors) == (0, []), said
    found = said.data["replay"]
    assert {name: found[name] for name in ("aggregates", "events", "decided", "rows")} == {
        "aggregates": 3, "events": 5, "decided": 7, "rows": 3,
    }  # fmt: skip
    assert (found["differences"], found["groups"], found["asking"]) == (0, [], {})
    assert found["sample"] == (None if words == ("--all",) else 100)


def test_what_was_deferred_is_held_against_its_late_outcome(till: Project) -> None:
    number = partition_of("till-1", 2)
    outcomes, late = till.keys.outcomes(number), till.keys.late(number)
    entries = till.redis.xrange(outcomes)
    till.redis.delete(outcomes)
    for id, fields in entries:
        if fields[b"status"] == b"accepted":
            final = {b"of": id, **fields}
            till.redis.xadd(late, final, f"{id.decode().partition('-')[0]}-*")
            fields |= {b"status": b"deferred", b"detail": b'{"code":"slow","message":""}'}
        till.redis.xadd(outcomes, fields, id)
    said = replay(till)
    assert (said.code, said.data["replay"]["decided"]) == (0, 7)
    till.write({"return Taken(command.amount)": "return Taken(command.amount * 2)"})
    assert [each["about"] for each in replay(till).errors] == ["Take: Taken.euros would be another"]


def test_a_projection_that_never_ran_is_no_difference(till: Project) -> None:
    for pattern in (":projection:tills@1", ":changed:tills@1", ":view:tills", ":index:tills"):
        for key in till.redis.keys(f"*{till.keys.namespace}*{pattern}*"):
            till.redis.delete(key)
    said = replay(till)
    assert (said.code, said.errors) == (0, [])
    assert said.data["replay"]["rows"] == 0


def test_a_sample_is_a_part(till: Project) -> None:
    said = replay(till, "--sample", "1")
    assert said.code == 0, said
    found = said.data["replay"]
    assert found["rows"] == 1
    # One aggregate at random, and those of the latest command of each partition.
    assert 1 <= found["aggregates"] <= 3
    assert 1 <= found["decided"] <= 2


def test_a_change_with_its_upcaster_does_the_same(till: Project) -> None:
    till.write(IN_CENTS, LIFTED, projections=[ROWS_IN_CENTS])
    said = replay(till)
    assert (said.code, said.errors) == (0, []), said.errors
    assert said.data["changes"] == ["new: the event Paid of version 2"]


def test_other_rules_are_told(till: Project) -> None:
    till.write({"LIMIT = Decimal(1000)": "LIMIT = Decimal(3)", "amount > total:": "amount > 901:"})
    said = replay(till)
    assert said.code == 1
    assert sorted((each["code"], each["about"]) for each in said.errors) == [
        ("decision", "Pay: was accepted (Paid), would be rejected (till_full)"),
        ("decision", "Take: was rejected (too_little), would be accepted (Taken)"),
    ]
    text = till.check("--replay", "--all")
    assert text.code == 1
    assert "decision  Pay: was accepted (Paid), would be rejected (till_full): once" in text.out
    assert "of till-3 at version 0: was accepted (Paid); would be rejected" in text.out
    assert text.out.splitlines()[-1].endswith("2 differences")


@pytest.mark.parametrize(
    ("handlers", "projections", "code", "about"),
    [
        (
            {"return Paid(command.amount, command.note)": 'return Paid(command.amount, "new")'},
            {}, "decision", "Pay: Paid.note would be another",
        ),
        (
            {"else total - event.euros": 'else {}["a bug"]'},
            {}, "unloadable", "Taken: KeyError",
        ),
        ({}, {"payments=1": "payments=2"}, "row", "tills: payments would be another"),
        ({}, {"total=-event.euros": 'total={}["a bug"]'}, "row", "tills: not_foldable"),
    ],
)  # fmt: skip
def test_what_would_be_otherwise_is_told_by_kind(
    till: Project, handlers: Changes, projections: Changes, code: str, about: str
) -> None:
    till.write(handlers, projections=[projections])
    said = replay(till)
    assert said.code == 1
    assert (code, about) in [(each["code"], each["about"]) for each in said.errors]
    groups = {(group["check"], group["about"]): group for group in said.data["replay"]["groups"]}
    assert groups[code, about]["examples"]


@pytest.mark.parametrize(
    "words", [("--sample", "5"), ("--all",), ("--replay", "--all", "--sample", "5")]
)
def test_how_much_is_said_with_replay_and_once(till: Project, words: tuple[str, ...]) -> None:
    said = till.semel.run("check", *words)
    assert (said.code, "one of them, with it" in said.err) == (2, True)


ASKING: Changes = {
    "def pay(command: Pay, total: Decimal) -> Paid:": """\
class Limits:
    def most(self) -> Decimal:
        raise AssertionError("nobody asks a service")


async def limits(context: ServiceContext) -> AsyncIterator[Limits]:
    yield Limits()


class Fixed(Limits):
    def most(self) -> Decimal:
        return LIMIT


services = [limits]
stand_ins = [Fixed()]


def pay(command: Pay, total: Decimal, limits: Limits) -> Paid:""",
    "total + command.amount > LIMIT": "total + command.amount > limits.most()",
    "from decimal": "from collections.abc import AsyncIterator\nfrom decimal",
    "from engine import": "from engine import ServiceContext,",
}
"""Who decides on payments asks a service."""


def test_who_asks_a_service_is_replayed_with_a_stand_in(till: Project) -> None:
    till.write(ASKING)
    said = replay(till)
    assert (said.code, said.data["replay"]["asking"]) == (0, {"Pay": 4})
    assert "4 Pay were not decided again" in till.check("--replay", "--all").out
    said = replay(till, "--all", "--config", str(named(till, "handlers:stand_ins")))
    assert (said.code, said.errors) == (0, [])
    found = said.data["replay"]
    assert (found["decided"], found["asking"]) == (7, {})
    till.write(ASKING, {"return LIMIT": "return Decimal(3)"})
    said = replay(till, "--all", "--config", str(named(till, "handlers:stand_ins")))
    about = ["Pay: was accepted (Paid), would be rejected (till_full)"]
    assert [each["about"] for each in said.errors] == about


def named(till: Project, place: str) -> Path:
    config = Path(till.semel.home) / "replay.toml"
    config.write_text(f'replay_services = "{place}"\n')
    return config
