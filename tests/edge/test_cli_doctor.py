"""``semel doctor``: a server as config/redis.conf has it is fit, and costs what is said."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from engine.edge.binary import Binary
from engine.edge.probe import spare_port
from tests.edge.command_line import ROOT, Semel
from tests.eventually import at_last

AGGREGATE_BYTES = 1500
"""The budget of one aggregate's own stream: five events of 65 bytes, with their metadata."""


GUESSED_BYTES = 480
"""What Redis 7 adds for thirty children of each of two nodes of a tree, which have none."""


@contextmanager
def configured(binary: Binary, home: Path) -> Iterator[str]:
    """A server that was started as the documents say."""
    port = spare_port()
    words = [str(binary.path), str(ROOT / "config/redis.conf"), "--port", str(port)]
    with subprocess.Popen([*words, "--dir", str(home)], stdout=subprocess.DEVNULL) as server:
        try:
            at_last(lambda: _answers(port), "the server answers")
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.terminate()


def _answers(port: int) -> bool:
    try:
        return bool(Redis(port=port).ping())
    except RedisError:
        return False


@pytest.fixture(scope="module", params=["valkey_binary", "redis_binary"])
def semel(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Semel]:
    """A server for semel alone, of each kind."""
    binary: Binary = request.getfixturevalue(request.param)
    with configured(binary, tmp_path_factory.mktemp("server")) as url:
        yield Semel(url, "semel")


def test_there_is_nothing_to_mend_in_a_server_as_we_ask_for_it(semel: Semel) -> None:
    said = semel.run("doctor", "-o", "json")
    assert [each for each in said.data["checks"] if each["standing"] != "ok"] == []
    assert (said.code, said.data["fit"], said.errors) == (0, True, [])
    assert said.data["server"].split()[0] in ("Valkey", "Redis")
    assert "fit: nothing to mend" in semel.run("doctor").out


def test_an_aggregate_of_five_small_events_takes_what_the_documents_say(semel: Semel) -> None:
    assert semel.run("init", "--partitions", "1").code == 0
    name = "x" * (65 - len('{"name":""}'))
    with semel.daemon("run") as engine:
        engine.logged("engine.started")
        semel.run("submit", "RegisterCustomer", "customer-1", f"name={name}")
        for number in range(4):
            semel.run("submit", "RenameCustomer", "customer-1", f"name={number}{name[1:]}")
    redis: Any = Redis.from_url(semel.redis)
    [key] = redis.keys("*:events:customer-1")
    entries = redis.xrange(key)
    assert [len(fields[b"data"]) for _, fields in entries] == [65] * 5
    taken = redis.execute_command("MEMORY", "USAGE", key, "SAMPLES", 0)
    if "Redis 7" in semel.run("doctor").out:
        taken -= GUESSED_BYTES
    assert taken <= AGGREGATE_BYTES
    assert f"{taken / 1000:.1f} KB" in (ROOT / "docs/operations.md").read_text()


def test_what_is_bad_is_an_error_of_the_envelope_and_says_the_line_that_mends_it(
    semel: Semel,
) -> None:
    redis = Redis.from_url(semel.redis)
    redis.config_set("maxmemory-policy", "allkeys-lru")
    said = semel.run("doctor", "-o", "json")
    [error] = said.errors
    assert (said.code, said.data["fit"], error["code"], error["check"]) == (
        1, False, "unfit", "eviction",
    )  # fmt: skip
    line = f"redis-cli -u {semel.redis} CONFIG SET maxmemory-policy noeviction"
    assert line in error["message"]
    text = semel.run("doctor")
    assert (text.code, line in text.out) == (1, True)
    subprocess.run(line.split(), check=True, capture_output=True)
    assert semel.run("doctor").code == 0


def test_a_server_that_is_away_is_out_of_reach(namespace: str) -> None:
    said = Semel("redis://127.0.0.1:1", namespace).run("doctor", "-o", "json")
    assert (said.code, said.data, said.errors[0]["code"]) == (3, None, "unavailable")


def test_where_config_is_barred_what_it_would_tell_is_unknown(
    valkey_url: str, namespace: str
) -> None:
    admin: Any = Redis.from_url(valkey_url)
    admin.execute_command("ACL", "SETUSER", namespace, "on", ">pw", "~*", "+@all", "-config")
    url = valkey_url.replace("//", f"//{namespace}:pw@")
    said = Semel(url, namespace).run("doctor", "-o", "json")
    admin.execute_command("ACL", "DELUSER", namespace)
    found = {each["name"]: each["found"] for each in said.data["checks"]}
    assert "CONFIG is not allowed" in found["fsync"]
    assert "CONFIG is not allowed" in found["streams"]
    assert (said.code, said.data["redis"]) == (0, valkey_url.replace("//", f"//{namespace}:***@"))


def test_the_user_that_the_documents_make_for_engines_may_all_that_they_do(
    server_url: str, namespace: str
) -> None:
    page = (ROOT / "docs/operations.md").read_text()
    [line] = re.findall(r"^redis-cli ACL SETUSER semel (.+)$", page, re.MULTILINE)
    rights = line.replace("'", "").replace("semel", namespace).replace(">PASSWORD", ">pw").split()
    admin: Any = Redis.from_url(server_url)
    admin.execute_command("ACL", "SETUSER", namespace, *rights)
    said = Semel(server_url.replace("//", f"//{namespace}:pw@"), namespace).run("doctor")
    admin.execute_command("ACL", "DELUSER", namespace)
    assert "all commands and keys" in said.out
