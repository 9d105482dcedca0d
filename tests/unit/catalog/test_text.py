"""What text from outside may be."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.text import NAME_LIMIT_CHARS, is_plain, line, prose


@pytest.mark.parametrize(
    "text",
    [
        "光的折射",
        "Ohm's law; drop table lesson; --",
        "<script>alert(1)</script>",
        "أهلا",
        "𠮷野家",
        "👩🏽‍🏫",
    ],
)
def test_words_in_any_script_stay_as_they_are(text: str) -> None:
    assert line(text, "title") == text


def test_text_is_trimmed_and_composed() -> None:
    assert line("  e\u0301cole ", "title") == "école"


@pytest.mark.parametrize(
    "char", ["\x00", "\n", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\ud800"]
)
def test_characters_that_hide_or_break_are_refused(char: str) -> None:
    with pytest.raises(Invalid, match="control") as caught:
        line(f"a{char}b", "title")
    assert set(caught.value.fields) == {"title"}


def test_the_limit_counts_characters_and_holds_exactly() -> None:
    assert line("课" * NAME_LIMIT_CHARS, "name") == "课" * NAME_LIMIT_CHARS
    with pytest.raises(Invalid, match="longer than 100"):
        line("课" * (NAME_LIMIT_CHARS + 1), "name")


def test_ten_megabytes_are_refused_without_work() -> None:
    text = "e\u0301" * 5_000_000
    began = time.perf_counter()
    with pytest.raises(Invalid):
        line(text, "title")
    assert time.perf_counter() - began < 0.05


def test_empty_is_for_fields_that_allow_it() -> None:
    assert line(" ", "chapter", empty=True) == ""
    with pytest.raises(Invalid, match="empty"):
        line(" ", "title")


def test_prose_keeps_lines_and_refuses_the_rest() -> None:
    assert prose("一\r\n二\tx\n", "description") == "一\n二\tx"
    with pytest.raises(Invalid):
        prose("a\x00", "description")


@given(st.text(max_size=300))
def test_what_passes_is_stable_plain_and_encodable(text: str) -> None:
    try:
        kept = line(text, "title", empty=True)
    except Invalid:
        return
    assert line(kept, "title", empty=True) == kept
    assert is_plain(kept)
    assert unicodedata.is_normalized("NFC", kept)
    kept.encode()
