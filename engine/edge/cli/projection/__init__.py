"""Projections: how they stand, and what becomes of their generations."""

from engine.edge.cli.projection.looking import projection_list, projection_show

__all__ = ["projection_list", "projection_show"]
