"""Media messages as they go over the wire, made once for all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.live.frame import Kind, frame_of, header


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "8200"), (125, "827d"), (126, "827e007e"), (65_535, "827effff"),
     (65_536, "827f0000000000010000")],
)  # fmt: skip
def test_the_head_says_how_long_the_message_is(size: int, expected: str) -> None:
    assert header(0x82, size).hex() == expected


@given(st.sampled_from([0, 1, 121, 122, 65_531, 65_532, 70_000]), st.integers(0, 65_535))
def test_the_message_is_what_stands_behind_the_head(size: int, run: int) -> None:
    frame = frame_of(7, Kind.PICTURE, run, 0, bytes(size))
    assert frame.message == bytes((7, 2)) + run.to_bytes(2, "big") + bytes(size)
    assert frame.wire == header(0x82, 4 + size) + frame.message
