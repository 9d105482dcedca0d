"""The words of a relay: round trips, and what no edge may be told."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.media import Media
from streaming.edge.relayed import SILENCE_S
from streaming.errors import BadMedia
from streaming.live.channel import RENDITIONS_LIMIT
from streaming.live.events import ChannelState
from streaming.live.port import LiveRendition
from streaming.live.relay import (
    KNOWN_LIMIT_BYTES,
    MEDIA_BYTES,
    MESSAGE_LIMIT_BYTES,
    Announced,
    Closed,
    Fragments,
    Known,
    Lost,
    Message,
    RunBegun,
    Standing,
    asked_at_once,
    asked_of,
    asking,
    decode,
    encode,
    written,
)
from streaming.live.segments import Opening, Segment

SEGMENTS = tuple(
    Segment(n, 0, n == 7, 1_795_600_000.25 + n, n * 30_720, 30_720, 1000 + n, gap=n == 8)
    for n in range(5, 10)
)
MESSAGES: tuple[Message, ...] = (
    Standing(
        ChannelState.LIVE,
        1_795_600_000.125,
        (
            Announced(1, LiveRendition("720p", Media.VIDEO, 0, 1_900_000, (30_000, 1001)), False),
            Announced(2, LiveRendition("aac", Media.AUDIO, 0, 128_000), True),
        ),
    ),
    Known(1, (b"one", b"other"), 3, 3072, 512, SEGMENTS),
    Known(2, (b"one",), 0, 0, 0, ()),
    RunBegun(16, 700, 3072, 512, b"init"),
    Fragments(3, Opening(4_000_000_000, True, 1_795_600_000.5), 1_795_600_001.25, b"moof mdat"),
    Closed(2, SEGMENTS[3]),
    Lost(12),
)


@pytest.mark.parametrize("message", MESSAGES)
def test_what_is_written_is_read(message: Message) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("size", [1, MEDIA_BYTES, MEDIA_BYTES + 1, 5 * MEDIA_BYTES])
def test_long_fragments_go_out_as_several(size: int) -> None:
    whole = Fragments(3, Opening(4, True, 1_795_600_000.5), 1_795_600_001.25, bytes(size))
    found = [decode(piece) for piece in written(whole)]
    assert len(found) == -(-size // MEDIA_BYTES)
    assert all(isinstance(one, Fragments) and len(one.data) <= MEDIA_BYTES for one in found)
    joined = b"".join(one.data for one in found if isinstance(one, Fragments))
    assert {replace(one, data=joined) for one in found if isinstance(one, Fragments)} == {whole}


@pytest.mark.parametrize("message", MESSAGES)
def test_what_is_short_or_no_media_goes_out_whole(message: Message) -> None:
    assert [decode(piece) for piece in written(message)] == [message]


def test_each_comes_within_a_silence_where_sound_gets_through() -> None:
    (first, *_) = written(Fragments(3, Opening(4, True, 0.5), 1.25, bytes(2 * MEDIA_BYTES)))
    assert 8 * len(first) / SILENCE_S < 64_000


def test_an_hour_is_known_in_a_few_kilobytes() -> None:
    hour = tuple(
        Segment(n, 0, False, 1_795_600_000.0 + 2 * n, n * 30_720, 30_720, 400_000 + n * 37 % 999)
        for n in range(1800)
    )
    assert len(encode(Known(1, (bytes(700),), 0, 3072, 512, hour))) < 24_000


def test_asking() -> None:
    assert asked_of(asking({"720p", "aac"})) == frozenset({"720p", "aac"})
    assert asked_of(asking(())) == frozenset()
    assert asked_at_once("720p,aac,") == frozenset({"720p", "aac"})
    assert asked_at_once("") == frozenset()
    assert asked_at_once(",".join(map(str, range(RENDITIONS_LIMIT + 1)))) == frozenset()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"type":"rung","names":[]}', '{"type":"rungs","names":"720p"}',
     '{"type":"rungs","names":[1]}', "[" * 100_000,
     json.dumps({"type": "rungs", "names": ["a"] * 17})],
)  # fmt: skip
def test_what_asks_nothing(text: str) -> None:
    assert asked_of(text) is None


def packed(said: object, inits: bytes = b"") -> bytes:
    text = json.dumps(said).encode()
    return b"\x01\x01" + zlib.compress(len(text).to_bytes(4, "big") + text + inits)


FINE = {"discontinuities": 0, "part": 1, "frame": 1, "inits": [2], "segments": []}
ROW = [1, 0, 0, 1.5, 0, 5, 5, 0]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x01", b"\x09\x01", b"\x03\x01\x00", b"\x03\x00" + bytes(21),
        b"\x03\x11" + bytes(21),
        b"\x01\x01nonsense", b"\x02\x01", bytes([3, 1]) + bytes(MESSAGE_LIMIT_BYTES),
        b"\x01\x01" + zlib.compress(bytes(KNOWN_LIMIT_BYTES + 1)),
        packed(FINE), packed({**FINE, "inits": [-1]}, b"ab"), packed({**FINE, "part": -1}, b"ab"),
        packed({**FINE, "segments": [ROW, ROW]}, b"ab"),
        packed({**FINE, "segments": [[1, 1, *ROW[2:]]]}, b"ab"),
        packed({**FINE, "segments": [["1", *ROW[1:]]]}, b"ab"),
        packed([], b"ab"), packed({**FINE, "inits": [True]}, b"ab"),
        "", "[]", '{"type":"other"}', '{"type":"standing"}', "[" * 100_000,
        '{"type":"left","id":true,"segment":[]}', '{"type":"lost","number":null}',
        '{"type":"standing","state":"odd","anchor":1,"renditions":[]}',
        json.dumps({"type": "standing", "state": "live", "anchor": 1, "renditions": [{}] * 17}),
    ],
)  # fmt: skip
def test_nonsense_is_refused(data: bytes | str) -> None:
    with pytest.raises(BadMedia):
        decode(data)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_anything_is_a_message_or_refused(data: bytes | str) -> None:
    try:
        decode(data)
    except BadMedia:
        return
