"""Settings that contradict each other are refused at once, with the reason."""

from typing import Any

import pytest

from engine.app import _shown
from engine.core.errors import Misuse
from engine.settings import load


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"partitions": 3}, "partitions = 3 is not a power of two"),
        ({"heartbeat_seconds": 1, "lease_seconds": 1.5}, "at most half of lease_seconds"),
        ({"heartbeat_seconds": 0.4, "stall_seconds": 0.4}, "longer than heartbeat_seconds"),
    ],
)
def test_what_cannot_work_together_is_misuse(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Misuse, match=complaint):
        load(**given)


def test_what_just_works_together_is_taken() -> None:
    settings = load(partitions=8, heartbeat_seconds=0.5, lease_seconds=1, stall_seconds=0.6)
    assert (settings.partitions, settings.lease_seconds, settings.stall_seconds) == (8, 1, 0.6)


def test_a_banner_shows_settings_without_what_is_secret_in_them() -> None:
    shown = _shown(
        load(redis="redis://:pw@h:1/0", alert_webhook="https://hooks.example.com/T0/key")
    )
    assert shown["redis"] == "redis://:***@h:1/0"
    assert shown["settings"] == {"alert_webhook": "https://hooks.example.com/…"}


@pytest.mark.parametrize("url", ["file:///etc/passwd", "hooks.example.com", "https://"])
def test_a_webhook_is_one_of_the_web(url: str) -> None:
    with pytest.raises(Misuse, match="alert_webhook"):
        load(alert_webhook=url)
