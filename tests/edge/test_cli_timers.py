"""``semel timers list``, and what ``semel status`` says of timers."""

from typing import Any

from redis import Redis

from engine.store.keys import Keys
from tests.edge.command_line import Semel
from tests.eventually import at_last

BELLS: dict[str, Any] = {"SEMEL_HANDLERS": "tests.runtime.bells", "SEMEL_PROJECTIONS": "none"}


def test_timers_are_listed_the_next_one_first(valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "4").code == 0
    assert semel.run("timers", "list").out == "no timer is set\n"
    with semel.daemon("run", **BELLS) as engine:
        engine.logged("engine.started")
        for n, seconds in enumerate((9000, 3000, 6000)):
            words = ("submit", "SetOff", f"bell-{n}", "name=tea", f"after:={seconds}")
            assert semel.run(*words, **BELLS).code == 0
        assert (
            semel.run("submit", "SetOff", "bell-0", "name=cup", "after:=99999", **BELLS).code == 0
        )
        assert engine.stop().code == 0
    listed = semel.run("timers", "list", "--limit", "3", "-o", "json").data
    assert [one["aggregate"] for one in listed] == ["bell-1", "bell-2", "bell-0"]
    assert (listed[0]["name"], listed[0]["state"], listed[0]["command"]) == ("tea", "set", "Remind")
    assert 2900 < listed[0]["seconds"] <= 3000
    text = semel.run("timers", "list", "--aggregate", "bell-0").out.splitlines()
    assert [line.split()[:2] for line in text[1:]] == [["bell-0", "tea"], ["bell-0", "cup"]]
    assert semel.run("timers", "list", "--aggregate", "bell-9", "-o", "json").data == []
    assert semel.run("timers", "list", "--aggregate", "no/aggregate").code == 2
    assert "4 timers are set, 0 of them due" in semel.run("status").out


def test_overdue_timers_are_told_where_nobody_serves(valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "2").code == 0
    with Redis.from_url(valkey_url, protocol=2) as redis:
        seconds, _ = redis.time()
        redis.zadd(Keys(namespace).timers(1), {"bell-1/tea": (seconds - 600) * 1000})
    state = semel.run("status", "-o", "json").data
    assert (state["timers"]["waiting"], state["timers"]["due"]) == (1, 1)
    assert 600 <= state["timers"]["overdue_seconds"] < 700
    assert "1 timers are overdue, by 10 min" in state["summary"]
    [one] = semel.run("timers", "list", "-o", "json").data
    assert (one["state"], one["command"]) == ("overdue", "?")


def test_schedules_are_listed_with_what_comes_next(valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "2").code == 0
    assert "no schedule is registered" in semel.run("schedules", "list").out
    yearly: dict[str, Any] = {**BELLS, "SEMEL_HANDLERS": "tests.faults.yearly"}
    [one] = semel.run("schedules", "list", "-o", "json", **yearly).data
    assert (one["schedule"], one["command"], one["last"], one["owner"]) == (
        "yearly", "Remind", "", "",
    )  # fmt: skip
    assert one["next"].endswith("-01-01T00:00:00.000Z")
    with semel.daemon("run", **yearly) as engine:
        node = engine.logged("engine.started")["node"]

        def listed() -> dict[str, Any]:
            found: dict[str, Any] = semel.run("schedules", "list", "-o", "json", **yearly).data[0]
            return found

        at_last(lambda: (said := listed())["last"] and said["owner"] == node, "it is served")
        assert "yearly" in semel.run("schedules", "list", **yearly).out
        assert engine.stop().code == 0
    assert listed()["owner"] == ""
