"""The rules of a lesson's fields."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.errors import Invalid
from catalog.ids import make_id
from catalog.metadata import (
    FILENAME_LIMIT_CHARS,
    TITLE_LIMIT_CHARS,
    clean,
    clean_filename,
    split_list,
    title_of,
)

KEY = make_id(1_795_000_000_000, 7)


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("title", "  分数 \t", "分数"),
        ("title", "e\u0301", "\u00e9"),
        ("title", "<b>'; drop", "<b>'; drop"),
        ("description", "a\r\nb\tc", "a\nb\tc"),
        ("stage", "小学", "primary"),
        ("grade", "初一", "g7"),
        ("grade", "", ""),
        ("subject", "初中物理", "physics"),
        ("edition", "部编版", "unified"),
        ("visibility", "Public", "public"),
        ("tags", ["a", "a", " b "], ["a", "b"]),
        ("knowledge_points", [], []),
        ("series_id", "", None),
        ("school_id", KEY, KEY),
        ("teacher_id", None, None),
        ("position", 0, 0),
        ("position", None, None),
    ],
)
def test_what_is_kept(field: str, given: Any, kept: Any) -> None:
    assert clean({field: given}) == {field: kept}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("title", ""),
        ("title", " "),
        ("title", "x" * (TITLE_LIMIT_CHARS + 1)),
        ("title", "x" * 10_000_000),
        ("title", "a\nb"),
        ("title", "a\x7fb"),
        ("title", "\ud800"),
        ("title", 5),
        ("description", "x" * 4001),
        ("description", "\x00"),
        ("grade", "十三年级"),
        ("visibility", ""),
        ("tags", ["x" * 41]),
        ("tags", ["x"] * 31),
        ("tags", [""]),
        ("tags", [1]),
        ("tags", "x"),
        ("series_id", "1"),
        ("school_id", "../../etc"),
        ("position", -1),
        ("position", True),
        ("position", 100_001),
        ("position", "1"),
    ],
)
def test_what_is_refused_names_its_field(field: str, given: Any) -> None:
    with pytest.raises(Invalid) as refused:
        clean({field: given})
    assert list(refused.value.fields) == [field]


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        clean({"title": "", "grade": "x", "subject": "数学", "position": -1})
    assert sorted(refused.value.fields) == ["grade", "position", "title"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("第一课.mp4", "第一课.mp4"),
        ("../../etc/passwd", "passwd"),
        ("C:\\视频\\a.mp4", "a.mp4"),
        ("", "video"),
        ("..", "video"),
        ("a/", "video"),
        ("x" * 1000 + "/a.mp4", "a.mp4"),
    ],
)
def test_file_names(given: str, kept: str) -> None:
    assert clean_filename(given) == kept


@pytest.mark.parametrize(
    "given", ["a\x00.mp4", "a\n.mp4", "x" * (FILENAME_LIMIT_CHARS + 1), "a\u202e4pm.exe"]
)
def test_file_names_that_are_refused(given: str) -> None:
    with pytest.raises(Invalid):
        clean_filename(given)


@pytest.mark.parametrize(
    ("filename", "title"),
    [
        ("分数_第一课.mp4", "分数 第一课"),
        ("no extension", "no extension"),
        (".mp4", ".mp4"),
        ("x" * 250 + ".mp4", "x" * TITLE_LIMIT_CHARS),
    ],
)
def test_titles_from_file_names(filename: str, title: str) -> None:
    assert title_of(filename) == title


def test_lists_in_any_punctuation() -> None:
    assert split_list("重点，难点、 a;b；c,,") == ["重点", "难点", "a", "b", "c"]
