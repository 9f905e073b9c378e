"""What is said of a server that cannot be had: why, in its own words, and without a password."""

import anyio
import pytest
from anyio.abc import SocketAttribute

from engine.core.errors import Refused, Unavailable
from engine.store import dialling as module
from engine.store.dialling import connect, without_password
from tests.store.answering import answering


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("-NOAUTH Authentication required.", "NOAUTH Authentication required."),
        ("-WRONGPASS invalid username-password pair", "WRONGPASS invalid username-password pair"),
        ("-ERR DB index is out of range", "DB index is out of range"),
    ],
)
async def test_a_server_that_does_not_let_us_in_is_not_called_away(said: str, why: str) -> None:
    async with answering({"AUTH": said, "SELECT": said}) as url:
        with pytest.raises(Unavailable, match="does not let us in") as refused:
            async with connect(f"{url.replace('//', '//u:secret@')}/7"):
                pass
    assert isinstance(refused.value.__cause__, Refused)
    assert why.partition(" ")[2] in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_a_handshake_that_never_comes_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.05)
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 -- not Django's
        with pytest.raises(Unavailable, match=r"no handshake within 0\.05 s"):
            async with connect(f"redis://u:p@127.0.0.1:{port}"):
                pass


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h:1/0", "redis://h:1/0"),
        ("redis://:pw@h:1/0", "redis://:***@h:1/0"),
        ("redis://u:pw@h:1", "redis://u:***@h:1"),
        ("redis://u:p@w/x@h:1", "redis://u:***@h:1"),
        ("redis://h:1?password=pw&db=2", "redis://h:1?password=***&db=2"),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
