"""Folding, pieces, pairs; and that a phrase of pairs is a substring search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.search.query import Character, Phrase, Run, parse
from catalog.search.text import characters, fold, pairs, tokens

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
SMALL = st.sampled_from("物理勾股定力學学数理物的e5A ，-")
TITLE = st.text(st.one_of(HAN, SMALL), max_size=24)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("ＣＯ２ 与Ｏ２", "co2 与o2"),
        ("八年級物理下冊", "八年级物理下册"),
        ("數學與電腦", "数学与电脑"),
        ("⼀⼆", "一二"),
        ("e平台", "e平台"),
    ],
)
def test_width_case_and_traditional_characters_fold(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("勾股定理", ["勾股", "股定", "定理", "理"]),
        ("5g网络", ["5g", "网络", "络"]),
        ("实验:co2和o2", ["实验", "验", "co2", "和", "o2"]),
        ("a" * 100, ["a" * 40]),
        (" ，-_\0\n", []),
    ],
)
def test_text_becomes_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_one_character_is_its_own_pair() -> None:
    assert pairs("理") == ["理"]
    assert pairs("物理学") == ["物理", "理学"]


def test_each_character_is_listed_once() -> None:
    assert sorted(characters("物理a物理学").split()) == sorted("物理学")
    assert characters("a1") == ""


def holds(row: list[str], part: list[str]) -> bool:
    return any(row[i : i + len(part)] == part for i in range(len(row) - len(part) + 1))


def found_in(title: str, query: str) -> bool:
    row = tokens(fold(title))
    for word in parse(query).words:
        match word:
            case Run(pairs=part):
                if not holds(row, list(part)):
                    return False
            case Character(character=one):
                if not any(token.startswith(one) for token in row):
                    return False
            case other:
                pytest.fail(f"{other} is not Han")
    return True


@given(TITLE, st.text(HAN, min_size=1, max_size=6), TITLE)
def test_a_part_of_a_title_finds_it(before: str, part: str, after: str) -> None:
    assert found_in(before + part + after, part)


@given(TITLE, st.text(st.one_of(st.sampled_from("物理勾股定力學"), HAN), min_size=1, max_size=4))
def test_what_is_found_holds_the_query(title: str, part: str) -> None:
    assert found_in(title, part) == (fold(part) in fold(title))


@given(st.text(max_size=40))
def test_any_text_can_be_folded_and_asked_for(text: str) -> None:
    assert tokens(fold(text)) == tokens(fold(fold(text)))
    for word in parse(text).words:
        assert not isinstance(word, Phrase) or word.tokens
