"""Pages that are made of the code: what they list is what there is, no more and no less."""

import ast
import inspect
import json
import re
from collections.abc import Iterator

from anyio.from_thread import BlockingPortal

from engine.core import errors
from engine.edge.faults import fault_of
from engine.store.commands import DEAD_FIELDS
from tests.keys_shown import keys_table
from tests.scenarios.plain_client import plainly_served
from tests.scenarios.test_bad_input import ORDER
from tests.snippets import ROOT

# -- docs/errors.md ---------------------------------------------------------------------

ERRORS = (ROOT / "docs/errors.md").read_text()


def _row(kind: type[errors.SemelError]) -> tuple[str, ...]:
    """An error as the table has it, but for what to do."""
    code = "its own"
    if not issubclass(kind, errors.Rejected):
        taken = inspect.signature(kind.__init__).parameters.values()
        needed = [each for each in [*taken][1:] if _is_needed(each)]
        code = f"`{fault_of(kind(*[''] * len(needed)))['code']}`"
    said = (inspect.getdoc(kind) or "").splitlines()[0]
    again = "yes" if kind.retryable else "no"
    return f"`{kind.__name__}`", code, str(kind.exit_code), str(kind.http_status), again, said


def _is_needed(parameter: inspect.Parameter) -> bool:
    is_one = parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    return is_one and parameter.default is inspect.Parameter.empty


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


# -- docs/keys.md -----------------------------------------------------------------------

KEYS = (ROOT / "docs/keys.md").read_text()


def test_every_key_stands_in_the_table_as_its_function_says() -> None:
    table = re.findall(r"^\| `([^`]+)` \| (.+) \|$", KEYS.partition("## Entries")[0], re.MULTILINE)
    assert table == [*keys_table()]


def test_entries_have_the_fields_that_are_told(valkey_url: str, portal: BlockingPortal) -> None:
    told = dict(re.findall(r"^\| `([^`]+)` \| [^|]+ \| `([^`]+)` \|$", KEYS, re.MULTILINE))
    fields = {name: words.split() for name, words in told.items()}
    with plainly_served(valkey_url, portal, partitions=1) as client:
        order = json.dumps(ORDER)
        inbox = f"{{{client.namespace}}}:inbox"
        added = client.add(inbox, {"type": "CreateOrder", "aggregate": "order-1", "data": order})
        client.outcome(*client.forwarded(added))
        for shown in told:
            key = shown.replace("semel", client.namespace).replace(":P}", ":0}")
            found = client.redis.xrange(key.replace("AGG", "order-1"), count=1)
            if shown in {"{semel}:inbox", "{semel:P}:late", "{semel:P}:dead"}:
                continue
            assert [name.decode() for name in found[0][1]] == fields[shown]
    assert tuple(fields["{semel:P}:dead"]) == DEAD_FIELDS
    assert fields["{semel:P}:late"] == [*fields["{semel:P}:outcomes"], "of"]
