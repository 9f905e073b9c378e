"""Handing a command over without waiting for its outcome: until Redis says where it stands."""

from collections.abc import Mapping

import anyio

from engine.core.errors import SemelError, Unknown
from engine.core.ports import Session
from engine.core.routing import partition_of
from engine.edge.dispatch import Dispatch


async def hand_over(
    dispatch: Dispatch, aggregate: str, id: str, fields: Mapping[str, bytes], seconds: float
) -> str:
    """Add a command to its stream; returns its stream id.

    Where a session breaks before Redis has answered it is added again, with the same id: it has
    its effect once. Raises `Unknown` when Redis has not answered within ``seconds``, and
    `Unavailable` when it refused.
    """
    with anyio.move_on_after(seconds):
        broken: Session | None = None
        while True:
            session = broken = await dispatch.session(after=broken)
            told = await _told(
                dispatch, session, partition_of(aggregate, session.partitions), fields
            )
            if isinstance(told, SemelError):
                raise told
            if told:
                return told
    raise Unknown(
        f"Redis has not taken command {id} within {seconds:g} s, as far as is known. "
        f"Submit again with the same id",
        id,
    )


async def _told(
    dispatch: Dispatch, session: Session, partition: int, fields: Mapping[str, bytes]
) -> str | SemelError | None:
    """What Redis says; None where the session breaks first."""
    answer: str | SemelError | None = None

    async with anyio.create_task_group() as first:

        def done(told: str | SemelError) -> None:
            nonlocal answer
            answer = told
            first.cancel_scope.cancel()

        session.submit(partition, fields, done)
        await dispatch.session(after=session)
        first.cancel_scope.cancel()
    return answer
