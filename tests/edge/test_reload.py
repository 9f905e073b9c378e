"""``semel dev --reload``: code that changes is served anew, and broken code is waited out."""

from pathlib import Path

import pytest

from engine.core.errors import Misuse
from engine.edge.project import create
from engine.edge.reload import watched_places
from engine.settings import Settings
from tests.edge.command_line import Semel


def test_changes_are_served_and_broken_ones_waited_out(tmp_path: Path) -> None:
    home, _ = create("bank", tmp_path)
    rules = home / "handlers/accounts.py"
    sound = rules.read_text()
    with Semel("", "bank", home).daemon("dev", "--reload") as dev:
        url = dev.says("export SEMEL_REDIS").split("=", 1)[1].strip()
        bank = Semel(url, "bank", home)
        assert bank.run("submit", "OpenAccount", "account-1", "owner=Ada").code == 0
        rules.write_text(sound + "\nthis is no Python\n")
        assert "handlers/accounts.py" in dev.says("changed: ")
        dev.says("SyntaxError")
        dev.says("the next change is waited for")
        rules.write_text(sound.replace("there are", "there were"))
        dev.says("serves 3 commands, 1 projections again")
        said = bank.run("submit", "Withdraw", "account-1", "amount=1", "-o", "json")
        assert said.errors[0]["message"] == "there were 0 left"
        ended = dev.stop()
    assert ended.code == 0
    assert bank.run("status").code == 3, "its server went with it"


def test_where_nothing_is_there_is_nothing_to_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Misuse, match="nothing to watch: no handlers and no projections"):
        watched_places(Settings(), None)
