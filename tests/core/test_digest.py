"""The digest of a projection's code: what changes it, and what does not."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import Upcaster
from engine.core import digest
from engine.core.digest import code_digest

SHOP = {
    "__init__": "",
    "facts": '''\
"""Events."""
from decimal import Decimal
from engine import Event

RATE = Decimal("1.5")

class Sold(Event):
    """Something was sold."""
    amount: Decimal

    @property
    def taxed(self) -> Decimal:
        return self.amount * RATE

class Unrelated(Event):
    text: str
''',
    "money": '''\
def rounded(amount):
    """To cents."""
    return round(amount, 2)

def unused():
    return 1

def taxed(said):
    return {"amount": _tax(said["amount"])}

def _tax(amount):
    return amount
''',
    "sales": '''\
"""A read model."""
from decimal import Decimal
from engine import EventContext, Index, Projection, Query, Row, add, put
from {name} import money
from {name}.facts import Sold

class SalesRow(Row):
    total: Decimal = Decimal(0)
    at: int = 0

LIMIT = 3

def on_sold(event: Sold, context: EventContext):
    """One sale more."""
    yield add(context.aggregate, total=money.rounded(event.taxed) + _bonus())

def _bonus():
    return LIMIT  # a comment

class GetSales(Query[SalesRow]):
    id: str

async def get_sales(query: GetSales, views) -> SalesRow:
    return await views.get(sales, query.id)

sales = Projection(name="sales", row=SalesRow, on=[on_sold], indexes=[Index("all", (), "at")])
''',
}

Changed = Callable[..., str]


@pytest.fixture
def digest_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Changed]:
    """The digest of the shop's projection, where some text of one module is another."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def change(module: str = "sales", old: str = "", new: str = "") -> str:
        name = "digested"
        for loaded in [each for each in sys.modules if each.partition(".")[0] == name]:
            del sys.modules[loaded]
        digest._definitions.cache_clear()
        (tmp_path / name).mkdir(exist_ok=True)
        for each, text in SHOP.items():
            written = text.replace("{name}", name)
            if each == module and old:
                assert old in written
                written = written.replace(old, new)
            (tmp_path / name / f"{each}.py").write_text(written)
        importlib.invalidate_caches()
        sales = importlib.import_module(f"{name}.sales")
        # Held to no version here: the digest asks only what is led to.
        return code_digest(sales.sales, [Upcaster(sales.Sold, 1, sales.money.taxed)])

    yield change
    for loaded in [each for each in sys.modules if each.partition(".")[0] == "digested"]:
        del sys.modules[loaded]
    digest._definitions.cache_clear()


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("sales", "money.rounded(event.taxed)", "event.taxed"),
        ("sales", "LIMIT = 3", "LIMIT = 4"),
        ("sales", "return LIMIT", "return LIMIT + 1"),
        ("sales", "at: int = 0", "at: int = 1"),
        ("sales", 'Index("all", (), "at")', 'Index("all", (), "total")'),
        ("money", "round(amount, 2)", "round(amount, 3)"),
        ("money", '{"amount": _tax', '{"amount": 2 * _tax'),
        ("money", "    return amount\n", "    return amount * 2\n"),
        ("facts", "self.amount * RATE", "self.amount"),
        ("facts", 'Decimal("1.5")', 'Decimal("1.6")'),
        ("facts", "    amount: Decimal\n", "    amount: Decimal\n    note: str = ''\n"),
    ],
)
def test_what_makes_rows_changes_it(digest_of: Changed, module: str, old: str, new: str) -> None:
    assert digest_of(module, old, new) != digest_of()


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("sales", "  # a comment", ""),
        ("sales", '    """One sale more."""\n', ""),
        ("sales", "return await views.get(sales, query.id)", "raise RuntimeError"),
        ("sales", "LIMIT = 3\n", "\n\nLIMIT = (\n    3\n)\n"),
        ("money", "return 1", "return 2"),
        ("money", '    """To cents."""\n', '    """To cents, exactly."""\n'),
        ("facts", "text: str", "text: int"),
    ],
)
def test_what_does_not_leaves_it(digest_of: Changed, module: str, old: str, new: str) -> None:
    assert digest_of(module, old, new) == digest_of()


def test_code_without_its_source_has_a_digest_too(
    digest_of: Changed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = digest_of()
    for file in (tmp_path / "digested").iterdir():
        file.unlink()
    digest._definitions.cache_clear()
    monkeypatch.setattr("linecache.cache", {})
    sales = sys.modules["digested.sales"].sales
    assert code_digest(sales) == code_digest(sales) != known


def test_handlers_that_a_function_made_stand_for_their_whole_module(digest_of: Changed) -> None:
    made = """\
def maker(factor):
    def on_sold(event: Sold, context: EventContext):
        yield add(context.aggregate, total=event.taxed * factor)
    return on_sold

on_sold = maker(2)

def _bonus"""
    before = digest_of("sales", "def _bonus", made)
    assert digest_of("sales", "def _bonus", made.replace("maker(2)", "maker(3)")) != before
