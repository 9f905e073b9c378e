"""Blocks of code in the documents are run by tests; one in ten at the most is not, and says why."""

import json
import re
from typing import Any

from tests.edge.command_line import Semel
from tests.snippets import ROOT, blocks
from tests.typed import ELSEWHERE, commands, words

DOMAIN, TYPED = "tests/test_snippets_of_domains.py", "tests/edge/test_typed_lines.py"
RUN = {
    ("README.md", "python"): "tests/edge/sdk/test_pages.py",
    ("README.md", "sh"): TYPED,
    ("docs/cli.md", "json"): "tests/test_snippets.py",
    ("docs/cli.md", "sh"): TYPED,
    ("docs/domain.md", "python"): DOMAIN,
    ("docs/domain.md", "sh"): TYPED,
    ("docs/evolution.md", "python"): DOMAIN,
    ("docs/evolution.md", "sh"): TYPED,
    ("docs/http.md", "http"): "tests/edge/http/test_page.py",
    ("docs/http.md", "sh"): "tests/edge/http/test_page.py",
    ("docs/http.md", "toml"): "tests/edge/http/test_page.py",
    ("docs/operations.md", "sh"): TYPED,
    ("docs/queries.md", "python"): DOMAIN,
    ("docs/queries.md", "sh"): TYPED,
    ("docs/redis-contract.md", "json"): "tests/node/test_node.py",
    ("docs/redis-contract.md", "sh"): "tests/node/test_node.py",
    ("docs/sdk.md", "python"): "tests/edge/sdk/test_pages.py",
    ("docs/services.md", "python"): DOMAIN,
    ("docs/services.md", "toml"): DOMAIN,
    ("docs/testing.md", "python"): "tests/testing/test_page.py",
    ("docs/tutorial.md", "python"): "tests/test_tutorial.py",
    ("docs/tutorial.md", "sh"): "tests/test_tutorial.py",
}
"""Which test runs a page's blocks of a language."""

EXEMPT = {
    ("docs/cli.md", "semel --install-completion"): "writes into the files of the reader's shell",
    ("docs/benchmarks.md", "semel bench "): "takes two hours; each part is run by tests/edge/bench",
    (
        "docs/http.md",
        "semel serve ",
    ): "goes on; tests/edge/http/test_serving.py starts it",
    ("docs/operations.md", "redis-server "): "goes on; tests/edge/test_cli_doctor.py starts one so",
    ("docs/operations.md", "env:"): "is for Kubernetes; test_typed knows its names",
    ("docs/operations.md", "[Service]"): "is for systemd; test_typed knows the line that it starts",
    ("docs/operations.md", '{"event"'): "is a message; tests/runtime/test_webhook.py receives some",
}
"""Blocks that are not run, by how they begin, and why."""

DOCS = [f"docs/{each.name}" for each in (ROOT / "docs").glob("*.md")]
PICTURE = "text"
"""The language of what is no code: nobody types it."""


def _blocks() -> list[tuple[str, str, str]]:
    """Every block of every page: where it is, its language, what it says."""
    fence = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
    return [
        (page, language, said)
        for page in ["README.md", "ARCHITECTURE.md", *DOCS]
        for _, language, said in fence.findall((ROOT / page).read_text())
    ]


def _is_exempt(page: str, said: str) -> bool:
    return any(page == at and said.startswith(begin) for at, begin in EXEMPT)


def test_each_block_is_run_by_a_test_or_says_why_not() -> None:
    for page, language, said in _blocks():
        assert language, f"{page}: say the language of {said:.40}"
        if language == PICTURE:
            assert not re.search(r"^(semel|redis-cli|curl|make) ", said, re.MULTILINE), said
        elif not _is_exempt(page, said):
            assert (page, language) in RUN, f"{page}: nobody runs {said:.40}"


def test_one_in_ten_is_exempt_at_the_most_and_none_twice() -> None:
    whole = [(page, said) for page, language, said in _blocks() if language != PICTURE]
    for (page, begin), why in EXEMPT.items():
        assert len([said for at, said in whole if at == page and said.startswith(begin)]) == 1
        assert why
    assert 10 * len(EXEMPT) <= len(whole)


def test_who_runs_them_is_there_and_reads_the_page() -> None:
    kinds = {(page, language) for page, language, _ in _blocks()}
    for (page, language), test in RUN.items():
        assert (page, language) in kinds, f"{page} has no {language}"
        assert page.removeprefix("docs/") in (ROOT / test).read_text(), (test, page)


def test_lines_that_are_tried_elsewhere_are() -> None:
    """The pages that are typed have lines that go on, or change this machine: see `ELSEWHERE`."""
    typed = {page for (page, _), test in RUN.items() if test == TYPED}
    said = {
        word
        for page in typed
        for block in blocks(page, "sh")
        for command in commands(block)
        for word in words(command)
    }
    for word, test in ELSEWHERE.items():
        assert word in said
        assert word in (ROOT / test).read_text(), (word, test)


def test_an_envelope_is_as_the_page_has_it() -> None:
    [told] = map(json.loads, blocks("docs/cli.md", "json"))
    away = Semel("redis://127.0.0.1:1", "test_away")
    said: dict[str, Any] = json.loads(away.run("status", "-o", "json").out)
    assert said.keys() == told.keys()
    [fault], [shown] = said["errors"], told["errors"]
    assert {**fault, "message": ""} == {**shown, "message": ""}
    assert fault["message"].startswith(shown["message"].rstrip("…"))
