"""An engine node and a projection worker: what one process does on one session."""

from collections.abc import Callable, Mapping
from functools import partial

from engine.core.ports import Session
from engine.core.records import Member
from engine.core.registry import Domain
from engine.runtime.inbox import InboxMover
from engine.runtime.leases import Group
from engine.runtime.membership import Membership, Process
from engine.runtime.offer import Offer
from engine.runtime.partition import Partition
from engine.runtime.reactions import reaction_groups
from engine.runtime.recording import Recording
from engine.runtime.schedules import schedule_groups
from engine.runtime.shutdown import Shutdown
from engine.runtime.snapshots import tell_unkept
from engine.runtime.watch import watch_group
from engine.settings import Settings


async def engine_groups(
    session: Session, domain: Domain, settings: Settings
) -> Mapping[str, Group]:
    """What an engine node may own, by the names of the groups: partitions, and the inbox."""
    feed = await session.feed()
    for kind, states in domain.states.items():
        if states.fault:
            tell_unkept(kind, states.fault)
    partitions: Group = {
        session.partition_lease(number): partial(
            Partition, number, session.partitions, session.secret, session.commands_key(number),
            domain, feed, partial(session.ledger, number), settings,
        )
        for number in range(session.partitions)
    }  # fmt: skip
    inbox: Group = {
        session.inbox_lease(): partial(
            InboxMover, session.inbox_key(), session.partitions, session.secret,
            feed, session.inbox(), settings,
        )
    }  # fmt: skip
    return {"partitions": partitions, "inbox": inbox, **schedule_groups(session, domain)}


async def engine(  # noqa: PLR0913 -- one process in all its aspects
    session: Session,
    domain: Domain,
    settings: Settings,
    process: Process,
    shutdown: Shutdown,
    ready: Callable[[], None],
) -> None:
    """Own partitions, and the inbox, until stopped."""
    watch = watch_group(session, domain, settings, process.name)
    groups = {**await engine_groups(session, domain, settings), **watch}
    recording = Recording(session, domain)

    async def offer(_members: Mapping[str, Member]) -> Mapping[str, Group]:
        await recording.go_on()
        return groups

    await Membership(session, process, offer, settings, shutdown).serve(ready)


async def worker(  # noqa: PLR0913 -- likewise
    session: Session,
    domain: Domain,
    settings: Settings,
    names: tuple[str, ...],
    process: Process,
    shutdown: Shutdown,
    ready: Callable[[], None],
) -> None:
    """Read partitions' logs for the named projections and routers, until stopped."""
    projections = [name for name in names if name in domain.projections]
    generations = Offer(session, domain, settings, projections)
    reacting = [name for name in names if name in domain.reactions]
    reactions = reaction_groups(session, domain, settings, reacting)
    watch = watch_group(session, domain, settings, process.name)

    async def offer(members: Mapping[str, Member]) -> Mapping[str, Group]:
        return {**await generations.groups(members), **reactions, **watch}

    await Membership(session, process, offer, settings, shutdown).serve(ready)
