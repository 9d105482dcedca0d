"""Chunks: each form of header, extended timestamps, control messages, limits, any pieces."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcoder.live.chunks import (
    ABORT,
    CHUNK_SIZE_LIMIT_BYTES,
    CHUNK_STREAMS_LIMIT,
    MESSAGE_LIMIT_BYTES,
    PENDING_LIMIT_BYTES,
    SET_CHUNK_SIZE,
    ChunkReader,
    Message,
    write_message,
)
from transcoder.live.errors import BadContribution


def read(*pieces: bytes) -> list[Message]:
    """All messages of these bytes."""
    reader, found = ChunkReader(), list[Message]()
    for piece in pieces:
        reader.feed(piece)
        while (message := reader.next()) is not None:
            found.append(message)
    return found


def head(form: int, number: int, time: int, length: int = 0, kind: int = 9) -> bytes:
    """A chunk header."""
    fields = time.to_bytes(3, "big") + length.to_bytes(3, "big") + bytes([kind]) + pack("<I", 1)
    return bytes([form << 6 | number]) + fields[: (11, 7, 3, 0)[form]]


def set_chunk_size(size: int) -> bytes:
    return write_message(Message(SET_CHUNK_SIZE, 0, 0, pack(">I", size)), 2, 128)


def test_each_form_leans_on_the_one_before() -> None:
    data = head(0, 4, 1000, 2) + b"ab" + head(1, 4, 40, 3, 8) + b"abc"
    data += head(2, 4, 33) + b"def" + head(3, 4, 0) + b"ghi"
    assert read(data) == [
        Message(9, 1, 1000, b"ab"),
        Message(8, 1, 1040, b"abc"),
        Message(8, 1, 1073, b"def"),
        Message(8, 1, 1106, b"ghi"),
    ]


def test_form_three_after_form_zero_repeats_its_time_as_the_delta() -> None:
    assert [m.time_ms for m in read(head(0, 4, 23, 1) + b"a" + head(3, 4, 0) + b"b")] == [23, 46]


def test_messages_of_two_streams_lie_between_each_other() -> None:
    one, other = bytes(200), b"\1" * 150
    data = head(0, 4, 0, 200) + one[:128] + head(0, 6, 5, 150, 8) + other[:128]
    data += head(3, 6, 0) + other[128:] + head(3, 4, 0) + one[128:]
    assert read(data) == [Message(8, 1, 5, other), Message(9, 1, 0, one)]


@pytest.mark.parametrize("number", [2, 63])
def test_short_stream_numbers(number: int) -> None:
    assert read(head(0, number, 7, 1) + b"a") == [Message(9, 1, 7, b"a")]


def test_long_stream_numbers() -> None:
    rest = head(0, 0, 7, 1)[1:] + b"a"
    assert len(read(b"\x00\x05" + rest, b"\x01\x05\x01" + rest)) == 2


def test_extended_times_with_and_without_repetition() -> None:
    stamp = 0xFF_FFFF + 20
    payload = bytes(range(200))
    sent = write_message(Message(9, 1, stamp, payload), 4, 128)
    assert read(sent) == [Message(9, 1, stamp, payload)]
    without = head(0, 4, 0xFF_FFFF, 200) + pack(">I", stamp) + payload[:128]
    without += head(3, 4, 0) + payload[128:]
    assert read(without) == [Message(9, 1, stamp, payload)]


def test_time_wraps_at_32_bits() -> None:
    data = head(0, 4, 0xFF_FFFF, 1) + b"\xff\xff\xff\xf0a" + head(2, 4, 32) + b"b"
    assert [m.time_ms for m in read(data)] == [0xFFFF_FFF0, 16]


def test_a_message_may_be_empty() -> None:
    assert read(head(0, 4, 0, 0, 8) + head(0, 4, 1, 1) + b"a")[0] == Message(8, 1, 0, b"")


def test_chunk_size_is_set_and_a_message_aborted() -> None:
    data = head(0, 4, 0, 300) + bytes(128)
    data += write_message(Message(ABORT, 0, 0, pack(">I", 4)), 2, 128)
    data += set_chunk_size(300) + head(0, 4, 9, 300) + b"x" * 300
    assert read(data) == [Message(9, 1, 9, b"x" * 300)]


def test_abort_of_what_is_not_begun_changes_nothing() -> None:
    data = write_message(Message(ABORT, 0, 0, pack(">I", 4)), 2, 128)
    assert read(data + head(0, 4, 9, 1) + b"x") == [Message(9, 1, 9, b"x")]


def streams(count: int) -> list[bytes]:
    """A message of one byte on each of so many chunk streams."""
    return [b"\0" + bytes([number]) + head(0, 0, 0, 1)[1:] + b"a" for number in range(count)]


def begun(number: int) -> bytes:
    """The first megabyte of the longest message."""
    return head(0, number, 0, MESSAGE_LIMIT_BYTES) + bytes(CHUNK_SIZE_LIMIT_BYTES)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (head(3, 4, 0), "never sent"),
        (head(0, 4, 0, 300) + bytes(128) + head(0, 4, 0, 1) + b"a", "inside of another"),
        (head(0, 4, 0, MESSAGE_LIMIT_BYTES + 1), "a message of"),
        (set_chunk_size(0), "chunks of 0 bytes"),
        (set_chunk_size(CHUNK_SIZE_LIMIT_BYTES + 1), "chunks of"),
        (head(0, 2, 0, 1, SET_CHUNK_SIZE) + b"a", "less than 4 bytes"),
        (b"".join(streams(CHUNK_STREAMS_LIMIT + 1)), "chunk streams"),
        (
            set_chunk_size(CHUNK_SIZE_LIMIT_BYTES)
            + b"".join(begun(number) for number in range(3, 5 + PENDING_LIMIT_BYTES // (1 << 20))),
            "begun messages",
        ),
    ],
)
def test_limits(data: bytes, sentence: str) -> None:
    with pytest.raises(BadContribution, match=sentence):
        read(data)


messages = st.lists(
    st.builds(
        Message,
        st.sampled_from([8, 9, 18]),
        st.just(1),
        st.integers(0, (1 << 32) - 1),
        st.binary(max_size=400),
    ),
    max_size=5,
)


@given(messages, st.integers(1, 300), st.data())
def test_any_chunks_in_any_pieces_are_the_same_messages(
    some: list[Message], chunk_bytes: int, data: st.DataObject
) -> None:
    whole = set_chunk_size(chunk_bytes)
    whole += b"".join(write_message(one, 3 + i % 3, chunk_bytes) for i, one in enumerate(some))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert read(*pieces) == some
