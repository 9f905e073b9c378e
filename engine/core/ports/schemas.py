"""The schemas in use, as engines have recorded them."""

from collections.abc import Mapping
from typing import Protocol


class Schemas(Protocol):
    """What is recorded, by fields that `engine.core.schemas` makes.

    Nothing is replaced or taken away: engines of several versions may be at work.
    """

    async def read(self) -> Mapping[str, str]:
        """All that is recorded."""

    async def record(self, schemas: Mapping[str, str]) -> None:
        """Record schemas; one that is recorded stays as it is."""
