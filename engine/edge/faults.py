"""An error as every door says it: what programs compare, and what people read."""

from typing import Any

from engine.core.errors import Rejected, SemelError, Unknown, VersionConflict


def fault_of(error: SemelError) -> dict[str, Any]:
    """What an error says; ``code`` is a rejection's own, or names the error's class."""
    said: dict[str, Any] = {"code": name_of(type(error)), "message": str(error)}
    if isinstance(error, Rejected):
        said = {"code": error.code, "message": error.message}
    if isinstance(error, Rejected) and error.errors:
        said["errors"] = error.errors
    if isinstance(error, VersionConflict):
        said["version"] = error.version
    if isinstance(error, Unknown):
        said["id"] = error.id
    return {**said, "retryable": error.retryable}


def name_of(error: type[SemelError]) -> str:
    """An error's class as programs compare it: ``not_found``."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in error.__name__).lstrip("_")
