"""AMF0: round trips, every kind that encoders send, limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcoder.live.amf import DEPTH_LIMIT, VALUES_LIMIT, read_values, write_values
from transcoder.live.errors import BadContribution

leaves = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=40)
names = st.text(min_size=1, max_size=10)
values = st.recursive(leaves, lambda inner: st.dictionaries(names, inner, max_size=4), max_leaves=9)


@given(st.lists(values, max_size=5))
def test_what_is_written_is_read(some: list[object]) -> None:
    assert read_values(write_values(*some)) == some


def test_kinds_that_only_peers_write() -> None:
    ecma = b"\x08" + bytes(4) + b"\0\5width" + write_values(1280) + b"\0\0\x09"
    strict = b"\x0a\0\0\0\2" + write_values("hvc1", True)
    date = b"\x0b" + write_values(7.0)[1:] + b"\0\0"
    assert read_values(ecma + strict + date + b"\x06") == [
        {"width": 1280.0},
        ["hvc1", True],
        7.0,
        None,
    ]


def test_a_long_text_has_its_own_form() -> None:
    assert read_values(write_values("课" * 30_000)) == ["课" * 30_000]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x00\x40", "ends too early"),
        (b"\x02\x00\x09abc", "ends too early"),
        (b"\x07\x00\x00", "of a kind that no"),
        (b"\x03\x00\x01a", "ends too early"),
        (b"\x0a\xff\xff\xff\xff", "array of"),
        (b"\x03\x00\x01a" * (DEPTH_LIMIT + 1), "deep"),
        (b"\x05" * (VALUES_LIMIT + 1), f"more than {VALUES_LIMIT}"),
    ],
)
def test_what_is_no_amf_or_too_much(data: bytes, sentence: str) -> None:
    with pytest.raises(BadContribution, match=sentence):
        read_values(data)


def test_only_what_commands_need_is_written() -> None:
    with pytest.raises(TypeError):
        write_values([1])
