"""Queries become trees."""

from __future__ import annotations

import pytest

from catalog.errors import Invalid
from catalog.search.query import (
    QUERY_LIMIT_CHARS,
    WORDS_LIMIT,
    Beginning,
    Character,
    Letters,
    Node,
    Phrase,
    Query,
    Run,
    parse,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("勾股定理", [Run(("勾股", "股定", "定理"))]),
        ("勾股 定理", [Run(("勾股",)), Run(("定理",))]),
        ("物", [Character("物")]),
        ("物理 ，物理！", [Run(("物理",))]),
        ("5G网络", [Beginning("5g"), Run(("网络",))]),
        ("CO2", [Beginning("co2")]),
        ("e平台", [Letters("e"), Run(("平台",))]),
        ("gougu DINGLI", [Letters("gougu"), Letters("dingli")]),
        ('"5G网络"', [Phrase(("5g", "网络"), open=False)]),
        ("“网络5G”", [Phrase(("网络", "络", "5g"), open=False)]),
        ("「5G网」", [Phrase(("5g", "网"), open=True)]),
        ('"勾股定理" 证明', [Run(("勾股", "股定", "定理")), Run(("证明",))]),
        ('"勾股', [Run(("勾股",))]),
        ('"" “，”', []),
        ("電學", [Run(("电学",))]),
        ("'; drop table lesson--", [Letters("drop"), Letters("table"), Letters("lesson")]),
        ("\0\x07", []),
    ],
)
def test_words(text: str, words: list[Node]) -> None:
    assert parse(text).words == tuple(words)


def test_the_whole_is_kept_for_exact_titles() -> None:
    assert parse(" 勾股-定理 ").whole == "勾股定理"


def test_nothing_typed_finds_everything() -> None:
    assert parse("  ") == Query()


def test_a_long_query_is_refused() -> None:
    parse("理" * QUERY_LIMIT_CHARS)
    with pytest.raises(Invalid, match="at most"):
        parse("理" * (QUERY_LIMIT_CHARS + 1))


def test_words_beyond_the_limit_are_left_out() -> None:
    assert len(parse(" ".join(f"w{i}" for i in range(WORDS_LIMIT + 9))).words) == WORDS_LIMIT
