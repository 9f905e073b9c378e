"""What people are told of alarms: a line in the log, and a message to a webhook."""

from collections.abc import Callable, Container, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from engine.core.alerting import NO_GENERATION, About, Alarm
from engine.runtime.webhook import Message, Webhook
from engine.settings import Settings
from engine.telemetry import log


class Telling:
    """Tells of each alarm twice: that it was raised, and that it is over.

    A webhook takes its time: ``heard`` is called when there is something that `told` knows,
    which is what was taken, or given up.
    """

    def __init__(
        self, settings: Settings, node: str, heard: Callable[[], None], reactions: Container[str]
    ) -> None:
        self._heard, self._reactions = heard, reactions
        self._namespace, self._node = settings.namespace, node
        self._under_way: dict[About, bool] = {}
        self._told: list[Message] = []
        url = settings.alert_webhook
        self.webhook = None if url is None else Webhook(url, self._note)

    def tell(self, about: About, alarm: Alarm, now_ms: int) -> None:
        """Tell of an alarm that is due, unless that is under way."""
        is_over = bool(alarm.over_ms)
        if self._under_way.get(about) is is_over:
            return
        self._under_way[about] = is_over
        is_reaction = about.projection in self._reactions
        said = _named(about, is_reaction=is_reaction) | _said(about, alarm, now_ms)
        _log(said, is_reaction=is_reaction, is_over=is_over)
        what = "reaction" if is_reaction else "projection"
        body = {
            "event": f"{what}.recovered" if is_over else f"{what}.alert",
            "text": _sentence(self._namespace, about, alarm, said["seconds"]),
            "namespace": self._namespace, **said,
            "since": datetime.fromtimestamp(alarm.since_ms / 1000, UTC), "node": self._node,
        }  # fmt: skip
        message = Message(about, is_over, msgspec.json.encode(body))
        if self.webhook is None:
            self._note(message)
        else:
            self.webhook.tell(message)

    def told(self) -> Iterator[tuple[About, bool]]:
        """What has been told since this was asked last, and whether it was that it is over."""
        while self._told:
            message = self._told.pop()
            if self._under_way.get(message.about) is message.is_over:
                del self._under_way[message.about]
            yield message.about, message.is_over

    def _note(self, message: Message) -> None:
        self._told.append(message)
        self._heard()


def _log(said: dict[str, Any], *, is_reaction: bool, is_over: bool) -> None:
    match is_reaction, is_over:
        case False, False:
            log.warning("projection.alert", **said)
        case False, True:
            log.info("projection.recovered", **said)
        case True, False:
            log.warning("reaction.alert", **said)
        case True, True:
            log.info("reaction.recovered", **said)


def _named(about: About, *, is_reaction: bool) -> dict[str, Any]:
    if is_reaction:
        return {"reaction": about.projection}
    return {"projection": about.projection, "generation": about.generation}


def _said(about: About, alarm: Alarm, now_ms: int) -> dict[str, Any]:
    """The facts; ``seconds`` is the lag's age, and of what is over how long that was wrong."""
    trouble, lasted = alarm.trouble, round((now_ms - alarm.since_ms) / 1000, 1)
    return {
        "kind": about.kind, "why": trouble.why, "behind": trouble.behind,
        "parked": trouble.parked, "seconds": lasted if alarm.over_ms else trouble.seconds,
    }  # fmt: skip


def _sentence(namespace: str, about: About, alarm: Alarm, seconds: float) -> str:
    """What people read; the name that Slack, Mattermost and others have for it is ``text``."""
    generation = f"@{about.generation}" if about.generation != NO_GENERATION else ""
    said = f"{namespace}: {about.projection}{generation}"
    if alarm.over_ms:
        return f"{said} is well again, after {seconds:.0f} s ({alarm.trouble.why})"
    return f"{said}: {alarm.trouble.why}"
