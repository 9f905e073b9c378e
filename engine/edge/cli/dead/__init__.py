"""What could not be handled, and what to do about it."""

from engine.edge.cli.dead.asking import dead_drop, dead_retry
from engine.edge.cli.dead.looking import dead_list, dead_show

__all__ = ["dead_drop", "dead_list", "dead_retry", "dead_show"]
