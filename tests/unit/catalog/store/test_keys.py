"""The layout of keys and the gate for foreign ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.ids import new_id
from catalog.store import keys
from catalog.store.port import KEY_LIMIT_BYTES
from streaming.live.rows import segment_key

LESSON = "01hzzzzzzzzzzzzzzzzz"


def test_the_layout() -> None:
    assert keys.source_key(LESSON, 2) == f"source/{LESSON}/2"
    assert keys.media_key(LESSON, 2, "v720", 7, 3) == f"media/{LESSON}/2/v720/000007-a3.mp4"
    assert keys.side_key(LESSON, 2, "poster", 3, 0) == f"side/{LESSON}/2/poster-a3-0"
    assert keys.check_key(LESSON) == f"check/{LESSON}"


def test_every_key_that_is_made_is_one_of_ours() -> None:
    lesson = new_id()
    made = [keys.source_key(lesson, 1), keys.media_key(lesson, 1, "v720-h264", 10**7, 1),
            keys.side_key(lesson, 1, "sprite", 1, 99), keys.check_key(lesson),
            segment_key(lesson, 1, "720p-r2", 10**7, -90_000)]  # fmt: skip
    assert all(map(keys.is_key, made))


@pytest.mark.parametrize(
    "text",
    ["", "/", "/a", "a/", "a//b", "..", "a/../b", "a/.b", ".tmp", "-a", "a b", "a\nb", "a\x00",
     "课", "a\\b", "a?b", "a%2f", "a\n"],
)  # fmt: skip
def test_what_is_no_key_of_ours(text: str) -> None:
    assert not keys.is_key(text)
    with pytest.raises(ValueError, match="not a key"):
        keys.require_key(text)


def test_the_longest_key() -> None:
    assert keys.is_key("a" * KEY_LIMIT_BYTES)
    assert not keys.is_key("a" * (KEY_LIMIT_BYTES + 1))


@pytest.mark.parametrize("prefix", ["", "media/", "media/01h", "media/01h/1/"])
def test_prefixes(prefix: str) -> None:
    assert keys.require_prefix(prefix) == prefix


@pytest.mark.parametrize("prefix", ["/", "../", "a//", ".tmp/", "a b"])
def test_what_is_no_prefix(prefix: str) -> None:
    with pytest.raises(ValueError, match="not a prefix"):
        keys.require_prefix(prefix)


@given(st.text(max_size=40))
def test_no_key_leaves_its_directory(text: str) -> None:
    if keys.is_key(text):
        assert not {"", ".", ".."} & set(text.split("/"))
