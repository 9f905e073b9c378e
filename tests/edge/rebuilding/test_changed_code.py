"""Changed code of a projection: real source, in projects of their own, served by processes."""

from pathlib import Path

from tests.edge.command_line import Semel
from tests.edge.rebuilding.shop import BUG, NAME, OTHER, QUICK, SAME, Shop, project
from tests.eventually import at_last


def test_old_code_runs_on_until_the_flip_and_then_the_new_one_does(
    shop: Shop, tmp_path: Path
) -> None:
    new = shop.at(project(tmp_path, OTHER))
    with shop.worker() as old_worker, new.semel.daemon("project") as new_worker:
        error = new_worker.logged("projection.outdated")["error"]
        assert "semel projection rebuild orders" in error
        assert "semel projection adopt orders" in error
        shop.ship("order-1")
        shop.applied(1)
        said = new.projection("rebuild", "-o", "json")
        assert (said.code, said.errors) == (0, []), said.err
        assert "with the code found here, which is not that of orders@1" in said.err
        [example] = said.data["compared"]["examples"]
        assert not said.data["compared"]["same_code"]
        assert (example["field"], example["previous"], example["live"]) == (
            "status", "shipped", "cancelled",
        )  # fmt: skip
        shop.ship("order-2")
        shop.applied(1)  # kept up by the old code
        shop.applied(2)
        assert shop.rows(1)["order-2"][b"status"] == b"shipped"
        assert shop.rows(2)["order-2"][b"status"] == b"cancelled"
        for here, other in ((shop, 2), (new, 1)):
            verified = here.run("verify", "-o", "json")
            assert (verified.code, verified.data["unchecked"]) == (
                0, [f"orders@{other} was made by other code than is here"],
            )  # fmt: skip
        assert old_worker.stop().code == 0
        receipt = shop.ship("order-3")
        query = ["query", "GetOrderById", "order_id=order-3", "--after", receipt, "-o", "json"]
        assert shop.run(*query).data["status"] == "cancelled"


def test_where_there_is_no_code_it_is_built_by_that_of_the_live_one(shop: Shop) -> None:
    with shop.worker():
        shop.ship("order-1")
        shop.applied(1)
        said = shop.run("projection", "rebuild", NAME, SEMEL_PROJECTIONS="nowhere")
        assert said.code == 0
        assert "with the code that made orders@1, for there is none of orders here" in said.err
        assert shop.said["live"] == "2"


def test_code_that_makes_the_same_rows_takes_them_over_once_it_is_deployed(
    shop: Shop, tmp_path: Path
) -> None:
    old = shop.at(project(tmp_path, SAME))
    with old.worker() as worker:
        shop.ship("order-1")
        shop.applied(1)
        said = shop.projection("adopt", "-o", "json")
        assert (said.code, said.errors[0]["code"]) == (1, "conflict")
        assert "no worker has the code of orders that is found here" in said.errors[0]["message"]
        with shop.worker():
            for text in ("from now on, with the rows it has", "already"):
                said = shop.projection("adopt")
                assert said.code == 0
                assert said.out.startswith("orders@1 is the code's that is found here ")
                assert said.out.endswith(f"{text}\n")
            assert worker.stop().code == 0
            shop.ship("order-2")
            shop.applied(1)
            assert shop.run("verify", "-o", "json").data["unchecked"] == []


def test_code_that_makes_other_rows_takes_them_over_only_by_force(
    shop: Shop, tmp_path: Path
) -> None:
    old = shop.at(project(tmp_path, OTHER))
    with old.worker(), shop.worker():
        shop.ship("order-1")
        shop.applied(1)
        said = shop.projection("adopt")
        assert said.code == 1
        assert "makes other rows of the log than orders@1 has" in said.err
        assert "semel projection rebuild orders" in said.err
        assert shop.projection("adopt", "--force").code == 0
        assert shop.run("verify").code == 1


def test_the_fix_is_deployed_and_a_retry_catches_up_in_order(shop: Shop, tmp_path: Path) -> None:
    """Worker processes of really different code; the old one is still there at first."""
    buggy = shop.at(project(tmp_path, BUG))
    with buggy.worker(**QUICK) as old_worker:
        receipt = shop.ship("order-7")
        shop.ship("order-8")
        query = ["query", "GetOrderById", "order_id=order-7", "--after", receipt, "-o", "json"]
        assert shop.run(*query).errors[0]["code"] == "parked"
        said = shop.run("dead", "retry", NAME, "-o", "json")
        assert (said.code, said.errors[0]["code"]) == (1, "conflict")
        assert "Deploy it first" in said.errors[0]["message"]
        said = shop.run("dead", "retry", NAME, "--no-adopt", "-o", "json")
        assert (said.code, said.data[0]["answer"]) == (1, "still parked")
        with shop.worker():
            said = shop.run("dead", "retry", NAME, "--dry-run", "-o", "json")
            assert (said.code, said.data[0]["events"]) == (0, 1)
            assert "it would take over the rows as they are" in said.err
            assert shop.run("dead", "retry", NAME, "order-1").code == 4
            said = shop.run("dead", "retry", NAME, "order-7", "-o", "json")
            assert (said.code, said.data[0]["answer"]) == (0, "done"), said
            assert "taken for the mended one: it takes over the rows as they are" in said.err
            assert old_worker.stop().code == 0
            assert shop.run(*query).data["status"] == "shipped"
            verified = shop.run("verify", "-o", "json")
            assert (verified.code, verified.data["unchecked"]) == (0, [])
            shop.ship("order-9")
            shop.applied(1)


def test_dev_builds_anew_by_itself_what_was_changed_between_two_runs(
    namespace: str, tmp_path: Path
) -> None:
    data, read = str(tmp_path / "data"), ["query", "GetOrderById", "order_id=order-1", "-o", "json"]
    for number, shipped in enumerate((SAME, OTHER)):
        home = project(tmp_path / str(number), shipped)
        with Semel("", namespace, home).daemon("dev", "--data", data) as dev:
            semel = Semel(dev.logged("worker.started")["redis"], namespace, home)
            if shipped == SAME:
                shop = Shop(semel, None, None)  # type: ignore[arg-type]
                receipt = shop.ship("order-1")
                assert semel.process(*read, "--after", receipt).data["status"] == "shipped"
            else:
                dev.logged("projection.flipped")
                assert semel.process(*read).data["status"] == "cancelled"
            assert dev.stop().code == 0


def test_status_says_what_to_type_where_nobody_has_the_old_code(shop: Shop, tmp_path: Path) -> None:
    new = shop.at(project(tmp_path, OTHER))
    with shop.worker() as worker:
        shop.ship("order-1")
        assert worker.stop().code == 0
    with new.worker():
        said = (
            "orders@1 was made by other code than workers have, and stands still (semel "
            "projection rebuild orders)"
        )
        at_last(lambda: said in shop.run("status").out, "it is said what keeps it")
