"""Settings: every one, and where their values come from."""

from engine.settings.fields import ApiKey, Role, Settings
from engine.settings.loading import DEFAULT_FILE, ENVIRONMENT_PREFIX, load

__all__ = ["DEFAULT_FILE", "ENVIRONMENT_PREFIX", "ApiKey", "Role", "Settings", "load"]
