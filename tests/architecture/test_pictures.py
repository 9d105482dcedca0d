"""READMEs and figures show the same pictures, each of them is there, and none is heavy."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.compose import read_compose

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/pictures"
READMES = ("README.md", "README.zh-CN.md")
FIGURES = ("docs/figures.md", "docs/figures.zh-CN.md")
PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<path>[^)]+)\)")
LIMIT_BYTES = 120_000
MOST = 6


def shown(name: str) -> dict[str, str]:
    """Give what a page says of each picture, by its path."""
    text = (ROOT / name).read_text("utf-8")
    return {found["path"]: found["alt"] for found in PICTURE.finditer(text)}


def is_chinese(text: str) -> bool:
    return any("一" <= letter <= "鿿" for letter in text)


@pytest.mark.parametrize("names", [READMES, FIGURES], ids=lambda names: names[0])
def test_both_show_the_same_in_the_same_order(names: tuple[str, str]) -> None:
    first, second = (list(shown(name)) for name in names)
    assert first == second


@pytest.mark.parametrize("name", READMES + FIGURES)
def test_each_is_there_and_is_told_in_the_page_s_language(name: str) -> None:
    for path, alt in shown(name).items():
        assert (ROOT / name).parent.joinpath(path).is_file(), path
        assert len(alt) > 5, path
        assert is_chinese(alt) is name.endswith(".zh-CN.md"), alt


def test_photographs_are_few_small_and_all_shown() -> None:
    kept = {str(path.relative_to(ROOT)): path.stat().st_size for path in FOLDER.iterdir()}
    assert kept.keys() == {path for path in shown(READMES[0]) if path.startswith("docs/pictures/")}
    assert 0 < len(kept) <= MOST
    assert max(kept.values()) < LIMIT_BYTES


DRAWINGS = sorted((ROOT / "docs").glob("*.svg"))


def nested(css: str) -> list[str]:
    """Give what stands before each block that holds blocks: at-rules, or a slip of the pen."""
    found, depth, before, told = list[str](), 0, "", False
    for piece in re.split(r"([{}])", css):
        if piece == "{":
            depth += 1
            if depth == 2 and not told:
                found.append(before)
                told = True
        elif piece == "}":
            depth -= 1
            told = told and depth > 0
        elif depth == 0:
            before = piece.strip()
    assert depth == 0, css
    return found


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_rules_for_dark_pages_are_rules(path: Path) -> None:
    root = ElementTree.fromstring(path.read_text("utf-8"))
    css = "".join(one.text or "" for one in root.iter("{http://www.w3.org/2000/svg}style"))
    outer = nested(css)
    assert all(re.fullmatch(r"@media\s*\([^()]+\)", prelude) for prelude in outer), outer
    assert len(outer) == css.count("media")


def test_a_slip_of_the_pen_is_found() -> None:
    dark = "(prefers-color-scheme:dark){.a{fill:#000}.b{fill:#111}}.c{fill:#222}"
    assert nested(".a{fill:#fff}@media " + dark) == ["@media (prefers-color-scheme:dark)"]
    assert nested(".a{fill:#fff} media " + dark) == ["media (prefers-color-scheme:dark)"]


def test_the_architecture_shows_every_service_that_compose_starts() -> None:
    services = set(read_compose({"TONGBU_SITE": "ketang.example.edu.cn"})["services"])
    drawn = (ROOT / "docs/architecture.svg").read_text("utf-8").lower()
    called = {"postgres": "postgresql", "seaweedfs": "s3 /", "edge": "(edge)"}
    assert {"caddy", "origin"} <= services
    assert {name for name in services if called.get(name, name) not in drawn} == set()


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_drawings_ask_for_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    ElementTree.fromstring(text)
    assert not re.search(r"<script|<image|xlink|@import|url\((?!#)|href=", text)
