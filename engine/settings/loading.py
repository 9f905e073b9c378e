"""Where the values of settings come from.

From the command line, then ``SEMEL_<NAME>`` in the environment, then a TOML file, then the
defaults. A name that nobody knows is an error.
"""

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.core.errors import Misuse
from engine.settings.fields import Settings

DEFAULT_FILE = Path("config/semel.toml")
ENVIRONMENT_PREFIX = "SEMEL_"


def load(file: Path | None = None, **given: Any) -> Settings:
    """The settings, from what was given, the environment and a TOML file.

    ``given`` values of None count as not given. Without ``file``, ``config/semel.toml`` is
    read if it is there. Raises `Misuse` naming the value, where it came from and what fits.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    path = file or DEFAULT_FILE
    if file is not None or path.is_file():
        _take(values, origins, _read_file(path), str(path))
    environment = {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in os.environ.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }
    _take(values, origins, environment, "the environment")
    said = {name: value for name, value in given.items() if value is not None}
    _take(values, origins, said, "the command line")
    try:
        settings = Settings(**values)
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0])
        shown = "…" if name == "services" else repr(values[name])  # it may hold what is secret
        raise Misuse(
            f"the setting {name} = {shown} (from {origins[name]}) does not fit: {fault['msg']}"
        ) from error
    _check(settings)
    return settings


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise Misuse(f"cannot read the settings in {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misuse(f"{path} is not TOML: {error}") from error


def _take(
    values: dict[str, Any], origins: dict[str, str], new: dict[str, Any], origin: str
) -> None:
    for name, value in new.items():
        if name not in Settings.model_fields:
            close = get_close_matches(name, Settings.model_fields, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise Misuse(f"there is no setting {name} (from {origin}){hint}")
        values[name], origins[name] = value, origin


def _check(settings: Settings) -> None:
    partitions = settings.partitions
    if partitions is not None and partitions & (partitions - 1):
        raise Misuse(f"partitions = {partitions} is not a power of two")
    if settings.heartbeat_seconds * 2 > settings.lease_seconds:
        raise Misuse("heartbeat_seconds must be at most half of lease_seconds, or leases run out")
    if settings.heartbeat_seconds >= settings.stall_seconds:
        # The sign of life comes with each heartbeat: the time between is no silence.
        raise Misuse("stall_seconds must be longer than heartbeat_seconds, or leases run out")
