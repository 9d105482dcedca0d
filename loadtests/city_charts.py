"""Charts of the city's report, as inline SVG: bars, bars of parts, lines over cores. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, ROW, LABEL, VALUE = 720, 34, 300, 130
PLOT_HEIGHT, LEFT, BOTTOM, TOP = 240, 56, 44, 16
COLOURS = ("#0b6e99", "#b9770e", "#1e8449", "#8e44ad", "#7f8c8d")


@dataclass(frozen=True, slots=True)
class Bar:
    """A named length; `mark` is a line across it (a limit, a baseline)."""

    label: str
    value: float
    said: str
    mark: float | None = None
    bad: bool = False


def bars(title: str, rows: Sequence[Bar]) -> str:
    """Draw horizontal bars, the longest as wide as there is room."""
    ends = [one for row in rows for one in (row.value, row.mark or 0) if math.isfinite(one)]
    longest = max(ends, default=0) or 1
    room = WIDTH - LABEL - VALUE
    parts = [_svg(title, len(rows) * ROW + 8)]
    for number, row in enumerate(rows):
        y = number * ROW + 8
        wide = room * min(1.0, row.value / longest) if math.isfinite(row.value) else room
        kind = "bad" if row.bad else "bar"
        mark = room * (row.mark or 0) / longest
        # beside the bar, and beside a mark that it would lie on
        said = mark if wide < mark < wide + VALUE else wide
        parts += [
            f'<text x="{LABEL - 10}" y="{y + 17}" text-anchor="end">{escape(row.label)}</text>',
            f'<rect class="{kind}" x="{LABEL}" y="{y}" width="{max(1.0, wide):.1f}" height="22"/>',
            f'<text x="{LABEL + said + 8:.1f}" y="{y + 17}">{escape(row.said)}</text>',
        ]
        if row.mark is not None:
            parts.append(f'<path class="mark" d="M{LABEL + mark:.1f} {y - 3}v28"/>')
    return "\n".join([*parts, "</svg>"])


@dataclass(frozen=True, slots=True)
class Stack:
    """A named length that is made of parts."""

    label: str
    parts: tuple[float, ...]


def stacks(title: str, names: Sequence[str], rows: Sequence[Stack]) -> str:
    """Draw horizontal bars of parts beside each other, and below them what the colours are."""
    longest = max((sum(row.parts) for row in rows), default=0) or 1
    room, below = WIDTH - LABEL - VALUE, len(rows) * ROW + 8
    drawn = [_svg(title, below + 22 * len(names) + 8)]
    for number, row in enumerate(rows):
        y, x = number * ROW + 8, float(LABEL)
        drawn.append(f'<text x="{LABEL - 10}" y="{y + 17}" text-anchor="end">'
                     f"{escape(row.label)}</text>")  # fmt: skip
        for part, colour in zip(row.parts, COLOURS, strict=False):
            wide = room * part / longest
            drawn.append(f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="22" '
                         f'fill="{colour}"/>')  # fmt: skip
            x += wide
        drawn.append(f'<text x="{x + 8:.1f}" y="{y + 17}">{sum(row.parts):.2f}</text>')
    for number, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        drawn += _key(name, colour, LABEL, below + 14 + 22 * number)
    return "\n".join([*drawn, "</svg>"])


def _key(name: str, colour: str, x: int, y: int) -> list[str]:
    return [f'<rect x="{x}" y="{y - 10}" width="18" height="4" fill="{colour}"/>',
            f'<text x="{x + 26}" y="{y - 4}">{escape(name)}</text>']  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A named line through points; points that are not finite are left out."""

    name: str
    points: Sequence[tuple[float, float]]


def lines(title: str, across: str, up: str, drawn: Sequence[Line], most: float = math.inf) -> str:
    """Draw lines over a logarithmic axis; both axes name their units.

    What lies above `most` is left out. A dot is where a line begins.
    """
    shown = [
        Line(line.name, [one for one in line.points if math.isfinite(one[1]) and one[1] <= most])
        for line in drawn
    ]
    points = [one for line in shown for one in line.points]
    if not points:
        return f"<p>{escape(title)}: —</p>"
    ends = [x for line in drawn for x, _ in line.points]
    low, high = math.log2(min(ends)), math.log2(max(ends))
    top = max(y for _, y in points) * 1.05 or 1.0
    width = WIDTH - LEFT - 20

    def place(x: float, y: float) -> tuple[float, float]:
        part = (math.log2(x) - low) / ((high - low) or 1)
        return LEFT + part * width, TOP + PLOT_HEIGHT * (1 - y / top)

    parts = [_svg(title, TOP + PLOT_HEIGHT + BOTTOM + 22 * len(drawn))]
    for power in range(math.ceil(low), math.floor(high) + 1):
        at, floor = place(2.0**power, 0)
        parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{floor:.1f}"/>')
        parts.append(f'<text x="{at:.1f}" y="{floor + 18:.1f}" text-anchor="middle">'
                     f"{2.0**power:g}</text>")  # fmt: skip
    for y in _marks(top):
        at, level = place(2**low, y)
        parts.append(f'<path class="grid" d="M{at} {level:.1f}h{width}"/>')
        parts.append(f'<text x="{at - 8}" y="{level + 4:.1f}" text-anchor="end">{y:g}</text>')
    parts += _named_axes(across, up)
    for number, line in enumerate(shown):
        placed = [place(*one) for one in line.points]
        parts += _line(line.name, placed, number)
    return "\n".join([*parts, "</svg>"])


def _named_axes(across: str, up: str) -> list[str]:
    middle, below = (LEFT + WIDTH - 20) / 2, TOP + PLOT_HEIGHT + 36
    return [
        f'<text x="{middle}" y="{below}" text-anchor="middle">{escape(across)}</text>',
        f'<text x="{LEFT + 6}" y="{TOP + 12}">{escape(up)}</text>',
    ]


def _line(name: str, placed: Sequence[tuple[float, float]], number: int) -> list[str]:
    """Draw one line and its name below the chart."""
    colour, y = COLOURS[number % len(COLOURS)], TOP + PLOT_HEIGHT + BOTTOM + 14 + 22 * number
    track = " ".join(f"{a:.1f},{b:.1f}" for a, b in placed)
    drawn = _key(name, colour, LEFT, y)
    if placed:
        drawn += [
            f'<polyline points="{track}" fill="none" stroke="{colour}" stroke-width="2.5"/>',
            f'<circle cx="{placed[0][0]:.1f}" cy="{placed[0][1]:.1f}" r="4" fill="{colour}"/>',
        ]
    return drawn


def _svg(title: str, height: float) -> str:
    # Attributes stand in double quotes.
    label = escape(title, {'"': "&quot;"})
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{label}">'


def _marks(top: float) -> list[float]:
    """Give up to six round numbers from 0 to the top."""
    step = 10.0 ** math.floor(math.log10(top))
    while top / step < 3:
        step /= 2
    return [number * step for number in range(int(top / step) + 1)][:: max(1, int(top / step) // 5)]
