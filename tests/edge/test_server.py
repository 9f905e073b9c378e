import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path

import anyio
import pytest
from redis import Redis

from engine.core.errors import Misuse, Unavailable, Unfit
from engine.edge import probe
from engine.edge import server as module
from engine.edge.binary import Binary
from engine.edge.leash import leash
from engine.edge.probe import free_ports
from engine.edge.server import EmbeddedServer, embedded_server
from tests.edge.processes import is_alive, parent
from tests.eventually import eventually


@pytest.fixture
def port() -> int:
    """A port far from those that the other servers of this run take."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No predecessor is on its way out: what is taken stays so."""
    monkeypatch.setattr(module, "_GRACE_SECONDS", 0.1)


@contextmanager
def client_of(port: int) -> Iterator[Redis]:
    with Redis(port=port, protocol=2, decode_responses=True) as client:
        yield client


@pytest.mark.parametrize(("engine", "name"), [("valkey", "Valkey"), ("redis7", "Redis")])
def test_it_is_set_up_as_promised(engine: str, name: str, request: pytest.FixtureRequest) -> None:
    server: EmbeddedServer = request.getfixturevalue(engine)
    expected = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-use-rdb-preamble": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "bind": "127.0.0.1",
        "stream-node-max-bytes": "1216",
        "dir": str(server.data),
    }
    with client_of(server.port) as client:
        assert client.config_get(*expected) == expected
        assert client.info("server")["process_id"] == server.pid
    assert server.kind.startswith(name)
    assert server.url == f"redis://127.0.0.1:{server.port}"
    assert os.getsid(server.pid) == server.pid, "a terminal's Ctrl-C must not reach it"


async def test_nothing_is_left_at_exit() -> None:
    async with embedded_server() as server:
        assert server.data.is_dir()
    assert not server.data.exists()
    assert not is_alive(server.pid)


async def test_nothing_is_left_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        async with embedded_server() as server:
            raise ZeroDivisionError
    assert not server.data.exists()
    assert not is_alive(server.pid)


async def test_nothing_is_left_when_cancelled() -> None:
    with anyio.CancelScope() as scope:
        async with embedded_server() as server:
            scope.cancel()
            await anyio.sleep_forever()
    assert not server.data.exists()
    assert not is_alive(server.pid)


async def test_data_survives_a_restart_on_the_same_port(tmp_path: Path, port: int) -> None:
    data = tmp_path / "new" / "place"
    async with embedded_server(data=data, port=port) as server:
        with client_of(server.port) as client:
            client.set("name", "value")
    async with embedded_server(data=data, port=port) as server:
        assert (server.data, server.port) == (data, port)
        with client_of(port) as client:
            assert client.get("name") == "value"


async def test_fsync_and_options_are_passed_on() -> None:
    async with embedded_server(fsync="always", options=["--hz", "50"]) as server:
        with client_of(server.port) as client:
            assert client.config_get("appendfsync", "hz") == {"appendfsync": "always", "hz": "50"}


async def test_loading_is_waited_for(tmp_path: Path) -> None:
    async with embedded_server(data=tmp_path) as server:
        with client_of(server.port) as client:
            client.mset({f"key-{n}": n for n in range(100)})
            client.bgrewriteaof()
            await eventually(lambda: not _rewriting(client), "the file is rewritten")
    # A hidden setting of the server's own tests: microseconds per key.
    slow = ["--key-load-delay", "3000", "--loading-process-events-interval-bytes", "1024"]
    async with embedded_server(data=tmp_path, options=slow) as server:
        with client_of(server.port) as client:
            assert client.get("key-99") == "99"


def _rewriting(client: Redis) -> bool:
    persistence = client.info("persistence")
    return bool(persistence["aof_rewrite_in_progress"])


async def test_the_first_free_port_is_taken(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_FIRST_PORT", port)
    with socket.create_server(("127.0.0.1", port)):
        async with embedded_server() as server:
            assert port < server.port < port + 100


async def test_a_port_lost_to_another_at_the_last_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        lost = other.getsockname()[1]
        monkeypatch.setattr(module, "free_ports", lambda: chain([lost], free_ports()))
        async with embedded_server() as server:
            assert server.port != lost


@pytest.mark.usefixtures("impatient")
async def test_a_taken_port_is_named(valkey: EmbeddedServer) -> None:
    with pytest.raises(Unfit, match=f"port {valkey.port} is taken"):
        async with embedded_server(port=valkey.port):
            pass


async def test_no_port_at_all() -> None:
    with pytest.raises(Misuse, match="70000 is not a port"):
        async with embedded_server(port=70_000):
            pass


@pytest.mark.usefixtures("impatient")
async def test_two_on_one_directory(tmp_path: Path) -> None:
    async with embedded_server(data=tmp_path):
        with pytest.raises(Unfit, match=f"another server is using .*process {os.getpid()}"):
            async with embedded_server(data=tmp_path):
                pass


async def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unfit, match="cannot be a data directory"):
        async with embedded_server(data=tmp_path / "file"):
            pass


async def test_an_older_server_on_newer_data(
    tmp_path: Path, valkey_binary: Binary, redis_binary: Binary
) -> None:
    async with embedded_server(data=tmp_path, binary=valkey_binary):
        assert (tmp_path / "server.txt").read_text() == f"{valkey_binary.engine}\n"
    with pytest.raises(Unfit, match=f"was written by {valkey_binary.engine}"):
        async with embedded_server(data=tmp_path, binary=redis_binary):
            pass


async def test_a_newer_server_on_older_data(
    tmp_path: Path, valkey_binary: Binary, redis_binary: Binary
) -> None:
    async with embedded_server(data=tmp_path, binary=redis_binary) as server:
        with client_of(server.port) as client:
            client.xadd("stream", {"name": "value"})
    async with embedded_server(data=tmp_path, binary=valkey_binary) as server:
        with client_of(server.port) as client:
            assert client.xlen("stream") == 1
    assert (tmp_path / "server.txt").read_text() == f"{valkey_binary.engine}\n"


async def test_a_strange_stamp(tmp_path: Path) -> None:
    (tmp_path / "server.txt").write_text("Elsewhere 1\n")
    with pytest.raises(Unfit, match="it says 'Elsewhere 1'"):
        async with embedded_server(data=tmp_path):
            pass


async def test_a_failed_start_quotes_the_log(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"did not start(?s:.*)appendfsync"):
        async with embedded_server(data=tmp_path, options=["--appendfsync", "sometimes"]):
            pass


async def test_a_server_that_dies_is_reported() -> None:
    async with embedded_server() as server:
        os.kill(server.pid, signal.SIGTERM)
        with pytest.raises(Unavailable, match=r"the embedded server ended(?s:.*)SIGTERM"):
            await server.died()


async def test_one_that_will_not_stop_is_made_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STOP_SECONDS", 0.2)
    async with embedded_server() as server:
        os.kill(server.pid, signal.SIGSTOP)
    assert not is_alive(server.pid)


async def test_the_pipe_will_do_where_the_kernel_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "leash", partial(leash, by_kernel=False))
    async with embedded_server() as server:
        with client_of(server.port) as client:
            assert client.info("server")["process_id"] == server.pid
    assert not is_alive(server.pid)


async def test_killed_hard_and_started_again_at_once(tmp_path: Path, port: int) -> None:
    for number in range(3):
        with parent("parent_of_server.py", str(tmp_path), str(port)) as (process, pid):
            with client_of(port) as client:
                assert client.rpush("starts", number) == number + 1
            process.kill()
    await eventually(lambda: not is_alive(pid), "the server is gone")
