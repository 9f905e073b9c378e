"""What each fact about a server means, and that whatever is not well says how to mend it."""

import pytest

from engine.core.fitness.facts import Check, Facts
from engine.core.fitness.judging import judge

INFO = {
    "redis_version": "7.2.4", "valkey_version": "9.1.2", "role": "master", "aof_enabled": "1",
    "aof_last_write_status": "ok", "rdb_last_bgsave_status": "ok", "connected_slaves": "0",
    "maxmemory_policy": "noeviction", "maxmemory": "0", "used_memory": "1000000",
    "total_system_memory": "8000000000", "redis_mode": "standalone",
}  # fmt: skip
CONFIG = {
    "appendfsync": "always", "no-appendfsync-on-rewrite": "no",
    "stream-node-max-bytes": "1216", "stream-node-max-entries": "100",
}  # fmt: skip


def judged(facts: Facts) -> dict[str, Check]:
    return {check.name: check for check in judge(facts, "semel", 10)}


def said(
    info: dict[str, str] | None = None, config: dict[str, str] | None = None
) -> dict[str, Check]:
    return judged(Facts({**INFO, **(info or {})}, {**CONFIG, **(config or {})}))


def test_a_server_that_is_well_has_nothing_to_mend() -> None:
    assert {(each.standing, each.mend) for each in said().values()} == {("ok", "")}


@pytest.mark.parametrize(
    ("info", "name", "standing", "mend"),
    [
        ({"redis_version": "6.2.14"}, "server", "bad", "upgrade to Redis 7.0 or later"),
        ({"redis_version": "8.2.3"}, "server", "warning", "upgrade to Redis 8.2.9"),
        ({"role": "slave", "master_host": "h", "master_port": "1"}, "role", "bad", "redis://h:1"),
        ({"redis_mode": "cluster"}, "cluster", "bad", "--redis URL"),
        (
            {"connected_slaves": "1", "slave0": "ip=::1,port=1,state=online,offset=1,lag=11"},
            "replication", "warning", "redis-cli INFO replication",
        ),
        (
            {"connected_slaves": "1", "slave0": "ip=::1,port=1,state=wait_bgsave,offset=1,lag=0"},
            "replication", "warning", "redis-cli INFO replication",
        ),
        ({"aof_enabled": "0"}, "aof", "bad", "CONFIG SET appendonly yes"),
        ({"aof_last_write_status": "err"}, "disk", "bad", "make room"),
        ({"aof_delayed_fsync": "3"}, "disk", "warning", "a quicker disk"),
        ({"maxmemory_policy": "allkeys-lru"}, "eviction", "bad", "maxmemory-policy noeviction"),
        ({"maxmemory_policy": "volatile-ttl"}, "eviction", "warning", "noeviction"),
        ({"maxmemory": "1200000"}, "memory", "warning", "CONFIG SET maxmemory 2400000"),
        ({"maxmemory": "1000001"}, "memory", "bad", "CONFIG SET maxmemory 2000002"),
        ({"total_system_memory": "1000001"}, "memory", "bad", "CONFIG SET maxmemory 950000"),
    ],
)  # fmt: skip
def test_what_info_tells(info: dict[str, str], name: str, standing: str, mend: str) -> None:
    redis = {key: value for key, value in {**INFO, **info}.items() if key != "valkey_version"}
    check = judged(Facts(redis, CONFIG))[name]
    assert check.standing == standing
    assert mend in check.mend


@pytest.mark.parametrize(
    ("name", "value", "check", "standing"),
    [
        ("appendfsync", "everysec", "fsync", "warning"),
        ("appendfsync", "no", "fsync", "bad"),
        ("no-appendfsync-on-rewrite", "yes", "fsync on rewrite", "warning"),
        ("stream-node-max-bytes", "4096", "streams", "warning"),
        ("stream-node-max-bytes", "0", "streams", "warning"),
        ("stream-node-max-entries", "4", "streams", "warning"),
    ],
)
def test_what_config_tells(name: str, value: str, check: str, standing: str) -> None:
    found = said(config={name: value})[check]
    assert found.standing == standing
    assert "redis-cli CONFIG SET" in found.mend
    assert "in redis.conf" in found.mend


def test_replicas_that_follow_are_well_and_the_promise_is_told() -> None:
    online = {"connected_slaves": "1", "slave0": "ip=::1,port=1,state=online,offset=1,lag=1"}
    found = said(online)["replication"]
    assert found.standing == "ok"
    assert "a failover may lose the last answered commands" in found.means


def test_what_may_not_be_asked_is_unknown_and_never_well() -> None:
    found = judged(Facts())
    unknown = ("server", "aof", "eviction", "streams")
    assert {found[name].standing for name in unknown} == {"warning"}
    assert all("unknown" in found[name].found for name in unknown)
    without_config = judged(Facts({**INFO, "aof_enabled": "0"}))
    assert "CONFIG SET" not in without_config["aof"].mend
    assert "appendonly yes" in without_config["aof"].mend


def test_rights_that_lack_are_granted_by_the_line_that_is_told() -> None:
    found = judged(Facts(INFO, CONFIG, refused=["XADD", "SCRIPT LOAD"], closed=["{semel}:meta"]))
    assert found["rights"].standing == "bad"
    assert found["rights"].mend.endswith("+xadd +script|load '~{semel*' '~semel:*'")


@pytest.mark.parametrize(
    ("ahead", "standing"), [(4.9, "ok"), (-5, "warning"), (10, "bad"), (-3600, "bad")]
)
def test_clocks_that_differ(ahead: float, standing: str) -> None:
    assert judged(Facts(INFO, CONFIG, ahead_seconds=ahead))["clock"].standing == standing


def test_a_package_that_is_missing_is_told_with_what_installs_it() -> None:
    found = judged(Facts(INFO, CONFIG, packages={"uvloop": None, "hiredis": "3.5.0"}))
    assert (found["uvloop"].standing, found["uvloop"].mend) == ("warning", "pip install uvloop")
    assert found["hiredis"].standing == "ok"
