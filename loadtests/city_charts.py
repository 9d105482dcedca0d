"""Charts of the city's report, as inline SVG: bars, and seconds over cores. Pure, no script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, ROW, LABEL, VALUE = 720, 34, 300, 110
PLOT_HEIGHT, LEFT, BOTTOM, TOP = 240, 56, 44, 16
COLOURS = ("#0b6e99", "#b9770e", "#1e8449", "#8e44ad")


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
class Line:
    """A named line through points; points that are not finite are left out."""

    name: str
    points: Sequence[tuple[float, float]]


def lines(title: str, across: str, up: str, drawn: Sequence[Line]) -> str:
    """Draw lines over a logarithmic axis of whole numbers; both axes name their units."""
    points = [one for line in drawn for one in line.points if math.isfinite(one[1])]
    if not points:
        return f"<p>{escape(title)}: —</p>"
    low, high = (math.log2(end(x for x, _ in points)) for end in (min, max))
    top = max(y for _, y in points) * 1.05
    width = WIDTH - LEFT - 20

    def place(x: float, y: float) -> tuple[float, float]:
        part = (math.log2(x) - low) / ((high - low) or 1)
        return LEFT + part * width, TOP + PLOT_HEIGHT * (1 - y / top)

    parts = [_svg(title, TOP + PLOT_HEIGHT + BOTTOM + 22 * len(drawn))]
    for x in sorted({x for x, _ in points}):
        at, floor = place(x, 0)
        parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{floor:.1f}"/>')
        parts.append(f'<text x="{at:.1f}" y="{floor + 18:.1f}" text-anchor="middle">{x:g}</text>')
    for y in _marks(top):
        at, level = place(2**low, y)
        parts.append(f'<path class="grid" d="M{at} {level:.1f}h{width}"/>')
        parts.append(f'<text x="{at - 8}" y="{level + 4:.1f}" text-anchor="end">{y:g}</text>')
    y = TOP + PLOT_HEIGHT + 36
    parts.append(f'<text x="{LEFT + width / 2}" y="{y}" text-anchor="middle">'
                 f"{escape(across)} → {escape(up)}</text>")  # fmt: skip
    for number, line in enumerate(drawn):
        colour, y = COLOURS[number % len(COLOURS)], y + 22
        placed = [place(*one) for one in line.points if math.isfinite(one[1])]
        track = " ".join(f"{a:.1f},{b:.1f}" for a, b in placed)
        parts.append(f'<polyline points="{track}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in placed]
        parts.append(f'<rect x="{LEFT}" y="{y - 10}" width="18" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + 26}" y="{y - 4}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>"])


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
