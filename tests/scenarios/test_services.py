"""Services in real processes: opened from settings, closed on drain, and ids that stay the same."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.edge.command_line import Semel

DOMAIN = dedent('''
    """Tickets, with a number from a machine that may break down."""

    import os
    from collections.abc import AsyncIterator

    from engine import Clock, Command, Decider, Event, Ids, ServiceContext


    class Draw(Command):
        pass


    class Drawn(Event):
        number: str
        at: str


    class Machine:
        def __init__(self, paper: str) -> None:
            self.paper = paper

        async def prints(self, text: str) -> None:
            with open(self.paper, "a") as paper:
                print(text, file=paper)
            if os.environ.get("BREAKS"):
                os._exit(1)


    async def machine(context: ServiceContext) -> AsyncIterator[Machine]:
        machine = Machine(context.settings["paper"])
        yield machine
        await machine.prints("closed")


    async def draw(command: Draw, state: None, machine: Machine, ids: Ids, clock: Clock) -> Drawn:
        number = ids.new()
        await machine.prints(number)
        return Drawn(number, clock.now().isoformat())


    def evolve(state: None, event: Drawn) -> None:
        return None


    deciders = [Decider(kind="ticket", initial=None, decide=[draw], evolve=evolve)]
    services = [machine]
''')

SETTINGS = """
handlers = "tickets"
projections = "nothing_to_show"

[services.machine]
paper = "paper.txt"
"""


@pytest.fixture
def semel(valkey_url: str, namespace: str, tmp_path: Path) -> Semel:
    (tmp_path / "tickets.py").write_text(DOMAIN)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "semel.toml").write_text(SETTINGS)
    semel = Semel(valkey_url, namespace, tmp_path)
    assert semel.run("init", "--partitions", "1").code == 0
    return semel


def test_who_dies_deciding_and_who_decides_again_make_the_same_ids(semel: Semel) -> None:
    with semel.daemon("run", BREAKS="1") as engine:
        engine.logged("engine.started")
        assert semel.run("submit", "Draw", "ticket-1", "--wait", "0.2").code == 6
        assert engine.end().code == 1
    with semel.daemon("run") as engine:
        assert engine.logged("service.opening")["service"] == "machine"
        engine.logged("engine.started")
        assert semel.run("submit", "Draw", "ticket-1").code == 0
        ended = engine.stop()
    assert ended.code == 0
    assert ended.err.index('"service.closed"') < ended.err.index('"engine.stopped"')
    tried, again, other, closed = (semel.home / "paper.txt").read_text().split()
    assert tried == again != other
    assert closed == "closed"
    events = semel.run("events", "ticket-1", "-o", "json").data
    assert [event["data"]["number"] for event in events] == [tried, other]
    foreseen = semel.process("submit", "Draw", "ticket-1", "--dry-run", "-o", "json")
    assert foreseen.data["version"] == 3
    asked, closed = (semel.home / "paper.txt").read_text().split()[-2:]
    assert foreseen.data["events"][0]["data"]["number"] == asked not in (tried, other)
    assert closed == "closed"


@pytest.mark.parametrize(
    ("said", "code", "complaint"),
    [
        ("{}", 1, "the service machine could not be opened: KeyError: 'paper'"),
        ('{"till": {}}', 2, "settings for the service till"),
        ("paper=secret", 2, "the setting services = … (from the environment) does not fit"),
    ],
)
def test_a_start_that_cannot_open_its_services_says_so(
    semel: Semel, said: str, code: int, complaint: str
) -> None:
    ended = semel.process("run", SEMEL_SERVICES=said)
    assert ended.code == code
    assert complaint in ended.err
    assert "secret" not in ended.err
    assert ("service.failed" in ended.err) == (code == 1)
