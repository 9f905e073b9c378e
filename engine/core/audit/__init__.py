"""Judging what stands in Redis: the invariants that can be read from it, one file per concern."""
