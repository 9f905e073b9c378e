"""Pages that are made of the code: what they list is what there is, no more and no less."""

import ast
import inspect
import re
from collections.abc import Iterator

from engine.core import errors
from engine.edge.cli.output import fault_of
from tests.snippets import ROOT

# -- docs/errors.md ---------------------------------------------------------------------

ERRORS = (ROOT / "docs/errors.md").read_text()


def _row(kind: type[errors.SemelError]) -> tuple[str, ...]:
    """An error as the table has it, but for what to do."""
    code = "its own"
    if not issubclass(kind, errors.Rejected):
        code = f"`{fault_of(kind('', '') if issubclass(kind, errors.Unknown) else kind())['code']}`"
    said = (inspect.getdoc(kind) or "").splitlines()[0]
    again = "yes" if kind.retryable else "no"
    return f"`{kind.__name__}`", code, str(kind.exit_code), str(kind.http_status), again, said


def test_every_error_stands_in_the_table_as_its_class_says() -> None:
    order = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    kinds = [errors.SemelError, *(getattr(errors, name) for name in order)]
    table = ERRORS.partition("## Codes")[0]
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in table.splitlines()
        if line.startswith("| `")
    ]
    assert [row[:-1] for row in rows] == [_row(kind) for kind in kinds]
    assert all(row[-1] for row in rows)


_REFUSING = {"Refusal", "Rejected", "Deferral", "failed"}
"""Who is given a code as a first or second argument."""


def _codes() -> Iterator[str]:
    """Every code that core and runtime give outcomes."""
    for floor in ("core", "runtime"):
        for path in (ROOT / "engine" / floor).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in _REFUSING:
                    yield from filter(None, map(_code_in, node.args[:2]))
                elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in _SAID:
                    value = node.value.elts[0] if isinstance(node.value, ast.Tuple) else node.value
                    yield from filter(None, [_code_in(value)])


_SAID = {"received.broken", "RAISED", "UNREADABLE"}
"""What codes are kept in."""


def _code_in(node: ast.expr) -> str | None:
    said = node.value if isinstance(node, ast.Constant) else None
    return said if isinstance(said, str) and re.fullmatch("[a-z_]+", said) else None


def test_every_code_of_outcomes_stands_in_the_table() -> None:
    table = re.findall(r"^\| `(\w+)` \|", ERRORS.partition("## Codes")[2], re.MULTILINE)
    assert set(table) == set(_codes())
    assert len(table) == len(set(table))
