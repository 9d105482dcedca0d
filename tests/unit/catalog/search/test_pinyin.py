"""Reading Chinese as pinyin, and letters as pinyin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.search.pinyin import (
    CUTS_LIMIT,
    LETTERS_LIMIT,
    cuts,
    initials_of,
    syllable_pairs,
    syllables_of,
)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("勾股定理", "gou gu ding li"),
        ("音乐", "yin yue"),
        ("重力与长度", "zhong li yu chang du"),
        ("绿色5g银行", "lv se yin hang"),
        ("co2", ""),
    ],
)
def test_text_is_read(text: str, read: str) -> None:
    assert syllables_of(text) == read.split()


def test_first_letters_come_in_pairs() -> None:
    assert initials_of(["gou", "gu", "ding", "li"]) == ["gg", "gd", "dl"]
    assert initials_of(["li"]) == []


@pytest.mark.parametrize(
    ("letters", "rows"),
    [
        ("wuli", [("wu", "li")]),
        ("wul", [("wu", "l")]),
        ("gougudingli", [("gou", "gu", "ding", "li")]),
        ("wl", []),
        ("ggdl", []),
        ("v" * 40, []),
        ("a" * (LETTERS_LIMIT + 1), []),
    ],
)
def test_letters_are_cut(letters: str, rows: list[tuple[str, ...]]) -> None:
    assert cuts(letters) == rows


def test_letters_with_two_readings_give_both() -> None:
    assert cuts("xian")[:2] == [("xian",), ("xi", "an")]


@given(st.text(st.sampled_from("anguiezhv"), max_size=LETTERS_LIMIT))
def test_cuts_are_few_and_whole(letters: str) -> None:
    rows = cuts(letters)
    assert len(rows) <= CUTS_LIMIT
    assert all("".join(row) == letters for row in rows if row)


def test_syllables_come_in_pairs_and_the_last_alone() -> None:
    assert syllable_pairs(["gou", "gu", "li"]) == ["gou'gu", "gu'li", "li'"]
    assert syllable_pairs([]) == []
