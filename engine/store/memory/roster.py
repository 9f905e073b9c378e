"""Who is there, on a server in memory."""

from collections.abc import Mapping, Sequence

import anyio.from_thread
import anyio.lowlevel

from engine.core.errors import Refused
from engine.core.records import Member
from engine.store.keys import Keys
from engine.store.memory.keyspace import Keyspace
from engine.store.memory.ownership import is_held
from engine.store.memory.server import Link
from engine.store.roster import AHEAD_MS, DRAIN_MS


class MemoryRoster:
    """The processes of a namespace."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def beat(self, node: str, about: Mapping[str, str], seconds: float) -> bool:
        """Say how this process fares, for so long; answers whether it is asked to drain."""
        data = await self._link.turn()
        key, now = self._keys.node(node), self._link.server.now_ms()
        if node not in data.ranking(self._keys.nodes()):
            attend(self._link, self._keys.nodes(), node)
        data.put(key, {**about, "beat": str(now)})
        data.expire(key, now + int(seconds * 1000))
        return "drain" in data.hash(key)

    async def members(self, seconds: float) -> dict[str, Member]:
        """Every process that gave a sign of life in the last ``seconds``, by its name."""
        data = await self._link.turn()
        now, members = self._link.server.now_ms(), {}
        for node, seen in data.ranking(self._keys.nodes()).items():
            if now - int(seconds * 1000) <= seen <= now + AHEAD_MS:
                about = dict(data.hash(self._keys.node(node)))
                said = int(about.pop("beat", 0))
                members[node] = Member(node, now - int(seen), now - said, about)
        return members

    async def announce(self, node: str, what: str, about: str = "") -> str:
        """Tell all processes at once of what they would else see later; the news' own id."""
        await self._link.turn()
        news = {b"node": node.encode(), b"what": what.encode(), b"about": about.encode()}
        return self._link.server.add(self._keys.changes(), news)

    async def ask_to_drain(self, node: str) -> None:
        """Have a process finish what it has in hand, give everything back and end."""
        data = await self._link.turn()
        data.put(self._keys.node(node), {"drain": "1"})
        data.expire(self._keys.node(node), self._link.server.now_ms() + DRAIN_MS)
        await self.announce(node, "drain")

    async def farewell(self, node: str) -> None:
        """Say that this process ends."""
        data = await self._link.turn()
        nodes = data.ranking(self._keys.nodes())
        nodes.pop(node, None)
        data.keep(self._keys.nodes(), nodes)
        data.remove(self._keys.node(node))
        await self.announce(node, "left")


class MemoryLifeline:
    """Keeps leases alive; the loop does it for the thread, since data here is the loop's."""

    def __init__(self, link: Link, keys: Keys, node: str, seconds: float) -> None:
        self._link, self._nodes, self._node = link, keys.nodes(), node
        self._ms = int(seconds * 1000)
        self._loop = anyio.lowlevel.current_token()

    def renew(self, tokens: Mapping[str, str]) -> Sequence[str]:
        """Hold on to leases, and say that this process lives; returns those no longer ours."""
        lost: Sequence[str] = anyio.from_thread.run_sync(self._renew, tokens, token=self._loop)
        return lost

    def close(self) -> None:
        """Hang up."""

    def _renew(self, tokens: Mapping[str, str]) -> Sequence[str]:
        data, server = self._link.data(), self._link.server
        attend(self._link, self._nodes, self._node)
        until = {"until": str(server.now_ms() + self._ms)}
        lost = [key for key, token in tokens.items() if not _is_ours(data, key, token)]
        for key in tokens.keys() - lost:
            data.put(key, until)
        return lost


def _is_ours(data: Keyspace, key: str, token: str) -> bool:
    try:
        return is_held(data, key, token)
    except Refused:
        return False


def attend(link: Link, key: str, node: str) -> None:
    """Say that a process lives."""
    data = link.data()
    nodes = data.ranking(key)
    nodes[node] = link.server.now_ms()
    data.keep(key, nodes)
