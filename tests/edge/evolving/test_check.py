"""``semel check`` as a process: what a deployment would break is refused, with what to do."""

import json

from engine.core.routing import partition_of
from tests.edge.evolving.till import IN_CENTS, LIFTED, ROWS_IN_CENTS, Project


def test_a_planted_change_is_refused_and_accepted_with_an_upcaster(till: Project) -> None:
    said = till.check("-o", "json")
    assert (said.code, said.errors) == (0, []), said.err
    assert (said.data["recorded"], said.data["findings"], said.data["changes"]) == (4, 0, [])

    till.write(IN_CENTS, projections=[ROWS_IN_CENTS])
    said = till.check("-o", "json")
    assert said.code == 1
    assert [(each["code"], each["type"], each["path"]) for each in said.errors] == [
        ("field_gone", "Paid", "euros"), ("field_new", "Paid", "cents"),
    ]  # fmt: skip
    assert said.data["findings"] == 2
    assert "Upcaster(Paid, 1, …)" in said.errors[0]["hint"]
    assert "there are events of it, the first at position 1" in said.errors[0]["message"]
    text = till.check()
    assert text.code == 1
    assert "field_gone  euros of the event Paid of version 1 is gone" in text.out
    assert "Declare Paid(Event, version=2), and list Upcaster(Paid, 1, …)" in text.out
    assert text.out.splitlines()[-1] == "2 findings"

    till.write(IN_CENTS, LIFTED, projections=[ROWS_IN_CENTS])
    said = till.check()
    assert said.code == 0, said.out
    assert said.out.splitlines()[0] == "new: the event Paid of version 2"
    assert said.out.splitlines()[-1].endswith(": nothing would break")

    with till.served():
        taken, refused, paid = till.submit(
            ("Take", "till-2", "2.50"), ("Take", "till-3", "3.51"), ("Pay", "till-3", "1")
        )
        assert (taken["status"], paid["status"]) == ("accepted", "accepted")
        assert refused["detail"]["message"] == "there are 3.5"
    assert (till.check().code, till.semel.process("verify").code) == (0, 0)

    till.write()
    said = till.check("-o", "jsonl")
    assert (said.code, [each["code"] for each in said.lines]) == (1, ["event_ahead"])
    assert "1 findings" in said.err


def test_a_missing_upcaster_is_found_before_an_engine_is(till: Project) -> None:
    till.write(IN_CENTS, {"class Paid(Event):": "class Paid(Event, version=2):"})
    said = till.check("-o", "json")
    assert (said.code, [each["code"] for each in said.errors]) == (1, ["misregistered"])
    assert "no upcaster leads from version 1 to 2" in said.errors[0]["message"]
    assert till.semel.process("run").code == 2


GONE = {
    '''class Taken(Event):
    """Something was taken out."""

    euros: Decimal
''': "",
    "def take(command: Take, total: Decimal) -> Taken:": "def take(command: Take, total: Decimal):",
    "    return Taken(command.amount)\n": "",
    "event: Paid | Taken)": "event: Paid)",
}
"""A kind of event that is not there any more."""


def test_an_event_that_is_gone_is_named_where_there_are_events_of_it(till: Project) -> None:
    no_rows = {
        "from handlers import Paid, Taken": "from handlers import Paid",
        """def on_taken(event: Taken, context: EventContext):
    yield add(context.aggregate, total=-event.euros)
""": "",
        "[on_paid, on_taken]": "[on_paid]",
    }
    till.write(GONE, projections=[no_rows])
    said = till.check("-o", "json")
    assert [each["code"] for each in said.errors] == ["event_gone"], said.err
    assert said.errors[0]["message"].startswith("the event Taken of version 1 is gone")

    # What was recorded, and never written, may go.
    unused = "event Given 1 0123456789abcdef"
    till.redis.hset(till.keys.schemas(), unused, '{"schema":{"type":"object"},"since_ms":1}')
    till.write()
    said = till.check("-o", "json")
    assert (said.code, said.errors) == (0, [])
    assert said.data["changes"] == [
        "the event Given of version 1 is gone; no event of it was ever written",
    ]


def wait(till: Project, inbox: bool, kind: str, data: str) -> None:  # noqa: FBT001 -- which door
    """Have a command wait, since nobody serves."""
    home = partition_of("till-1", 2)
    key = till.keys.inbox() if inbox else till.keys.commands(home)
    till.redis.xadd(key, {"type": kind, "aggregate": "till-1", "data": data})


def test_commands_that_wait_are_not_broken(till: Project) -> None:
    no_note = {
        'something."""\n\n    amount: Decimal\n    note: str = ""': 'it."""\n    amount: Decimal',
        "Paid(command.amount, command.note)": "Paid(command.amount)",
    }
    no_take = {
        '''class Take(Command):
    """Take something out."""

    amount: Decimal


''': "",
        """def take(command: Take, total: Decimal) -> Taken:
    if command.amount > total:
        raise Rejected("too_little", f"there are {total}")
    return Taken(command.amount)
""": "",
        "decide=[pay, take]": "decide=[pay]",
    }
    till.write(no_note, no_take)
    said = till.check("-o", "json")
    assert (said.code, said.data["waiting"]) == (0, 0), said.out
    assert len(said.data["changes"]) == 3
    assert said.data["changes"][1].startswith("note of the command Pay is gone; none that waits")

    for inbox in (False, True):
        wait(till, inbox, "Pay", '{"amount":"1"}')
        wait(till, inbox, "Pay", '{"amount":"1","note":"x"}')
        wait(till, inbox, "Take", '{"amount":"1"}')
        wait(till, inbox, "Nothing", "{}")
    said = till.check("-o", "json")
    assert (said.code, said.data["waiting"]) == (1, 8)
    assert [(each["code"], each["type"], each["path"]) for each in said.errors] == [
        ("command_narrowed", "Pay", "note"), ("command_gone", "Take", ""),
    ]  # fmt: skip
    assert said.errors[0]["message"].startswith("2 Pay wait, the first as ")
    assert "in the inbox, and would be refused: data.note: Extra" in said.errors[0]["message"]
    till.write()
    assert till.check().code == 0


def test_commands_that_were_deferred_wait_too(till: Project) -> None:
    kept = {
        "tries": 1, "since_ms": 1, "error": "",
        "fields": {"id": "", "type": "Pay", "aggregate": "till-1", "data": "{}", "meta": ""},
    }  # fmt: skip
    waiting = till.keys.waiting(partition_of("till-1", 2))
    till.redis.hset(waiting, mapping={"7-0": json.dumps(kept), "8-0": "junk"})
    till.write({"    amount: Decimal\n    note: str": "    amount: str\n    note: str"})
    said = till.check("-o", "json")
    assert (said.code, said.data["waiting"]) == (1, 1)
    [fault] = said.errors
    assert (fault["code"], fault["path"]) == ("command_narrowed", "amount")
    assert "the first as 7-0 in partition" in fault["message"]
    assert "deferred, and would be refused: data.amount: Field required" in fault["message"]


def test_commands_that_timers_are_to_become_wait_too(till: Project) -> None:
    home, at = partition_of("till-1", 2), 1_800_000_000_000
    for name, data in (("pay", '{"amount":"1"}'), ("fill", "{}")):
        timer = {
            "number": "1-0", "at": at, "id": f"timer/till-1/{name}/1-0/t", "type": "Pay",
            "aggregate": "till-1", "data": data, "meta": "{}",
        }  # fmt: skip
        till.redis.hset(till.keys.timer(home), f"till-1/{name}", json.dumps(timer))
    said = till.check("-o", "json")
    assert (said.code, said.data["timers"]) == (0, 0)  # fired: in the stream they would be found
    till.redis.zadd(till.keys.timers(home), {"till-1/pay": at, "till-1/fill": at})
    till.write({"    amount: Decimal\n    note: str": "    amount: str\n    note: str"})
    said = till.check("-o", "json")
    assert (said.code, said.data["timers"]) == (1, 2)
    [fault] = said.errors
    assert (fault["code"], fault["path"]) == ("command_narrowed", "amount")
    place = "the timer 'fill' of till-1, due 2027-01-15T08:00:00+00:00"
    assert f"the first as {place}, and would be refused: data.amount" in fault["message"]
    till.write()
    assert "0 commands that wait, 2 timers and 0 dead letters looked at" in till.check().out


def test_dead_letters_could_not_be_retried_and_schedules_go_silently(till: Project) -> None:
    for key, kind, data in (
        (till.keys.dead(partition_of("till-1", 2)), "Pay", '{"amount":"1"}'),
        (till.keys.dead(partition_of("till-1", 2)), "Pay", "{}"),
        (till.keys.inbox_dead(), "Pay", "{}"),
        (till.keys.inbox_dead(), "Nothing", "{}"),
    ):
        till.redis.xadd(key, {"type": kind, "aggregate": "till-1", "data": data})
    till.redis.hset(till.keys.sources(1), mapping={"schedule/nightly": "5 0 3", "inbox": "1-0"})
    said = till.check("-o", "json")
    assert (said.code, said.data["letters"], said.data["waiting"]) == (0, 4, 0)
    gone = "the schedule nightly is gone, or has another name: it will not come any more"
    assert said.data["changes"] == [gone]
    till.write({"    amount: Decimal\n    note: str": "    amount: str\n    note: str"})
    said = till.check("-o", "json")
    assert said.code == 1
    [fault] = said.errors
    assert (fault["code"], fault["path"]) == ("command_narrowed", "amount")
    assert fault["message"].startswith("2 Pay are dead letters, the first as ")
    assert f" in partition {partition_of('till-1', 2)}, and would be" in fault["message"]
    assert fault["hint"].startswith("Retry or drop them before (semel dead list)")


def test_what_cannot_be_checked_says_why(till: Project) -> None:
    till.redis.delete(till.keys.schemas())
    said = till.check()
    assert said.code == 0
    assert "no schema is recorded yet to compare with" in said.out
    elsewhere = till.semel.process("check", SEMEL_HANDLERS="nowhere")
    assert elsewhere.code == 2
    assert "no command is registered: run this where the package 'nowhere' is" in elsewhere.err
    assert till.semel.process("check", "--namespace", "other").code == 4
