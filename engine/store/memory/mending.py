"""Taking entries whose ids lie in the future out of a stream: the counterpart of mend.lua."""

import json
from collections.abc import Mapping
from typing import Any

from engine.core.ids import CLOCK_LIMIT_MS, stream_ms, stream_order
from engine.core.records import Letter, Mended
from engine.store.commands import COMMAND_FIELDS, DEAD_FIELDS
from engine.store.memory.server import LAST_SEQUENCE, MemoryServer

_VALUES_LIMIT = 7000
"""Names and values of an entry that can be added again: what a script can hand on."""

_OTHERS_BYTES = 2**20
"""Other fields than a command's are kept up to so many bytes; beyond, their size is said."""

_FUTURE = "its id lies in the future: whoever added it set the id by hand"
_FIELDS = "it stood behind an id from the future, too wide to be moved"


def mend(server: MemoryServer, key: str, dead: str, source: str, done: str) -> Mended:
    """Take what lies in the future out of the stream at ``key``."""
    latest = max(server.now_ms() + CLOCK_LIMIT_MS, stream_ms(done))
    stream = server.data.stream(key)
    ahead = stream.after(f"{latest}-{LAST_SEQUENCE}")
    moved: list[str] = []
    letters: list[dict[bytes, bytes]] = []
    again: list[Mapping[bytes, bytes]] = []
    before: tuple[int, int] | None = None
    for entry in ahead:
        order = stream_order(entry.id)
        if not _follows(order, before):
            letters.append(letter(source, Letter(entry, "future_id", _FUTURE, 0)))
            moved.append(entry.id)
        elif 2 * len(entry.fields) > _VALUES_LIMIT:
            letters.append(letter(source, Letter(entry, "too_many_fields", _FIELDS, 0)))
            moved.append(entry.id)
        else:
            again.append(entry.fields)
        before = order
    server.data.stream(dead)
    if ahead:
        for one in letters:
            server.add(dead, one)
        del stream.entries[-len(ahead) :]
        stream.last = max(stream.ends_at() or "0-1", done, key=stream_order)
        for fields in again:
            server.add(key, fields)
    return Mended(moved, len(again), stream.ends_at() or done)


def letter(source: str, one: Letter) -> dict[bytes, bytes]:
    """A dead letter as it stands in its stream; see lua/shared/dead.lua."""
    entry, code, message, attempts, traceback = one
    known = {name: entry.fields.get(name.encode(), b"") for name in COMMAND_FIELDS}
    others = [(n, v) for n, v in entry.fields.items() if n.decode("latin-1") not in known]
    size, kept = 0, []
    for name, value in others:
        size += len(name) + len(value)
        if size <= _OTHERS_BYTES:
            kept += [name.decode("latin-1"), value.decode("latin-1")]
    why: dict[str, Any] = {"code": code, "message": message}
    why |= {"traceback": traceback} if traceback else {}
    why |= {"others": kept} if kept else {}
    why |= {"others_bytes": size} if size > _OTHERS_BYTES else {}
    about = {"source": source, "entry": entry.id, "error": json.dumps(why)}
    about["attempts"] = str(attempts)
    said = known | {name: text.encode() for name, text in about.items()}
    return {name.encode(): said[name] for name in DEAD_FIELDS}


def _follows(order: tuple[int, int], before: tuple[int, int] | None) -> bool:
    """Whether Redis itself went on to this id: the same time, or the next where it is full."""
    if before is None:
        return False
    return order[0] == before[0] or (before[1] == LAST_SEQUENCE and order == (before[0] + 1, 0))
