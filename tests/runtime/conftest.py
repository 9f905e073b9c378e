from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog

from engine.runtime import follower as module
from engine.runtime import parking, standstill


@pytest.fixture
def poison_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged; what is waited for is waited for shortly."""
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.005)
    monkeypatch.setattr(standstill, "PAUSE_SECONDS", (0.001,))
    monkeypatch.setattr(parking, "ASKED_SECONDS", 0)
    with structlog.testing.capture_logs() as logged:
        yield logged
