"""Settings: every one, and where their values come from."""

from engine.settings.fields import Settings
from engine.settings.loading import DEFAULT_FILE, ENVIRONMENT_PREFIX, load

__all__ = ["DEFAULT_FILE", "ENVIRONMENT_PREFIX", "Settings", "load"]
