"""Which generation serves: rolled back and forth, held back by what is parked, paused."""

from pathlib import Path

from tests.edge.rebuilding.shop import BUG, NAME, OTHER, QUICK, Shop, project
from tests.eventually import at_last


def test_a_flip_is_taken_back_and_forth(shop: Shop, tmp_path: Path) -> None:
    assert shop.run(*shop.fill(20, tmp_path)).code == 0
    with shop.worker():
        assert shop.projection("rebuild").code == 0
        said = shop.projection("rollback")
        assert (said.code, said.out) == (0, "orders@1 is live again, orders@2 is kept\n")
        receipt = shop.ship("order-90")
        query = ["query", "GetOrderById", "order_id=order-90", "--after", receipt, "-o", "json"]
        assert shop.run(*query).data["status"] == "shipped"
        assert shop.rows(1)["order-90"][b"status"] == b"shipped"
        said = shop.projection("rollback", "-o", "json")
        assert said.data == {"projection": "orders", "live": 2, "previous": 1}
        assert shop.run(*query).data["status"] == "shipped"


def test_what_is_behind_is_not_rolled_back_to_unless_forced(shop: Shop, tmp_path: Path) -> None:
    changed = shop.at(project(tmp_path, OTHER))
    with shop.worker() as worker, changed.worker():
        shop.ship("order-1")
        shop.applied(1)
        assert changed.projection("rebuild").code == 0
        assert worker.stop().code == 0
        shop.ship("order-2")
        shop.applied(2)
        said = shop.projection("rollback", "-o", "json")
        assert (said.code, said.errors[0]["code"]) == (1, "conflict")
        assert said.errors[0]["message"].startswith(
            "orders@1 lacks 2 events in 1 partitions (no worker has the code that made it): "
        )
        assert shop.said["live"] == "2"
        assert shop.projection("rollback", "--force").code == 0
        assert (shop.said["live"], shop.said["previous"]) == ("1", "2")


def test_what_is_built_and_passes_over_somebody_goes_live_only_when_told(
    shop: Shop, tmp_path: Path
) -> None:
    buggy = shop.at(project(tmp_path, BUG))
    with shop.worker(), buggy.worker(**QUICK):
        shop.ship("order-7")
        shop.ship("order-8")
        shop.applied(1)
        for verb in ("rebuild", "rebuild", "flip"):
            said = buggy.projection(verb, "-o", "json")
            assert (said.code, said.data["stage"], said.data["parked"]) == (1, "parked", 1)
            [error] = said.errors
            assert error["code"] == "parked"
            assert "1 parked aggregates (order-7), so it does not go live" in error["message"]
            assert "semel projection flip orders --accept-parked" in error["message"]
        assert shop.run("dead", "list", "orders", "-o", "json").data == []
        [dead] = shop.run("dead", "list", "orders", "--generation", "2", "-o", "json").data
        assert (dead["name"], dead["generation"], dead["type"]) == ("order-7", 2, "OrderShipped")
        shown = shop.run("dead", "show", "orders", "order-7", "--generation", "2").out
        assert "a planted bug" in shown
        said = shop.run("dead", "retry", "orders", "--generation", "2", "-o", "json")
        assert (said.code, said.data[0]["answer"]) == (1, "still parked")
        assert shop.run("dead", "list", "--generation", "2").code == 2
        said = shop.run("dead", "list", "orders", "--generation", "9")
        assert said.code == 4
        assert "there is no orders@9, only orders@1, orders@2" in said.err
        assert shop.said["live"] == "1"
        said = shop.projection("flip", "--accept-parked", "-o", "json")
        assert (said.code, said.data["stage"], said.data["parked"]) == (0, "live", 1)
        compared = said.data["compared"]
        assert (compared["rows"], compared["differ"], compared["unsettled"]) == (1, 0, 1)
        assert shop.rows(2)["order-7"][b"status"] == b"created"
        said = shop.projection("rollback")
        assert said.code == 0
        said = shop.projection("rollback")
        assert said.code == 1
        assert "passes over 1 aggregates (semel dead list orders --generation 2)" in said.err


def test_what_is_built_and_passes_over_somebody_is_built_anew_with_mended_code(
    shop: Shop, tmp_path: Path
) -> None:
    buggy = shop.at(project(tmp_path, BUG))
    with shop.worker(), buggy.worker(**QUICK):
        shop.ship("order-7")
        shop.applied(1)
        assert buggy.projection("rebuild").code == 1
        said = shop.projection("rebuild")
        assert said.code == 1
        assert "orders@2 is being built by other code than is found here" in said.err
        said = shop.projection("rebuild", "--restart", "-o", "json")
        assert (said.code, said.data["generation"], said.data["parked"]) == (0, 3, 0)
        at_last(lambda: shop.traces(2) == [], "nothing is left of the other")


def test_nothing_is_applied_while_it_is_paused(shop: Shop) -> None:
    with shop.worker():
        shop.ship("order-1")
        shop.applied(1)
        said = shop.projection("pause")
        assert (said.code, said.out) == (
            0, "orders is paused: nothing is applied until semel projection resume orders\n",
        )  # fmt: skip
        assert shop.projection("pause").code == 0
        receipt = shop.ship("order-2")
        query = ["query", "GetOrderById", "order_id=order-2", "--after", receipt]
        assert shop.run(*query, "--wait", "0.3").code == 6
        status = shop.run("status", "-o", "json").data
        [turns] = status["turns"]
        assert (turns["projection"], turns["rests"]) == (NAME, True)
        assert turns["said"] == ["orders is paused (semel projection resume orders)"]
        assert turns["said"][0] in status["summary"]
        assert "not projected everywhere" not in status["summary"]
        assert shop.projection("resume").code == 0
        assert shop.run(*query).code == 0
        assert "state" not in shop.said
