"""``semel query --follow``: an answer, and each other one, until Ctrl-C."""

import json
import secrets
import signal
from collections.abc import Iterator

import pytest
from redis import Redis

from engine.store.keys import Keys
from tests.edge.command_line import Semel

ROW = ["query", "GetCustomer", "customer_id=a", "--follow"]


@pytest.fixture(scope="module")
def semel(valkey_url: str) -> Iterator[Semel]:
    """A namespace that is served."""
    semel = Semel(valkey_url, f"test_{secrets.token_hex(4)}")
    assert semel.run("init", "--partitions", "4").code == 0
    with semel.served():
        yield semel


def test_each_answer_is_a_line_and_a_token_goes_on_from_it(semel: Semel) -> None:
    with semel.daemon(*ROW, "-o", "jsonl") as following:
        lines = map(json.loads, following.shown())
        assert next(lines)["answer"] is None
        assert semel.run("submit", "RegisterCustomer", "customer-a", "name=Ada").code == 0
        assert next(lines)["answer"]["name"] == "Ada"
        assert semel.run("submit", "RenameCustomer", "customer-a", "name=Eve").code == 0
        told = next(lines)
        assert told["answer"]["name"] == "Eve"
        ended = following.stop(signal.SIGINT)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    with semel.daemon(*ROW, "--from", told["token"], "-o", "jsonl") as following:
        assert semel.run("submit", "RenameCustomer", "customer-a", "name=Uma").code == 0
        again = json.loads(next(following.shown()))
        assert (again["answer"]["name"], again.keys()) == ("Uma", told.keys())


def test_text_shows_the_document_again(semel: Semel) -> None:
    assert semel.run("submit", "RegisterCustomer", "customer-b", "name=Ada").code == 0
    with semel.daemon("query", "GetCustomer", "customer_id=b", "--follow") as following:
        shown = following.shown()
        first = until_blank(shown)
        assert "name          Ada" in first
        assert semel.run("submit", "RenameCustomer", "customer-b", "name=Eve").code == 0
        assert until_blank(shown) == [line.replace("Ada", "Eve") for line in first]
        ended = following.stop(signal.SIGINT)
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith("to go on from here: --from ")


def test_an_answer_from_before_what_was_shown_is_said_to_be_one(
    valkey_url: str, namespace: str
) -> None:
    semel, keys = Semel(valkey_url, namespace), Keys(namespace)
    assert semel.run("init", "--partitions", "4").code == 0
    with Redis.from_url(valkey_url, protocol=2) as redis:
        for generation, position in ((1, 9), (2, 5)):
            at = {"position": position, "command": "1-0", "branch": "b"}
            redis.hset(keys.projection(0, "customers", generation), mapping=at)
            row = {"name": f"Ada {generation}", "_at:0": position}
            redis.hset(keys.row("customers", generation, "customer-a"), mapping=row)
        with semel.daemon(*ROW, "-o", "jsonl") as following:
            told = json.loads(next(following.shown()))
        assert (told["answer"]["name"], told["is_behind"]) == ("Ada 1", False)
        redis.hset(keys.live("customers"), "live", 2)
        again = [*ROW, "--from", told["token"], "--wait", "0.2"]
        with semel.daemon(*again, "-o", "jsonl") as following:
            told = json.loads(next(following.shown()))
        assert (told["answer"]["name"], told["is_behind"]) == ("Ada 2", True)
        with semel.daemon(*again) as following:
            assert "name          Ada 2" in until_blank(following.shown())
            assert "older than what was shown" in following.stop(signal.SIGINT).err


def until_blank(shown: Iterator[str]) -> list[str]:
    lines = []
    while line := next(shown).rstrip("\n"):
        lines.append(line)
    return lines


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--follow", "-o", "json"], "--follow has no end"),
        (["--follow", "--after", "1.1.x"], "one of the two"),
        (["--from", "f" * 24], "give that too"),
        (["--follow", "--from", "1.1.x"], "is not the token of an update"),
    ],
)
def test_what_makes_no_sense_is_refused(semel: Semel, words: list[str], complaint: str) -> None:
    said = semel.run("query", "GetCustomer", "customer_id=a", *words)
    assert said.code == 2
    assert complaint in said.err
