"""The bank of `tests.transfers`, with somebody outside who writes down what came in."""

import os
from pathlib import Path

import anyio

from engine import Effect, EffectContext
from tests.transfers import Deposited, deciders

__all__ = ["deciders", "effects"]

BOOK = Path(os.environ.get("SCRIBES_BOOK", "/dev/null"))


async def write_down(event: Deposited, context: EffectContext) -> None:
    async with await anyio.open_file(BOOK, "a") as book:
        await book.write(f"{context.key} {event.amount}\n")


effects = [Effect(name="scribe", react=[write_down])]
