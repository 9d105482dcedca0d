"""Panels and dashboards as values, and the JSON that Grafana reads. Pure.

Panels fill rows of 24 columns from left to right, as a text does. Everything that Grafana would
fill in by itself is left out, so that a dashboard differs only when its values do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

ACROSS = 24
HIGH = 8
SCHEMA = 39
SOURCE = {"type": "prometheus", "uid": "tongbu"}
REFRESH = "5s"
GREEN, YELLOW, RED = "green", "yellow", "red"


class Kind(Enum):
    """How a panel shows its figures; the value is Grafana's name."""

    LINES = "timeseries"
    NUMBER = "stat"
    BARS = "bargauge"
    TABLE = "table"


class Unit(Enum):
    """What figures are counted in; the value is Grafana's name."""

    NUMBER = "short"
    SECONDS = "s"
    SHARE = "percentunit"
    BITS_A_SECOND = "bps"
    BYTES_A_SECOND = "Bps"
    BYTES = "bytes"
    TIMES_A_SECOND = "ops"


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and what its lines are called (`{{label}}` is filled in)."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a figure is yellow and red; with `falling` below instead."""

    yellow: float
    red: float
    falling: bool = False

    def steps(self) -> list[dict[str, Any]]:
        """Give Grafana's thresholds."""
        if self.falling:
            return [_step(RED, None), _step(YELLOW, self.red), _step(GREEN, self.yellow)]
        return [_step(GREEN, None), _step(YELLOW, self.yellow), _step(RED, self.red)]


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: its title in both languages, what it asks, how wide it is."""

    title: str
    queries: tuple[Query, ...]
    unit: Unit = Unit.NUMBER
    kind: Kind = Kind.LINES
    width: int = 8
    limits: Limits | None = None


def graph(
    title: str,
    expression: str,
    legend: str = "",
    unit: Unit = Unit.NUMBER,
    kind: Kind = Kind.LINES,
    width: int = 8,
    limits: Limits | None = None,
) -> Panel:
    """Give a panel that asks one thing."""
    return Panel(title, (Query(expression, legend),), unit, kind, width, limits)


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a dashboard: the values of a label."""

    name: str
    title: str
    metric: str
    label: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of panels; `uid` names its file and its address."""

    uid: str
    title: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()

    def queries(self) -> Iterator[Query]:
        """Give everything that it asks."""
        for row in self.rows:
            for panel in row.panels:
                yield from panel.queries


def as_json(page: Dashboard) -> dict[str, Any]:
    """Give a dashboard as Grafana reads it."""
    return {
        "uid": page.uid,
        "title": page.title,
        "tags": ["tongbu"],
        "timezone": "browser",
        "schemaVersion": SCHEMA,
        "editable": False,
        "refresh": REFRESH,
        "time": {"from": "now-30m", "to": "now"},
        "templating": {"list": [_variable(one) for one in page.variables]},
        "panels": list(_placed(page.rows)),
    }


def _placed(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    number, y = 0, 0
    for row in rows:
        number += 1
        place = {"x": 0, "y": y, "w": ACROSS, "h": 1}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False,
               "gridPos": place, "panels": []}  # fmt: skip
        x, y = 0, y + 1
        for panel in row.panels:
            if x + panel.width > ACROSS:
                x, y = 0, y + HIGH
            number += 1
            place = {"x": x, "y": y, "w": panel.width, "h": HIGH}
            yield {"id": number, "gridPos": place, **_panel(panel)}
            x += panel.width
        y += HIGH


def _panel(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit.value}
    if panel.limits:
        defaults["thresholds"] = {"mode": "absolute", "steps": panel.limits.steps()}
    return {
        "type": panel.kind.value,
        "title": panel.title,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _OPTIONS.get(panel.kind, {}),
        "targets": [
            _target(chr(ord("A") + place), query, panel.kind)
            for place, query in enumerate(panel.queries)
        ],
    }


def _target(ref: str, query: Query, kind: Kind) -> dict[str, Any]:
    made: dict[str, Any] = {
        "refId": ref,
        "datasource": SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend or "__auto",
    }
    if kind is Kind.LINES:
        return made
    return made | {"instant": True, "format": "table" if kind is Kind.TABLE else "time_series"}


def _variable(one: Variable) -> dict[str, Any]:
    return {
        "name": one.name,
        "label": one.title,
        "type": "query",
        "datasource": SOURCE,
        "query": f"label_values({one.metric}, {one.label})",
        "refresh": 2,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _step(colour: str, value: float | None) -> dict[str, Any]:
    return {"color": colour, "value": value}


_REDUCED = {"reduceOptions": {"calcs": ["lastNotNull"], "values": False}}
_OPTIONS: dict[Kind, dict[str, Any]] = {
    Kind.LINES: {"tooltip": {"mode": "multi", "sort": "desc"}, "legend": {"displayMode": "list"}},
    Kind.NUMBER: {**_REDUCED, "colorMode": "background", "graphMode": "area"},
    Kind.BARS: {**_REDUCED, "orientation": "horizontal", "displayMode": "gradient"},
}
