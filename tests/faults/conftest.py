"""What the fault suite keeps and tells: evidence of what failed, numbers of every run."""

import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

_REPORTS = pytest.StashKey[list[str]]()
_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A directory for logs, histories and data: kept, and named, when the test fails."""
    place = Path(tempfile.mkdtemp(prefix="semel-faults-"))
    yield place
    if request.node.stash.get(_FAILED, False):
        tell(request.config, f"evidence of {request.node.name}: {place}")
    else:
        shutil.rmtree(place)


def tell(config: pytest.Config, text: str) -> None:
    """Have something printed when all is over."""
    config.stash.setdefault(_REPORTS, []).append(text)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if reports := config.stash.get(_REPORTS, []):
        terminalreporter.section("faults")
        for report in reports:
            terminalreporter.write_line(report)
