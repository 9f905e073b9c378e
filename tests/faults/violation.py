"""What the judges of histories find."""

import msgspec


class Violation(msgspec.Struct, frozen=True):
    """One thing that must never happen, and whose command it happened to."""

    check: str
    aggregate: str
    id: str
    said: str
