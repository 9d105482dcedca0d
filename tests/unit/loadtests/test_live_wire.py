"""What simulated viewers understand of the wire, against our own servers' pieces."""

from __future__ import annotations

import gzip
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.live_wire import (
    BINARY,
    PING,
    PONG,
    Answer,
    PartName,
    WsFrame,
    decode_time,
    get_request,
    http_answer,
    parts_of,
    playlist_text,
    ws_frame,
    ws_pong,
    ws_text,
)


def frame(payload: bytes, opcode: int = BINARY) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((128 | opcode, size)) + payload
    if size < 1 << 16:
        return bytes((128 | opcode, 126)) + struct.pack(">H", size) + payload
    return bytes((128 | opcode, 127)) + struct.pack(">Q", size) + payload


@given(st.integers(0, 70_000), st.integers(0, 30))
def test_frames_of_every_length_are_found_where_they_lie(size: int, at: int) -> None:
    data = bytes(at) + frame(bytes(size)) + b"next"
    found = ws_frame(data, at)
    assert found is not None
    assert (found.opcode, found.end - found.start, data[found.end :]) == (BINARY, size, b"next")


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 9])
def test_a_head_that_is_cut_short_has_to_wait(cut: int) -> None:
    assert ws_frame(frame(bytes(70_000))[:cut], 0) is None


def test_a_ping_is_answered_with_its_payload_under_a_mask_of_zero() -> None:
    ping = frame(b"beat", PING)
    assert ws_frame(ping, 0) == WsFrame(PING, 2, 6)
    assert ws_pong(b"beat") == bytes((128 | PONG, 128 | 4)) + bytes(4) + b"beat"


@given(st.text(max_size=300))
def test_a_client_s_text_is_one_frame_under_a_mask_of_zero(text: str) -> None:
    payload = text.encode()
    made = ws_text(text)
    assert made[0] == 128 | 1
    wide = 2 if len(payload) >= 126 else 0
    size = int.from_bytes(made[2 : 2 + wide], "big") if wide else made[1] & 127
    assert made[1] & 128
    assert (size, made[2 + wide : 6 + wide], made[6 + wide :]) == (len(payload), bytes(4), payload)


def test_a_request_names_its_path_with_the_query_and_its_host() -> None:
    wanted = b"GET /live/x?token=k HTTP/1.1\r\nHost: city:80\r\nRange: bytes=0-1\r\n\r\n"
    assert get_request("http://city:80/live/x?token=k", "Range: bytes=0-1\r\n") == wanted


@pytest.mark.parametrize(
    ("box", "time"),
    [(b"\x01\0\0\0" + struct.pack(">Q", 1 << 40), 1 << 40),
     (b"\0\0\0\0" + struct.pack(">I", 7) + bytes(4), 7)],
)  # fmt: skip
def test_decode_time_of_both_versions(box: bytes, time: int) -> None:
    fragment = b"head" + b"\0\0\0\x40moof" + bytes(40) + b"\0\0\0\x14tfdt" + box
    assert decode_time(fragment, 4) == time
    assert decode_time(fragment[:-6], 4) is None
    assert decode_time(bytes(600), 0) is None


def test_an_answer_is_whole_when_its_body_is() -> None:
    text = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\ncontent-length: 5\r\n\r\nabcde"
    assert http_answer(text + b"HTTP") == Answer(200, len(text) - 5, len(text))
    assert http_answer(text[:-1]) is None
    assert http_answer(text[:30]) is None
    with pytest.raises(ValueError, match="Content-Length"):
        http_answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


PLAYLIST = """#EXTM3U
#EXT-X-PART:DURATION=0.200,URI="720p/11.9.m4s?token=e30.x_-y"
#EXTINF:2.000,
720p/11.m4s?token=e30.x_-y
#EXT-X-PART:DURATION=0.200,URI="720p/12.0.m4s?token=e30.x_-y",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="720p/12.1.m4s?token=e30.x_-y"
"""


def test_parts_are_named_and_the_hint_is_none_of_them() -> None:
    assert parts_of(PLAYLIST) == [
        PartName(11, 9, "720p/11.9.m4s?token=e30.x_-y"),
        PartName(12, 0, "720p/12.0.m4s?token=e30.x_-y"),
    ]
    assert playlist_text(gzip.compress(PLAYLIST.encode())) == playlist_text(PLAYLIST.encode())
