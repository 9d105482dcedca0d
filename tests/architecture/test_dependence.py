"""The order of dependence: deploy → transcoder → streaming → catalog, never back."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "catalog": set[str](),
    "streaming": {"catalog"},
    "transcoder": {"catalog", "streaming"},
    "deploy": {"catalog", "streaming", "transcoder"},
    "loadtests": {
        "streaming.hls.parse",
        "catalog.store.port",
        "catalog.store.settings",
        "transcoder.live.flv",
        # a week by virtual time drives the cores of the plan and of the box themselves
        "catalog.edge_plan",
        "streaming.edge.eviction",
        "streaming.edge.night",
        "streaming.edge.piece",
        "streaming.edge.schedule",
        # a box is given a shelf that is full
        "streaming.edge.index",
    },
}
PURE_CATALOG = ("catalog.errors", "catalog.ids", "catalog.media", "catalog.people",
                "catalog.lesson", "catalog.live", "catalog.session", "catalog.tokens",
                "catalog.presentation_json", "catalog.store.port")  # fmt: skip
FORBIDDEN_NAMES = {"common", "utils", "util", "helpers", "helper", "manager"}
LONGEST_FILE = 600


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module)
    return found


def sources(package: str) -> list[Path]:
    folder = ROOT / package
    return [p for p in folder.rglob("*.py") if "node_modules" not in p.parts]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_down_only(package: str) -> None:
    ours = set(MAY_IMPORT) | {"tests"}
    for path in sources(package):
        for name in imports_of(path):
            top = name.split(".")[0]
            if top not in ours or top == package:
                continue
            allowed = MAY_IMPORT[package]
            assert top in allowed or name in allowed, f"{path.relative_to(ROOT)} imports {name}"


def test_the_data_plane_knows_only_pure_words_of_the_catalogue() -> None:
    for path in sources("streaming"):
        for name in imports_of(path):
            if name.split(".")[0] == "catalog":
                assert name in PURE_CATALOG, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("package", [*MAY_IMPORT, "tests"])
def test_files_have_a_room_and_a_name(package: str) -> None:
    for path in sources(package):
        assert path.stem not in FORBIDDEN_NAMES, path
        assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE, path
