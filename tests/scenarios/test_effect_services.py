"""Services of side effects in real processes: opened by workers, and by nobody else."""

from pathlib import Path
from textwrap import dedent

from tests.edge.command_line import Semel
from tests.eventually import at_last

DOMAIN = dedent('''
    """Letters, which a clerk checks, and a post office that a telephone leads to sends."""

    from collections.abc import AsyncIterator

    from engine import Command, Decider, Effect, EffectContext, Event, ServiceContext


    class Write(Command):
        pass


    class Written(Event):
        pass


    class Clerk:
        pass


    class Telephone:
        pass


    class Post:
        def __init__(self, name: str) -> None:
            self.name = name


    def note(text: str) -> None:
        with open("paper.txt", "a") as paper:
            print(text, file=paper)


    async def clerk(context: ServiceContext) -> AsyncIterator[Clerk]:
        note("clerk comes")
        yield Clerk()
        note("clerk goes")


    async def telephone(context: ServiceContext) -> AsyncIterator[Telephone]:
        note("telephone comes")
        yield Telephone()
        note("telephone goes")


    async def post(context: ServiceContext) -> AsyncIterator[Post]:
        note("post comes")
        yield Post(context.settings["name"])
        note("post goes")


    def write(command: Write, state: None, clerk: Clerk) -> Written:
        return Written()


    def evolve(state: None, event: Written) -> None:
        return None


    async def deliver(
        event: Written, post: Post, telephone: Telephone, context: EffectContext
    ) -> None:
        note(f"{post.name} has {context.aggregate}")


    deciders = [Decider(kind="letter", initial=None, decide=[write], evolve=evolve)]
    effects = [Effect(name="delivery", react=[deliver])]
    services = [telephone, post, clerk]
''')

SETTINGS = """
handlers = "letters"
projections = "nothing_to_show"

[services.post]
name = "the post"
"""


def test_workers_open_what_effects_ask_for_and_close_it_in_reverse(
    valkey_url: str, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "letters.py").write_text(DOMAIN)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "semel.toml").write_text(SETTINGS)
    semel, paper = Semel(valkey_url, namespace, tmp_path), tmp_path / "paper.txt"
    assert semel.run("init", "--partitions", "1").code == 0
    with semel.daemon("run") as engine:
        engine.logged("engine.started")
        assert semel.run("submit", "Write", "letter-1").code == 0
        assert engine.stop().code == 0
    assert paper.read_text().splitlines() == ["clerk comes", "clerk goes"]
    paper.unlink()
    with semel.daemon("project") as worker:
        worker.logged("worker.started")
        at_last(lambda: "has letter" in paper.read_text(), "the letter is delivered")
        ended = worker.stop()
    assert ended.code == 0
    assert paper.read_text().splitlines() == [
        "telephone comes", "post comes", "the post has letter-1", "post goes", "telephone goes",
    ]  # fmt: skip
    assert ended.err.index('"service.closed"') < ended.err.index('"worker.stopped"')
