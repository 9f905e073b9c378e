"""The SDK for code that does not await: scripts, notebooks, threads, forked workers."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

import engine
from engine import Status, Submit
from engine.core.errors import Misuse, NotFound, NotYet, Unavailable
from handlers.customers import RegisterCustomer, RenameCustomer
from handlers.orders import ShipOrder
from projections.customers import GetCustomer, customers
from tests.edge.sdk.connections import connections_of, with_user
from tests.edge.serving import served

ADA = RegisterCustomer(name="Ada")
ROOT = Path(__file__).parents[3]
NAMESPACE = "test_blocking"


@pytest.fixture(scope="module")
def shop(portal: BlockingPortal, valkey_url: str) -> Iterator[str]:
    """The address of a shop that is served meanwhile, in another thread."""
    with portal.wrap_async_context_manager(served(valkey_url, NAMESPACE)):
        yield valkey_url


def test_a_script_writes_and_reads_its_own_writes(shop: str) -> None:
    with engine.connect(shop, namespace=NAMESPACE) as client:
        outcome = client.commands.dispatch(ADA, aggregate="customer-s")
        seen = client.queries.dispatch(GetCustomer(customer_id="s"), after=outcome)
        assert (outcome.status, seen.name) == (Status.ACCEPTED, "Ada")
        with pytest.raises(engine.Rejected) as refused:
            client.commands.dispatch(ShipOrder(), aggregate="order-s")
        assert refused.value.code == "order_unknown"
        with pytest.raises(NotFound):
            client.queries.dispatch(GetCustomer(customer_id="nobody"))
        assert client.commands.outcome(outcome.id).entry == outcome.entry
        assert client.commands.dry_run(ADA, aggregate="customer-t").outcome.version == 1


def test_many_are_sent_and_answered_in_their_order(shop: str) -> None:
    wanted = [Submit(RegisterCustomer(name=f"{n}"), f"customer-b{n}") for n in range(700)]
    with engine.connect(shop, namespace=NAMESPACE) as client:
        answers = [answer.accepted() for answer in client.commands.submit_many(iter(wanted))]
    assert [answer.aggregate for answer in answers] == [one.aggregate for one in wanted]


def test_an_answer_is_followed_until_nobody_wants_more(shop: str) -> None:
    with engine.connect(shop, namespace=NAMESPACE) as client:
        client.commands.dispatch(ADA, aggregate="customer-f")
        names = []
        for update in client.queries.follow_row(customers, "customer-f"):
            names.append(update.answer.name if update.answer else None)
            if names[-1] == "Eve":
                break
            if names[-1] == "Ada":
                client.commands.dispatch(RenameCustomer(name="Eve"), aggregate="customer-f")
        assert names[-2:] == ["Ada", "Eve"]


async def test_it_works_where_a_loop_runs_as_in_a_notebook(shop: str) -> None:
    with engine.connect(shop, namespace=NAMESPACE) as client:
        assert client.commands.dispatch(ADA, aggregate="customer-n").version == 1


def test_threads_share_one_client_and_its_connections(shop: str) -> None:
    with with_user(shop) as url:
        with (
            engine.connect(url, namespace=NAMESPACE) as client,
            ThreadPoolExecutor(32) as threads,
        ):
            told = threads.map(
                lambda n: client.commands.dispatch(ADA, aggregate=f"customer-t{n}"), range(200)
            )
            assert {outcome.version for outcome in told} == {1}
            assert connections_of(url) == 2
        assert connections_of(url) == 0


def test_closing_ends_whoever_still_waits(shop: str) -> None:
    client = engine.connect(shop, namespace=NAMESPACE).open()
    first = threading.Event()
    ended: list[BaseException] = []

    def follow() -> None:
        try:
            for _ in client.queries.follow(GetCustomer(customer_id="nobody")):
                first.set()
        except NotYet as error:
            ended.append(error)

    follower = threading.Thread(target=follow)
    follower.start()
    assert first.wait(5)
    client.close()
    follower.join(5)
    assert "closed first" in str(ended[0])
    client.close()
    with pytest.raises(Misuse, match="is closed"):
        client.commands.dispatch(ADA, aggregate="customer-c")


def test_a_client_is_not_opened_twice(shop: str) -> None:
    connecting = engine.connect(shop, namespace=NAMESPACE)
    with connecting, pytest.raises(Misuse, match="call connect again"), connecting:
        pass


def test_where_nobody_is_there_it_says_so_and_leaves_no_thread() -> None:
    with (
        pytest.raises(Unavailable, match="cannot reach Redis"),
        engine.connect("redis://127.0.0.1:1", namespace=NAMESPACE),
    ):
        pass
    assert "semel" not in {thread.name for thread in threading.enumerate()}


OPENED = """
import os, signal, threading
import engine
from handlers.customers import RegisterCustomer
from projections.customers import GetCustomer
client = engine.connect({url!r}, namespace={namespace!r}).open()
"""

LEFT_OPEN = """
print(client.commands.dispatch(RegisterCustomer(name="Ada"), aggregate="customer-o").version)
"""

INTERRUPTED = """
interrupt = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
try:
    for _ in client.queries.follow(GetCustomer(customer_id="nobody")):
        interrupt.start()
except KeyboardInterrupt:
    print("interrupted")
"""

FORKED = """
if pid := os.fork():
    os.waitpid(pid, 0)
else:
    try:
        client.commands.outcome("x")
    except engine.SemelError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (LEFT_OPEN, "1\n"),
        (INTERRUPTED, "interrupted\n"),
        (FORKED, "in each process, after the fork\n"),
    ],
    ids=["left open", "interrupted", "forked"],
)
def test_a_program_ends(shop: str, program: str, said: str) -> None:
    script = OPENED.format(url=shop, namespace=NAMESPACE) + program
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith(said)
