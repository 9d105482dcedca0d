"""The browser's hello and frames: exact tags, and what is refused."""

from __future__ import annotations

import contextlib
import json
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.browser_media import HELLO
from tests.support.live_tags import AVCC, PPS, SPS, A, V
from transcoder.live.errors import BadContribution, Refused
from transcoder.live.flv import Hints, Tag
from transcoder.live.webcodecs import (
    HELLO_LIMIT_CHARACTERS,
    PICTURE_LIMIT_BYTES,
    SOUND_LIMIT_BYTES,
    BrowserFrames,
    Container,
    Hello,
    read_hello,
)

BOTH = Hello(Container.WEBCODECS, True, 1, Hints(640, 360, 30.0))
IDR = b"\0\0\0\1" + SPS + b"\0\0\0\1" + PPS + b"\0\0\0\1\x65idr"


def message(kind: int, micros: int, payload: bytes) -> bytes:
    return pack(">BQ", kind, micros) + payload


def test_a_hello_is_read() -> None:
    assert read_hello(json.dumps(HELLO)) == BOTH
    webm = {"type": "publish", "container": "webm", "video": {"codec": "h264"}, "audio": None}
    foreign = webm | {"video": {"codec": "vp8"}}
    assert read_hello(json.dumps(foreign)).foreign
    assert read_hello(json.dumps(webm)) == Hello(Container.WEBM, True, 0, Hints())


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "watch"},
        {"container": "avi"},
        {"video": None, "audio": None},
        {"video": {"codec": "vp8"}},
        {"video": {}},
        {"video": 7},
        {"audio": {"codec": "mp3"}},
        {"audio": {"codec": "opus", "channels": 6}},
        {"audio": {"codec": "opus", "channels": "many"}},
        {"audio": {"codec": "opus", "channels": [1]}},
    ],
)
def test_a_wrong_hello(changed: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        read_hello(json.dumps(HELLO | changed))


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "{", "[" * 4000, " " * HELLO_LIMIT_CHARACTERS + "{"]
)
def test_no_hello(text: str) -> None:
    with pytest.raises(Refused):
        read_hello(text)


def test_frames_become_tags() -> None:
    frames = BrowserFrames(BOTH)
    assert frames.take(message(1, 1_000_499, IDR)) == [
        Tag(V, 1_000, b"\x17\0\0\0\0" + AVCC),
        Tag(V, 1_000, b"\x17\1\0\0\0\0\0\0\4\x65idr"),
    ]
    assert frames.take(message(2, 1_033_500, b"\0\0\1\x41p")) == [
        Tag(V, 1_034, b"\x27\1\0\0\0\0\0\0\2\x41p")
    ]
    assert frames.take(message(1, 2_000_000, IDR))[0].data[1] == 1
    head = b"OpusHead\1\1\0\0\x80\xbb\0\0\0\0\0"
    assert frames.take(message(3, 7, b"opus")) == [
        Tag(A, 0, b"\x90Opus" + head),
        Tag(A, 0, b"\x91Opusopus"),
    ]
    assert frames.take(message(3, 20_007, b"more")) == [Tag(A, 20, b"\x91Opusmore")]


def test_times_wrap_like_those_of_rtmp() -> None:
    (tag,) = BrowserFrames(BOTH).take(message(2, (1 << 32) * 1000 + 5_000, b"\0\0\1\x41p"))
    assert tag.time_ms == 5


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "without media"),
        (message(1, 0, b""), "without media"),
        (message(9, 0, b"a"), "of kind 9"),
        (message(1, 0, b"no annex b"), "start code"),
        (message(1, 0, b"\0\0\1\x65idr"), "without SPS"),
        (message(2, 0, bytes(PICTURE_LIMIT_BYTES + 1)), "a picture of"),
        (message(3, 0, bytes(SOUND_LIMIT_BYTES + 1)), "a packet of sound"),
    ],
)
def test_wrong_messages(data: bytes, sentence: str) -> None:
    with pytest.raises(BadContribution, match=sentence):
        BrowserFrames(BOTH).take(data)


def test_only_what_was_said_is_taken() -> None:
    with pytest.raises(BadContribution, match="not said"):
        BrowserFrames(Hello(Container.WEBCODECS, True, 0, Hints())).take(message(3, 0, b"a"))
    with pytest.raises(BadContribution, match="not said"):
        BrowserFrames(Hello(Container.WEBCODECS, False, 1, Hints())).take(message(2, 0, IDR))


@given(st.lists(st.binary(max_size=40), max_size=4), st.integers(1, 3))
def test_any_bytes_are_tags_or_are_refused(payloads: list[bytes], kind: int) -> None:
    frames = BrowserFrames(BOTH)
    for payload in payloads:
        with contextlib.suppress(BadContribution):
            frames.take(message(kind, 0, b"\0\0\1" + payload))
