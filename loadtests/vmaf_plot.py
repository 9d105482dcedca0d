"""Draw VMAF over bit rate as an SVG: one panel a kind of picture, one line a way of encoding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

Point = tuple[float, float]
Panel = Mapping[str, Sequence[Point]]
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 330, 260, 44, 44, 40, 18
LOWEST_VMAF, HIGHEST_VMAF = 20, 100
COLOURS = ("#0b6e99", "#c0392b", "#7f8c8d", "#1e8449", "#8e44ad", "#b9770e")
STYLE = "font:12px system-ui,'Noto Sans CJK SC',sans-serif;fill:#333"


def svg(panels: Mapping[str, Panel]) -> str:
    """Give the picture's text; points are (kilobits a second, VMAF)."""
    width = LEFT + len(panels) * (WIDTH + GAP)
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    colours = dict(zip(names, COLOURS * 3, strict=False))
    height = TOP + HEIGHT + BOTTOM + 22
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" style="{STYLE}">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, (title, panel) in enumerate(panels.items()):
        parts += _panel(LEFT + number * (WIDTH + GAP), title, panel, colours)
    at = LEFT
    for name in names:
        parts.append(f'<circle cx="{at}" cy="{height - 12}" r="5" fill="{colours[name]}"/>')
        parts.append(f'<text x="{at + 10}" y="{height - 8}">{escape(name)}</text>')
        at += 40 + 8 * len(name)
    return "\n".join([*parts, "</svg>\n"])


def _panel(left: float, title: str, panel: Panel, colours: Mapping[str, str]) -> list[str]:
    """Draw axes and lines of one kind; the bit rate's axis is logarithmic."""
    rates = [rate for points in panel.values() for rate, _ in points]
    low, high = math.log10(min(rates) * 0.85), math.log10(max(rates) * 1.15)

    def place(point: Point) -> tuple[float, float]:
        across = (math.log10(point[0]) - low) / (high - low)
        up = (point[1] - LOWEST_VMAF) / (HIGHEST_VMAF - LOWEST_VMAF)
        return left + across * (WIDTH - 14), TOP + HEIGHT * (1 - min(1.0, max(0.0, up)))

    parts = [f'<text x="{left}" y="{TOP - 16}" font-weight="bold">{escape(title)}</text>']
    for mark in range(LOWEST_VMAF, HIGHEST_VMAF + 1, 20):
        y = place((10**low, mark))[1]
        parts.append(f'<path d="M{left} {y:.1f}h{WIDTH - 14}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{mark}</text>')
    for rate in _marks(10**low, 10**high):
        x = place((rate, LOWEST_VMAF))[0]
        parts.append(f'<path d="M{x:.1f} {TOP}v{HEIGHT}" stroke="#eee"/>')
        y = TOP + HEIGHT + 16
        parts.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{rate:g}</text>')
    y = TOP + HEIGHT + 32
    middle = left + WIDTH / 2
    parts.append(f'<text x="{middle}" y="{y}" text-anchor="middle">kbit/s → VMAF (1080p)</text>')
    for name, points in panel.items():
        placed = [place(point) for point in sorted(points)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        colour = colours[name]
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
    return parts


def _marks(low: float, high: float) -> list[float]:
    """Give round numbers within a range."""
    found = [step * 10.0**power for power in range(6) for step in (1, 2, 5)]
    return [mark for mark in found if low <= mark <= high]
