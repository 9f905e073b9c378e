"""Recording the schemas of the code here, so that later code can be held against them."""

from engine.core.errors import Refused
from engine.core.ports import Session
from engine.core.registry import Domain
from engine.core.schemas.describing import as_recorded, described
from engine.telemetry import log


class Recording:
    """The schemas of one domain, until they are recorded.

    They help whoever deploys and keep nothing true: a Redis that does not take them now is
    asked again, and nobody waits for it.
    """

    def __init__(self, session: Session, domain: Domain) -> None:
        self._session = session
        self._due = {each.field: each for each in described(domain)}
        self._trouble = ""

    async def go_on(self) -> None:
        """Record what is not recorded yet; what has been done once costs nothing more."""
        if not self._due:
            return
        try:
            known = await self._session.schemas.read()
            missing = [each for field, each in self._due.items() if field not in known]
            if missing:
                now = await self._session.now_ms()
                texts = {each.field: as_recorded(each, now) for each in missing}
                await self._session.schemas.record(texts)
                log.info("schemas.recorded", schemas=sorted(texts))
        except Refused as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                log.warning("schemas.unrecorded", error=self._trouble)
        else:
            self._due = {}
