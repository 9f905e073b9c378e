"""The watch: one process, of whatever role, that sees to it that projections keep up.

It looks at every projection, router and side effect that its code knows, once a second, and has
somebody told what stays wrong (`engine.core.alerting`), by the log and by a webhook. Whoever is
alive may have the lease, so that is told when no worker runs at all, too. What is remembered
stands in Redis, written under the fence before anybody is told: whoever watches next goes on from
there. Only what was on its way when a watch ended is told once more.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import anyio
import msgspec

from engine.core.alerting import (
    BEHIND,
    NO_GENERATION,
    About,
    Alarm,
    Patience,
    Trouble,
    read_alarms,
    stepped,
    troubles_of,
    written,
)
from engine.core.errors import NotNow, Refused, Torn, single
from engine.core.generations import LIVE, PREVIOUS
from engine.core.liveness import heard, silent_after
from engine.core.ports import Session
from engine.core.records import Report
from engine.core.registry import Domain
from engine.core.standing import Standing, standing, standings
from engine.runtime.leases import Group
from engine.runtime.progress import Progress
from engine.runtime.telling import Telling
from engine.settings import Settings
from engine.telemetry import log, metrics

LOOK_SECONDS = 1.0
"""Between two looks: one call for each partition of a generation, all in one round trip."""

GAP_SECONDS = 10.0
"""Beside the time that a takeover may take, so long may a look be late and still count."""

Troubles = dict[About, Trouble | None]
"""What is wrong; None where nothing is."""


def watch_group(
    session: Session, domain: Domain, settings: Settings, node: str
) -> dict[str, Group]:
    """The watch, for any process whose code has what reads logs; there is one lease for all."""
    names, reactions = tuple(domain.projections), domain.reactions
    if not (names or reactions):
        return {}
    watch = partial(Watch, session, names, settings, node, reactions)
    return {"watch": {session.watch_lease(): watch}}


class Watch:
    """Watching over projections and reactions, while this process has the lease."""

    kind = "watch"

    def __init__(
        self,
        session: Session,
        projections: tuple[str, ...],
        settings: Settings,
        node: str,
        reactions: tuple[str, ...] = (),
    ) -> None:
        self._session, self._settings = session, settings
        self._projections, self._reactions = projections, reactions
        self._names = (*projections, *reactions)
        self._patience = Patience(
            int(settings.alert_for_seconds * 1000),
            int((settings.lease_seconds + GAP_SECONDS) * 1000),
        )
        self._telling = Telling(settings, node, self._woken, reactions)
        self.progress = Progress()
        self._wake = anyio.Event()
        self._stopping = False
        self._alarms: dict[About, Alarm] = {}
        self._noted: dict[str, str] = {}
        """What stands in Redis of what we know."""
        self._is_mute = False

    def stop(self) -> None:
        """Finish the look in hand; what no webhook has taken yet is told by the next watch."""
        self._stopping = True
        self._woken()

    async def serve(self, token: str) -> None:
        """Watch until stopped; raises `Fenced` where somebody else watches by now."""
        noted = await self._session.alarms.read()
        # What is said of projections that this code does not have is left to others.
        ours = tuple(f"{name}@" for name in self._names)
        self._noted = {about: text for about, text in noted.items() if about.startswith(ours)}
        self._alarms = read_alarms(self._noted)
        try:
            async with anyio.create_task_group() as tasks:
                if self._telling.webhook is not None:
                    tasks.start_soon(self._telling.webhook.run)
                await self._watch(token)
                tasks.cancel_scope.cancel()
            self._heed_told()
            await self._note(token)
        except BaseExceptionGroup as errors:
            error = single(errors)
            raise error from error.__cause__
        finally:
            for name in self._names:
                metrics.PROJECTION_ALERTS.remove(name)

    async def _watch(self, token: str) -> None:
        while not self._stopping:
            self._wake = anyio.Event()
            self.progress.took()
            try:
                await self._look(token)
            except NotNow as error:
                self.progress.trouble = str(error)
            else:
                self.progress.moved()
                self.progress.rests()
            with anyio.move_on_after(LOOK_SECONDS):
                await self._wake.wait()

    async def _look(self, token: str) -> None:
        """Look at everything once: judge, note what that changes, then tell it."""
        silent = silent_after(self._settings.lease_seconds)
        reports = heard((await self._session.roster.members(silent)).values(), silent)
        now = await self._session.now_ms()
        troubles: Troubles = dict.fromkeys(self._alarms)
        for name in self._projections:
            troubles |= await self._troubles(name, reports, now)
        for name in self._reactions:
            troubles |= await self._of_reaction(name, reports, now)
        self._heed_told()
        self._alarms = stepped(self._alarms, troubles, now, self._patience)
        await self._note(token)
        for about, alarm in self._alarms.items():
            if alarm.is_due:
                self._telling.tell(about, alarm, now)
        self._count()

    async def _troubles(self, name: str, reports: Mapping[str, Report], now_ms: int) -> Troubles:
        """What is wrong with a projection's generations; the previous one may stand still."""
        try:
            generations = await self._session.builds.read(name)
        except NotNow:
            raise
        except (Refused, Torn) as error:
            return {
                About(name, NO_GENERATION, BEHIND): Trouble(
                    f"its generations cannot be read: {error}"
                )
            }
        session, every, found = self._session, range(self._session.partitions), Troubles()
        for number, stage in generations.stages.items():
            if stage == PREVIOUS:
                continue
            leases = [session.projection_lease(name, number, partition) for partition in every]
            said = {p: reports[lease] for p, lease in enumerate(leases) if lease in reports}
            readings = await session.readings.look(name, number, every)
            places = standings(generations, number, readings, said, now_ms)
            found |= self._judged(name, number, places, is_live=stage == LIVE)
        return found

    async def _of_reaction(self, name: str, reports: Mapping[str, Report], now_ms: int) -> Troubles:
        """What is wrong with a router or a side effect."""
        session = self._session
        readings = await session.readings.look(name, None, range(session.partitions))
        leases = [session.reaction_lease(name, each.partition) for each in readings]
        places = [
            standing(reading, reports.get(lease), now_ms)
            for reading, lease in zip(readings, leases, strict=True)
        ]
        return self._judged(name, NO_GENERATION, places, is_live=True)

    def _judged(
        self, name: str, number: int, places: Sequence[Standing], *, is_live: bool
    ) -> Troubles:
        """What is wrong with a generation, or a reaction, that stands so."""
        alarm = self._alarms.get(About(name, number, BEHIND))
        limit, raised = self._settings.alert_lag_seconds, alarm is not None and alarm.is_raised
        troubles = troubles_of(places, is_live=is_live, limit=limit, raised=raised)
        return {About(name, number, kind): each for kind, each in troubles.items()}

    def _woken(self) -> None:
        """What was told is noted at once: whoever follows need not tell it again."""
        self._wake.set()

    def _heed_told(self) -> None:
        for about, is_over in self._telling.told():
            alarm = self._alarms.get(about)
            if alarm is not None and bool(alarm.over_ms) is is_over:
                self._alarms[about] = msgspec.structs.replace(alarm, told=True)

    async def _note(self, token: str) -> None:
        """Have the next one know; where Redis takes no writes, at a later look."""
        should = {str(about): written(alarm) for about, alarm in self._alarms.items()}
        changed = {
            about: should.get(about, "")
            for about in self._noted.keys() | should.keys()
            if should.get(about) != self._noted.get(about)
        }
        if not changed:
            return
        try:
            await self._session.alarms.note(token, changed)
        except Refused as error:
            if not self._is_mute:
                log.warning("alert.unnoted", error=str(error))
            self._is_mute = True
        else:
            self._noted, self._is_mute = should, False

    def _count(self) -> None:
        raised = [about for about, alarm in self._alarms.items() if alarm.is_raised]
        for name in self._names:
            count = sum(about.projection == name for about in raised)
            metrics.PROJECTION_ALERTS.labels(name).set(count)
