"""Every metric that is made anywhere in the program has labels from the list of those allowed."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.live_figures import FAMILIES, PREFIX
from tests.support.series import strangers

ROOT = Path(__file__).parents[3]
PACKAGES = ("catalog", "streaming", "transcoder", "deploy")
MAKERS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "CounterMetricFamily",
          "GaugeMetricFamily", "HistogramMetricFamily", "SummaryMetricFamily",
          "Counts", "Timings"}  # fmt: skip
LEAST = 60
BY_FAMILY = "deploy/live_figures.py"
FOR_OTHERS = "streaming/lockless.py"


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "node_modules" not in path.parts and "prometheus_client" in path.read_text("utf-8"):
                yield path


def made_in(path: Path) -> Iterator[tuple[str, ast.expr | None]]:
    """Give name and labels of each metric that a module makes."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in MAKERS:
            named = {one.arg: one.value for one in node.keywords}
            labels = named.get("labels", named.get("labelnames"))
            if labels is None and len(node.args) > 2 and "Family" not in node.func.id:
                labels = node.args[2]
            yield name_of(node.args[0]), labels


def name_of(node: ast.expr) -> str:
    """Give a name; what is filled in later is left out."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    assert isinstance(node, ast.Constant), ast.dump(node)
    return str(node.value)


def labels_of(path: Path, node: ast.expr | None) -> tuple[str, ...]:
    """Read labels that are written there, or stand under a name of the module."""
    if node is None:
        return ()
    if isinstance(node, ast.Name):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        return tuple(getattr(importlib.import_module(module), node.id))
    return tuple(ast.literal_eval(node))


def test_no_metric_has_a_label_of_a_viewer_a_lesson_or_free_text() -> None:
    seen = 0
    for path in modules():
        if path in (ROOT / BY_FAMILY, ROOT / FOR_OTHERS):
            continue
        for name, node in made_in(path):
            seen += 1
            assert name.startswith("tongbu_"), f"{path}: {name}"
            assert not strangers(name, labels_of(path, node)), f"{path}: {name}"
    assert seen > LEAST


def test_figures_of_sessions_have_the_session_and_labels_of_ours() -> None:
    for name, family in FAMILIES.items():
        assert not strangers(PREFIX + name, ("session", *family.labels))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("tongbu_live_viewers", "session"),
        ("tongbu_session_viewers", "viewer"),
        ("tongbu_http_answers_total", "path"),
        ("tongbu_live_viewers", "school"),
        ("tongbu_media_answers_total", "lesson"),
    ],
)
def test_what_has_no_bound_is_refused(name: str, label: str) -> None:
    assert strangers(name, (label,)) == {label}
