"""The pytest plugin, in a project of its own: it comes with the package, and needs no server."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

PROJECT = {
    "handlers.py": """
        from collections.abc import AsyncIterator

        from engine import Command, Decider, Event, ServiceContext


        class Ring(Command):
            pass


        class Rang(Event):
            tone: str


        class Bell:
            tone = "dong"


        async def bell(context: ServiceContext) -> AsyncIterator[Bell]:
            raise OSError("there is none here")
            yield


        def ring(command: Ring, state: None, bell: Bell) -> Rang:
            return Rang(bell.tone)


        def evolve(state: None, event: Rang) -> None:
            return None


        deciders = [Decider(kind="door", initial=None, decide=[ring], evolve=evolve)]
        services = [bell]
    """,
    "conftest.py": """
        import pytest

        from handlers import Bell


        @pytest.fixture
        def anyio_backend():
            return "asyncio"


        @pytest.fixture
        def fake_services():
            return [Bell()]
    """,
    "test_door.py": """
        import pytest

        from handlers import Rang, Ring


        @pytest.mark.anyio
        @pytest.mark.parametrize("time", [1, 2])
        async def test_it_rings(semel, time):
            assert (await semel.submit(Ring(), aggregate="door-1")).version == 1
            assert semel.events("door-1") == [Rang("dong")]
    """,
    "config/semel.toml": """
        projections = "nothing"

        [services.bell]
        tone = "ding"
    """,
}


def test_a_project_has_an_engine_for_each_test(tmp_path: Path) -> None:
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(dedent(text))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        capture_output=True, check=False, cwd=tmp_path, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout
