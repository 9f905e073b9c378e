"""``semel projection rebuild`` and ``cancel``, with the code that is live, while all runs."""

import signal
from pathlib import Path

import pytest

from tests.edge.rebuilding.shop import NAME, Shop
from tests.eventually import at_last

pytestmark = pytest.mark.alone


def test_a_read_model_is_built_anew_while_commands_come_and_comes_out_the_same(
    shop: Shop, tmp_path: Path
) -> None:
    assert shop.run(*shop.fill(200, tmp_path)).code == 0
    with shop.worker(), shop.worker(), shop.semel.daemon(*shop.fill(2000, tmp_path)) as load:
        said = shop.projection("rebuild", "--max-load", "1", "-o", "json")
        assert (said.code, said.errors) == (0, []), said.err
        assert "orders@2 is built from the first event on" in said.err
        assert (said.data["stage"], said.data["generation"], said.data["previous"]) == (
            "live",
            2,
            1,
        )
        compared = said.data["compared"]
        assert (compared["same_code"], compared["differ"]) == (True, 0)
        assert compared["rows"] + compared["unsettled"] == 50
        assert load.end().code == 0
        shop.applied(1)
        shop.applied(2)
        assert shop.rows(2) == shop.rows(1)
        assert len(shop.rows(2)) == 50
        said = shop.run("verify", "-o", "json")
        assert (said.code, said.data["unchecked"]) == (0, [])
        assert {(each["projection"], each["generation"]) for each in said.data["generations"]} == {
            ("customers", 1), ("orders", 1), ("orders", 2), ("stock", 1),
        }  # fmt: skip


def test_text_says_what_is_live_and_what_came_of_comparing(shop: Shop, tmp_path: Path) -> None:
    assert shop.run(*shop.fill(20, tmp_path)).code == 0
    with shop.worker():
        shop.applied(1)
        said = shop.projection("rebuild")
        assert said.code == 0
        assert said.out.splitlines() == [
            "orders@2 is live, made from 20 events",
            "orders@1 is kept for a while: semel projection rollback orders takes this back",
            "20 rows compared with those of orders@1: all are alike",
        ]
        key = shop.keys.row(NAME, 2, "order-7")
        shop.redis.hset(key, "status", "lost")
        said = shop.projection("rebuild", "-o", "json")
        assert (said.code, said.errors[0]["code"]) == (1, "rows_differ")
        [example] = said.data["compared"]["examples"]
        assert example == {
            "row": "order-7",
            "field": "status",
            "previous": "lost",
            "live": "created",
        }


def test_what_is_built_outlives_terminals_and_can_be_watched_from_others(
    shop: Shop, tmp_path: Path
) -> None:
    """It is paused, so it waits for us."""
    assert shop.run(*shop.fill(20, tmp_path)).code == 0
    with shop.worker():
        shop.applied(1)
        assert shop.projection("pause").code == 0
        with shop.watching() as first, shop.watching() as second, shop.watching() as third:
            for terminal in (first, second, third):
                assert terminal.says("orders is paused: nothing is built until")
            assert shop.said["building"] == "2"
            first.stop(signal.SIGKILL)
            ended = second.stop(signal.SIGINT)
            assert ended.code == 130
            assert "orders@2 goes on by itself: `semel projection rebuild orders` watches it" in (
                ended.err
            )
            status = shop.run("status").out
            assert "orders is paused (semel projection resume orders)" in status
            assert "orders@2 is being built, 20 events to go" in status
            assert "start `semel project`" not in status
            assert shop.projection("resume").code == 0
            ended = third.end()
        assert ended.code == 0
        assert ended.out.startswith("orders@2 is live")
        assert (shop.said["live"], shop.said["last"]) == ("2", "2")


def test_another_load_can_be_given_to_what_is_being_built(shop: Shop) -> None:
    with shop.worker():
        shop.applied(1)
        assert shop.projection("pause").code == 0
        assert shop.projection("rebuild", "--detach").code == 0
        assert shop.said["max_load"] == "0.5"
        said = shop.projection("rebuild", "--detach", "--max-load", "0.1", "-o", "json")
        assert said.data == {"projection": "orders", "generation": 2}
        assert "is being built already" in said.err
        assert shop.said["max_load"] == "0.1"
        assert shop.projection("rebuild", "--detach", "--restart").code == 0
        assert (shop.said["building"], shop.said["max_load"]) == ("3", "0.5")
        at_last(lambda: "removing" not in shop.said, "what was given up is removed")


def test_what_is_given_up_leaves_no_trace(shop: Shop, tmp_path: Path) -> None:
    assert shop.run(*shop.fill(500, tmp_path)).code == 0
    with shop.worker(SEMEL_PROJECTION_BATCH_EVENTS="4"):
        shop.applied(1)
        with shop.watching("--max-load", "0.01") as terminal:
            at_last(lambda: shop.rows(2), "some rows are built")
            assert shop.traces(2)
            said = shop.projection("cancel")
            assert (said.code, said.out) == (0, "orders@2 is given up, nothing of it is left\n")
            assert shop.traces(2) == []
            ended = terminal.end()
            assert ended.code == 1
            assert "orders@2 was given up meanwhile" in ended.err
        said = shop.projection("cancel", "-o", "json")
        assert (said.code, said.errors[0]["code"]) == (4, "not_found")
        assert shop.said["live"] == "1"
        assert shop.run("verify").code == 0


def test_what_is_over_is_not_verified(shop: Shop, tmp_path: Path) -> None:
    """Its worker has gone, so nobody removes it."""
    assert shop.run(*shop.fill(40, tmp_path)).code == 0
    with shop.worker(SEMEL_PROJECTION_BATCH_EVENTS="4") as worker:
        shop.applied(1)
        assert shop.projection("rebuild", "--max-load", "0.01", "--detach").code == 0
        at_last(lambda: shop.rows(2), "some rows are built")
        assert worker.stop().code == 0
    said = shop.projection("cancel", "--detach", "-o", "json")
    assert said.data == {"projection": "orders", "generation": 2, "removed": False}
    shop.redis.hset(shop.keys.row(NAME, 2, "order-1"), "status", "half removed")
    said = shop.run("verify", "-o", "json")
    assert (said.code, said.data["unchecked"]) == (0, ["orders@2 is over, and being removed"])
    with shop.worker():
        at_last(lambda: shop.traces(2) == [], "who comes next removes it")


def test_who_watches_is_told_that_nobody_builds(shop: Shop, tmp_path: Path) -> None:
    assert shop.run(*shop.fill(20, tmp_path)).code == 0
    with shop.worker() as worker:
        shop.applied(1)
        assert worker.stop().code == 0
    with shop.watching() as terminal:
        assert terminal.says("no worker runs the code of orders@2: deploy it, or start")
        with shop.worker():
            assert terminal.end().code == 0
    assert shop.said["live"] == "2"


def test_what_there_is_not_is_said_with_what_there_is(shop: Shop) -> None:
    said = shop.projection("rebuild")
    assert said.code == 4
    assert "no worker has served orders yet" in said.err
    with shop.worker():
        shop.applied(1)
        for verb in ("rebuild", "cancel", "rollback", "flip", "pause", "resume", "adopt"):
            said = shop.run("projection", verb, "order", "-o", "json")
            assert said.code == 4
            message = said.errors[0]["message"]
            assert "there is no projection order" in message
            assert "customers, orders" in message
        for verb in ("cancel", "flip", "rollback"):
            assert shop.projection(verb).code == 4
