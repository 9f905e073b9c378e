"""The rates as a picture: bars of SVG, on a scale of tens, for they differ by hundreds."""

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from tests.benchmarks.measuring import Figures
from tests.benchmarks.table import rate_of

PARTS = {"drain": ("drain", "#b3541e"), "at_64": ("64 in flight", "#3d6b8e"),
         "at_512": ("512 in flight", "#8fb0c6")}  # fmt: skip

_BAR, _GAP, _TOP = 9, 12, 46
_LEFT, _PLOT, _RIGHT = 250, 470, 80
_LEAST = 10.0
"""Rates below this many a second are drawn as if they were this: the scale begins here."""


def chart(results: Sequence[Figures]) -> str:
    """A document of SVG with three bars for each peer that was measured."""
    shown = [one for one in results if not one.missing]
    most = max((rate for one in shown for rate in _rates(one)), default=_LEAST)
    decades = max(1, math.ceil(math.log10(max(most, _LEAST * 1.01) / _LEAST)))
    row = _BAR * len(PARTS) + _GAP
    width, height = _LEFT + _PLOT + _RIGHT, _TOP + row * len(shown) + 10
    box, font = f"0 0 {width} {height}", 'font-family="sans-serif" font-size="12"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" {font}>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *_legend(),
        *_grid(decades, height),
    ]
    for number, one in enumerate(shown):
        lines += _bars(one, _TOP + row * number, decades)
    return "\n".join([*lines, "</svg>", ""])


def length(rate: float, decades: int) -> float:
    """How long the bar of a rate is."""
    return _PLOT * math.log10(max(rate, _LEAST) / _LEAST) / decades


def _rates(one: Figures) -> Iterator[float]:
    for part in PARTS:
        rate = rate_of(one, part)
        if rate is not None:
            yield rate.most


def _legend() -> Iterator[str]:
    yield f'<text x="{_LEFT - 10}" y="18" text-anchor="end">orders a second</text>'
    for number, (name, colour) in enumerate(PARTS.values()):
        x = _LEFT + 130 * number
        yield f'<rect x="{x}" y="9" width="10" height="10" fill="{colour}"/>'
        yield f'<text x="{x + 15}" y="18">{escape(name)}</text>'


def _grid(decades: int, height: int) -> Iterator[str]:
    for decade in range(decades + 1):
        x = _LEFT + _PLOT * decade / decades
        yield f'<path d="M{x:.1f} {_TOP - 8}V{height - 6}" stroke="#dddddd"/>'
        yield (
            f'<text x="{x:.1f}" y="{_TOP - 12}" text-anchor="middle" fill="#777777">'
            f"{_LEAST * 10**decade:,.0f}</text>"
        )


def _bars(one: Figures, top: int, decades: int) -> Iterator[str]:
    middle = top + _BAR * len(PARTS) / 2 + 4
    name = escape(one.peer.name)
    yield f'<text x="{_LEFT - 10}" y="{middle:.1f}" text-anchor="end">{name}</text>'
    for number, (part, (_, colour)) in enumerate(PARTS.items()):
        rate = rate_of(one, part)
        if rate is None:
            continue
        y, wide = top + _BAR * number, length(rate.middle, decades)
        ends = (_LEFT + length(rate.least, decades), _LEFT + length(rate.most, decades))
        yield f'<rect x="{_LEFT}" y="{y}" width="{wide:.1f}" height="{_BAR - 1}" fill="{colour}"/>'
        yield f'<path d="M{ends[0]:.1f} {y + 4}H{ends[1]:.1f}" stroke="#222222"/>'
        yield (
            f'<text x="{ends[1] + 5:.1f}" y="{y + 8}" font-size="9" fill="#444444">'
            f"{rate.middle:,.0f}</text>"
        )
