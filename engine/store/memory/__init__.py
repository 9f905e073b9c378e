"""Every port in memory: for tests that need no server, and for trying a domain out.

A `MemoryServer` is what a Redis is to the other store: it outlives sessions, it has a
clock, and it can go away and come back. Sessions on it keep the same promises as those on
Redis, step by step: the same scripts' checks, in the same order, over plain Python data.
One contract suite runs on both.
"""

from engine.store.memory.server import MemoryServer
from engine.store.memory.session import MemorySession, open_memory_session

__all__ = ["MemoryServer", "MemorySession", "open_memory_session"]
