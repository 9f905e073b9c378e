"""The only floor that owns tasks."""
