"""The bank of `tests.transfers`, whose router has a bug where it is told to have one."""

import os

from engine import EventContext, Router, Send
from tests.transfers import (
    Asked,
    ask,
    deciders,
    give_up,
    offer,
    tell_deposited,
    tell_withdrawn,
)

__all__ = ["deciders", "routers"]

ABOUT = os.environ.get("CLUMSY_ABOUT", "")


def ask_clumsily(event: Asked, context: EventContext) -> Send:
    if context.aggregate == ABOUT:
        raise KeyError(f"a planted bug about {ABOUT}")
    return ask(event, context)


routers = [
    Router(name="transfers", routes=[ask_clumsily, tell_withdrawn, offer, tell_deposited, give_up])
]
