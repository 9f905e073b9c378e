"""Figures as a picture: how far each budget was reached, and every ratio to raw; SVG by hand."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from engine.edge.bench.budgets import Held

_ROW, _LEFT, _WIDTH, _BAR = 26, 230, 460, 16
_LIMIT = 2.0
"""Twice a budget fills the picture: what is more is cut off, its value stands beside it."""

_LARGE = 100
"""From here on a number is said whole."""

_MET, _MISSED, _PLAIN = "#3a7d44", "#b5452c", "#4a6fa5"


def svg(figures: Mapping[str, Any], each: Sequence[Held]) -> str:
    """The picture, as text of a file."""
    ratios = dict(_ratios(figures))
    most = max(ratios.values(), default=0.0)
    rows = [*_budgets(each), *_beside_raw(ratios, most, len(each))]
    height = _ROW * (len(each) + len(ratios) + 4)
    width = _LEFT + _WIDTH + 250
    machine = figures.get("machine", {})
    about = ", ".join(str(machine[name]) for name in ("machine", "server") if name in machine)
    body = "\n".join(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="13">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n'
        f"{_text(10, 18, f'semel bench: {about}')}\n{body}\n</svg>\n"
    )


def _ratios(figures: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, part in figures.items():
        if isinstance(part, Mapping) and part.get("ratio_to_raw"):
            yield name, float(part["ratio_to_raw"])


def _budgets(each: Sequence[Held]) -> Iterator[str]:
    if not each:
        return
    one = _LEFT + _WIDTH / _LIMIT
    yield (
        f'<line x1="{one}" x2="{one}" y1="{_ROW}" y2="{_ROW * (len(each) + 1)}" '
        f'stroke="black" stroke-dasharray="3 3"/>'
    )
    for number, held in enumerate(each):
        said = f"{_number(held.value)} {held.unit}, budget {_number(held.budget)}"
        filled = min(held.share, _LIMIT) / _LIMIT
        yield _bar(number + 1, held.what, filled, _MET if held.is_met else _MISSED, said)


def _beside_raw(ratios: Mapping[str, float], most: float, above: int) -> Iterator[str]:
    for number, (name, ratio) in enumerate(ratios.items()):
        yield _bar(above + 2 + number, name, ratio / most, _PLAIN, f"{ratio:.3f} x raw")


def _bar(row: int, name: str, filled: float, colour: str, said: str) -> str:
    top, length = row * _ROW + 4, max(1.0, filled * _WIDTH)
    return (
        f"{_text(10, top + 13, name)}"
        f'<rect x="{_LEFT}" y="{top}" width="{length:.1f}" height="{_BAR}" fill="{colour}"/>'
        f"{_text(_LEFT + length + 6, top + 13, said)}"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.3g}"


def _text(x: float, y: float, words: str) -> str:
    """Words with a white rim, for some stand on the line of the budgets."""
    rim = 'stroke="white" stroke-width="4" paint-order="stroke"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {rim}>{escape(words)}</text>'
