"""The blocks of code in documents, and running them as a reader would."""

import ast
import inspect
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TOLD_URL = "redis://127.0.0.1:7901"
"""The server that documents speak of; tests put theirs in its place."""


def blocks(page: str, language: str) -> list[str]:
    """A page's blocks of one language, in order."""
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


async def run_python(source: str, names: dict[str, Any], url: str) -> None:
    """Run a block, which may await; later blocks see what it has named."""
    compiled = compile(
        source.replace(TOLD_URL, url), "<snippet>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    awaited = eval(compiled, names)  # noqa: S307 -- our own documents
    if inspect.iscoroutine(awaited):
        await awaited
