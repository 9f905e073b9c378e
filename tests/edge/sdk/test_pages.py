"""What the documents show of the SDK is run as it stands."""

from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from tests.edge.serving import served
from tests.snippets import blocks, run_python


async def test_every_snippet_of_its_page_runs(
    portal: BlockingPortal, valkey_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMEL_NAMESPACE", namespace)
    names: dict[str, Any] = {}
    with portal.wrap_async_context_manager(served(valkey_url, namespace)):
        for block in blocks("docs/sdk.md", "python"):
            await run_python(block, names, valkey_url)


async def test_the_readmes_ten_lines_run_twice(
    portal: BlockingPortal,
    valkey_url: str,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SEMEL_NAMESPACE", namespace)
    [ten_lines] = [each for each in blocks("README.md", "python") if "engine.connect" in each]
    assert len([line for line in ten_lines.splitlines() if line.startswith(" ")]) <= 10
    with portal.wrap_async_context_manager(served(valkey_url, namespace)):
        for said in ("accepted 25.00\n", "duplicate 25.00\n"):
            await run_python(ten_lines, {}, valkey_url)
            assert capsys.readouterr().out.endswith(said)
