"""What a projection worker offers to serve: the generations that its code made, and no others.

Rows of one generation are all made by one code. A worker with other code leaves them to those
who have theirs, and says so; where it may (`rebuild_on_change`), it begins to build a new
generation instead. What there is of generations is read again at every round, so a rebuild, a
flip or a pause takes effect in every process within a heartbeat, and nothing is restarted.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from engine.core.digest import code_digest
from engine.core.errors import Refused, Torn
from engine.core.generations import NONE, Generations, audited_as, code_as, curated_as, served_as
from engine.core.ports import Session
from engine.core.records import Member
from engine.core.registry import Domain
from engine.runtime.auditor import Auditor
from engine.runtime.build import Build
from engine.runtime.curator import Curator
from engine.runtime.leases import Group
from engine.runtime.pace import Pace
from engine.runtime.projector import Projector
from engine.settings import Settings
from engine.telemetry import log

NEAR_EVENTS = 2000
"""Events that a build may lack and count as nearly level: less than a second's work."""

ABANDONED_SECONDS = 10.0
"""A build that nobody serves after so long was begun by code that is gone."""


class Offer:
    """The generations of some projections that this process may serve, on one session."""

    def __init__(
        self, session: Session, domain: Domain, settings: Settings, names: Sequence[str]
    ) -> None:
        self._session, self._domain, self._settings = session, domain, settings
        self._digests = {
            name: code_digest(domain.projections[name], domain.upcasters_of(name)) for name in names
        }
        self._builds: dict[tuple[str, int], Build] = {}
        self._groups: dict[str, dict[str, Group]] = {name: {} for name in names}
        self._troubles: dict[str, str] = {}

    async def groups(self, members: Mapping[str, Member]) -> Mapping[str, Group]:
        """Groups of leases by name: ``NAME@GEN``, ``curator:NAME``, ``auditor:NAME``.

        See `Membership`. Groups without leases tell others which code is here.
        """
        for name, digest in self._digests.items():
            try:
                generations = await self._session.builds.read(name)
                generations = await self._with_code(name, digest, generations, members)
                await self._serve(name, digest, generations, members)
            except (Refused, Torn) as error:
                if self._is_news(name, str(error)):
                    log.error("projection.unread", projection=name, error=str(error))
        offered: dict[str, Group] = {code_as(*code): {} for code in self._digests.items()}
        for groups in self._groups.values():
            offered |= groups
        return offered

    async def _with_code(
        self, name: str, digest: str, found: Generations, members: Mapping[str, Member]
    ) -> Generations:
        """What follows for a projection from the code that this process has of it."""
        if not found.digest:
            return await self._revised(name, found.adopted(digest))
        if digest in (found.digest, found.building_digest):
            self._troubles.pop(name, None)
            return found
        # Who has the code of before the flip is what is being replaced, not what comes.
        if not self._settings.rebuild_on_change or digest == found.previous_digest:
            if self._is_news(name, said := _outdated(name, found)):
                log.warning("projection.outdated", projection=name, error=said)
            return found
        now = await self._session.now_ms()
        if found.building != NONE:
            if not members or not self._is_abandoned(name, found, members, now):
                return found
            found = await self._revised(name, found.cancelled())
        log.info("projection.rebuilding", projection=name, generation=found.last + 1)
        return await self._revised(name, found.begun(digest, now))

    def _is_abandoned(
        self, name: str, found: Generations, members: Mapping[str, Member], now_ms: int
    ) -> bool:
        """Whether nobody has the code any more that a build was begun with."""
        has_begun = now_ms - found.since_ms > ABANDONED_SECONDS * 1000
        code = code_as(name, found.building_digest)
        return has_begun and not any(code in member.serves for member in members.values())

    async def _revised(self, name: str, new: Generations) -> Generations:
        """Write what follows; who comes second goes on from what the first has written."""
        if await self._session.builds.revise(name, new):
            return new
        return await self._session.builds.read(name)

    async def _serve(
        self, name: str, digest: str, found: Generations, members: Mapping[str, Member]
    ) -> None:
        """Offer the generations of this code, and nothing of those that are over."""
        numbers = found.of_code(digest)
        for key in [key for key in self._builds if key[0] == name and key[1] not in numbers]:
            self._builds.pop(key).feed.retire()
            self._groups[name].pop(served_as(*key), None)
        for number in numbers:
            if (name, number) not in self._builds and not await self._add(name, number, digest):
                continue
            sharing = sum(served_as(name, number) in member.serves for member in members.values())
            is_bounded = number == found.building and not await self._is_near(name, number)
            build = self._builds[name, number]
            build.pace.share = found.max_load / max(1, sharing) if is_bounded else 1.0
            build.stage = found.stages[number]
        self._audit(name, digest, found)
        curator = self._session.curator_lease(name)
        self._groups[name].setdefault(
            curated_as(name), {curator: partial(Curator, name, self._session, self._settings)}
        )

    async def _is_near(self, name: str, number: int) -> bool:
        """Whether a build has nearly caught up: then it keeps up as what is live does."""
        builds = self._session.builds
        left = sum(await builds.heads()) - sum(await builds.positions(name, number))
        return left < NEAR_EVENTS

    def _audit(self, name: str, digest: str, found: Generations) -> None:
        """Offer to audit the live generation, where it is of this code."""
        group, lease = audited_as(name), self._session.auditor_lease(name)
        if not self._settings.audit_load or found.live not in found.of_code(digest):
            self._groups[name].pop(group, None)
        elif group not in self._groups[name]:
            about = name, digest, self._session, self._domain, self._settings.audit_load
            self._groups[name][group] = {lease: partial(Auditor, *about)}

    async def _add(self, name: str, number: int, digest: str) -> bool:
        """Begin to offer a generation; False where it is over by now."""
        session, projection = self._session, self._domain.projections[name]

        async def is_kept() -> bool:
            return number in (await session.builds.read(name)).kept

        feed = await session.logs(name, number)
        if not await is_kept():
            # It was given up meanwhile: whoever removed it may not have seen these groups.
            feed.retire()
            async for _ in session.builds.erase(name, number):
                pass
            return False
        build = self._builds[name, number] = Build(projection, digest, feed, Pace(), is_kept)
        self._groups[name][served_as(name, number)] = {
            session.projection_lease(name, number, partition): partial(
                Projector, build, partition, session.log_key(partition), self._domain,
                partial(session.log, name, number, projection.indexes, partition),
                session.server, self._settings,
            )
            for partition in range(session.partitions)
        }  # fmt: skip
        return True

    def _is_news(self, name: str, trouble: str) -> bool:
        """Whether something else than before keeps a projection from being served here."""
        is_news = self._troubles.get(name) != trouble
        self._troubles[name] = trouble
        return is_news


def _outdated(name: str, found: Generations) -> str:
    return (
        f"{name}@{found.live} was made by other code, and is left to workers that have it. To "
        f"build it anew with the code found here: semel projection rebuild {name}. If its rows "
        f"are right as they are: semel projection adopt {name}"
    )
