"""Taking one check out of the engine, for the time of a test: no switch for it ships."""

import hashlib
from typing import Any

import pytest

from engine.store import scripts

SECOND_NET = "if was[3] and at < letters_at and not above(ARGV[at], was[3]) then"
"""``commit.lua`` also compares the first command's id with the last one's: it masks others."""


class Knife:
    """Cuts a check out where ``cuts`` is set, and leaves the engine whole where it is not.

    So a scenario is written once, and tells that it is green without the cut.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, cuts: bool) -> None:
        self._monkeypatch = monkeypatch
        self.cuts = cuts

    def script(self, name: str, check: str, instead: str = "") -> None:
        """Cut some text out of a script, or put another one there."""
        source = scripts.source_of(name)
        assert source.count(check) == 1, f"{name}.lua has no longer, once: {check}"
        if not self.cuts:
            return
        edited = source.replace(check, instead)
        sha = hashlib.sha1(edited.encode(), usedforsecurity=False).hexdigest()
        source_of, sha_of = scripts.source_of, scripts.sha_of
        self.code(scripts, "source_of", lambda asked: edited if asked == name else source_of(asked))
        self.code(scripts, "sha_of", lambda asked: sha if asked == name else sha_of(asked))

    def second_net(self) -> None:
        """Cut out what would catch some cases too, were the check in question not there."""
        self.script("commit", SECOND_NET, "if false then")

    def code(self, owner: Any, name: str, instead: Any) -> None:
        """Put other code in the place of a function or a method."""
        assert hasattr(owner, name)
        if self.cuts:
            self._monkeypatch.setattr(owner, name, instead)
