"""Read models: how they fare, and what an operator does about them."""

from engine.edge.cli.projection.adopt import projection_adopt
from engine.edge.cli.projection.checking import projection_verify
from engine.edge.cli.projection.looking import projection_list, projection_show
from engine.edge.cli.projection.rebuild import projection_flip, projection_rebuild
from engine.edge.cli.projection.row import projection_row
from engine.edge.cli.projection.turns import (
    projection_cancel,
    projection_pause,
    projection_resume,
    projection_rollback,
)

__all__ = [
    "projection_adopt",
    "projection_cancel",
    "projection_flip",
    "projection_list",
    "projection_pause",
    "projection_rebuild",
    "projection_resume",
    "projection_rollback",
    "projection_row",
    "projection_show",
    "projection_verify",
]
