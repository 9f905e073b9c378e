"""What the words of a command line mean, and how plain data is shown."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import Misuse
from engine.edge.cli.arguments import data_of
from engine.edge.cli.readable import document, table


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ([], {}),
        (["name=Ada Allen"], {"name": "Ada Allen"}),
        (["unit_price=12.50", "quantity:=2"], {"unit_price": "12.50", "quantity": 2}),
        (["a=b=c", "d=e:=f", "empty="], {"a": "b=c", "d": "e:=f", "empty": ""}),
        (["a.b.c=1", "a.b.d:=[true,null]"], {"a": {"b": {"c": "1", "d": [True, None]}}}),
        (['items:=[{"quantity": 2}]'], {"items": [{"quantity": 2}]}),
        ([' {"a": "ü"}\n'], {"a": "ü"}),
    ],
)
def test_words_become_an_object(words: list[str], meaning: Any) -> None:
    assert json.loads(data_of(words)) == meaning


def test_json_is_passed_on_as_it_was_written(tmp_path: Path, monkeypatch: Any) -> None:
    written = '{"unit_price": 12.50,\n "quantity" : 2}'
    file = tmp_path / "order.json"
    file.write_text(f"\n{written}\n")
    stdin = io.TextIOWrapper(io.BytesIO(f"{written}\n".encode()))
    monkeypatch.setattr(sys, "stdin", stdin)

    assert data_of([written]) == data_of([f"@{file}"]) == data_of(["-"]) == written.encode()
    assert data_of(["price:=12.50"]) == b'{"price":12.50}'


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["{"], "property name"),
        (['{"a": 1'], "line 1, column 8"),
        (['{"a":\n "b"\n "c": 1}'], "line 3, column 2"),
        (['["a"]'], "not an object"),
        (['"a"'], "not an object"),
        (["{}", "a=b"], "comes after the data"),
        (['{"a":', "1}"], "Quote JSON"),
        (["@/nowhere/at/all.json"], "No such file"),
        (["name"], "neither JSON nor key=value"),
        (["=x"], "neither JSON nor key=value"),
        (["a..b=x"], "neither JSON nor key=value"),
        (["a:={"], "a:= is not JSON"),
        (["a=1", "a=2"], "given twice"),
        (["a=1", "a.b=2"], "was given a value before"),
        (["a.b=2", "a=1"], "given twice"),
        (["a=\udcff"], "not UTF-8"),
        (['{"a": "\udcff"}'], "not UTF-8"),
        (["[" * 100_000], "nested too deeply"),
    ],
)
def test_what_is_no_object_is_refused(words: list[str], complaint: str) -> None:
    with pytest.raises(Misuse, match=complaint):
        data_of(words)


def test_an_error_points_at_the_place_where_parsing_stopped() -> None:
    text = json.dumps({"before": "x" * 100}) + "!" + "y" * 100
    with pytest.raises(Misuse) as refused:
        data_of([text])
    _, shown, mark = str(refused.value).splitlines()
    assert shown[mark.index("^")] == "!"
    assert len(shown) < 80


def test_text_shows_any_plain_value() -> None:
    value = {"id": "order-1", "note": None, "place": {"city": "Reims"}, "tags": ["a", 1], "no": []}
    assert list(document(value)) == [
        "id     order-1",
        "note   -",
        "place",
        "  city  Reims",
        "tags",
        "  - a",
        "  - 1",
        "no     []",
    ]


def test_a_page_is_a_table_and_says_where_it_stands() -> None:
    page = {"items": [{"id": "a", "n": 1}, {"id": "bbb", "n": 22}], "page": 1, "page_size": 2}
    assert list(document(page | {"total": 5})) == [
        "id   n",
        "a    1",
        "bbb  22",
        "page 1 of 3, 5 in all",
    ]
    assert list(document({"items": [], "page": 1, "page_size": 2, "total": 0})) == [
        "page 1 of 1, 0 in all"
    ]
    assert list(document(page | {"total": 5, "next": "AbC-_1"}))[-1] == (
        "page 1 of 3, 5 in all; next: AbC-_1"
    )
    by_cursor: dict[str, Any] = {
        "items": [],
        "page": None,
        "page_size": 2,
        "total": 5,
        "next": None,
    }
    assert list(document(by_cursor)) == ["5 in all"]


def test_a_table_is_as_wide_as_it_needs() -> None:
    assert list(table(("a", "b"), [("x" * 200, 1)])) == [f"a{' ' * 201}b", f"{'x' * 200}  1"]
