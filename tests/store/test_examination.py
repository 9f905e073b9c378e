"""What a server lets a user do is found out without doing anything of it."""

import re
from pathlib import Path

import anyio
import pytest
from redis import Redis

from engine.store.examination import commands_tried, examine

STORE = Path(__file__).parents[2] / "engine/store"
CALLED = re.compile(r"""(?:call\(|[\[(,]|else)\s*["']([A-Z]{3,})["'](?:,\s*["']([A-Z]{2,})["'])?""")
NOT_COMMANDS = {"CONFIG", "MULTI", "EXEC", "DISCARD"}
"""What the examination itself does, or what ends the transaction that it is done in."""


def _called() -> set[str]:
    """Every command in the store's sources, with its second word where it has one."""
    tried = set(commands_tried("k"))
    containers = {name.partition(" ")[0] for name in tried if " " in name}
    known = {name.partition(" ")[0] for name in tried}
    found = set()
    for path in [*STORE.glob("*.py"), *(STORE / "lua").rglob("*.lua")]:
        for first, second in CALLED.findall(path.read_text()):
            if path.name == "examination.py" and first not in known:
                continue
            found.add(f"{first} {second}" if first in containers and second else first)
    return found - NOT_COMMANDS


def test_every_command_that_the_store_calls_is_tried() -> None:
    words = {"COUNT", "BLOCK", "NOACK", "STREAMS", "GROUP", "MATCH", "WITHSCORES", "MAXLEN",
             "MINID", "ENTRIESREAD", "MKSTREAM", "LIMIT", "NOGROUP", "BUSYGROUP", "REV", "LOAD",
             "LASTID", "BYSCORE", "SAMPLES", "FENCED", "TORN", "CREATE", "GROUPS", "SETID",
             "DESTROY", "UNBLOCK", "NOMKSTREAM", "MAXDELETEDID", "EX", "PX", "STREAM"}  # fmt: skip
    assert _called() - words == set(commands_tried("k"))


@pytest.fixture
def admin(server_url: str) -> Redis:
    return Redis.from_url(server_url)


def examined(url: str, namespace: str, user: str) -> tuple[list[str], list[str], bool]:
    facts = anyio.run(examine, url.replace("//", f"//{user}:pw@"), namespace, {})
    return list(facts.refused), list(facts.closed), bool(facts.info)


def test_a_user_who_may_do_everything_is_refused_nothing_and_nothing_changes(
    server_url: str, namespace: str, admin: Redis
) -> None:
    before = admin.dbsize()
    facts = anyio.run(examine, server_url, namespace, {"a": "1"})
    assert (facts.refused, facts.closed, facts.packages) == ([], [], {"a": "1"})
    assert abs(facts.ahead_seconds) < 1
    assert facts.config["appendfsync"] == "everysec"
    assert admin.dbsize() == before


def test_what_a_user_may_not_is_found_one_by_one(
    server_url: str, namespace: str, admin: Redis
) -> None:
    keys = f"~{{{namespace}* ~{namespace}:*".split()
    lacking = ["XADD", "HINCRBY", "SCRIPT LOAD", "INFO"]
    rights = [f"-{name.lower().replace(' ', '|')}" for name in lacking]
    admin.execute_command("ACL", "SETUSER", namespace, "on", ">pw", *keys, "+@all", *rights)
    refused, closed, told = examined(server_url, namespace, namespace)
    assert (sorted(refused), closed, told) == (sorted(lacking), [], False)
    admin.execute_command("ACL", "DELUSER", namespace)


def test_keys_that_are_closed_are_told_from_commands_that_are(
    server_url: str, namespace: str, admin: Redis
) -> None:
    admin.execute_command("ACL", "SETUSER", namespace, "on", ">pw", f"~{{{namespace}*", "+@all")
    refused, closed, told = examined(server_url, namespace, namespace)
    assert (refused, told) == ([], True)
    assert [key.partition(":")[0] for key in closed] == [namespace] * 3
    admin.execute_command("ACL", "DELUSER", namespace)


def test_without_transactions_nothing_is_tried(
    server_url: str, namespace: str, admin: Redis
) -> None:
    admin.execute_command("ACL", "SETUSER", namespace, "on", ">pw", "~*", "+@all", "-multi")
    before = admin.dbsize()
    assert examined(server_url, namespace, namespace) == (["MULTI"], [], True)
    assert admin.dbsize() == before
    admin.execute_command("ACL", "DELUSER", namespace)
