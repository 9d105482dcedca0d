"""What a browser sends over its publish WebSocket, made into tags. Pure.

The format stands in this folder's README. Annex B becomes FLV's form, parameter sets in front of a
keyframe become a header tag; Opus goes as enhanced RTMP. Times are rounded to milliseconds.

Spec: W3C WebCodecs AVC registration (annexb); Enhanced RTMP v2 (Opus); RFC 7845 5.1 (OpusHead).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from struct import pack, unpack_from
from typing import Any

from transcoder.live.avc import length_prefixed, make_avcc, split_annex_b
from transcoder.live.errors import BadContribution, Refusal, Refused
from transcoder.live.flv import Hints, Kind, Tag, make_hints

HELLO_LIMIT_CHARACTERS = 4096
HEAD_BYTES = 9
PICTURE_LIMIT_BYTES = 4 << 20
SOUND_LIMIT_BYTES = 64 << 10
MESSAGE_LIMIT_BYTES = PICTURE_LIMIT_BYTES + HEAD_BYTES
KEYFRAME, PICTURE, SOUND = 1, 2, 3
CHANNELS_LIMIT = 2
OPUS_RATE_HZ = 48_000
_TIME_MASK = (1 << 32) - 1


class Container(Enum):
    """How the browser's media comes."""

    WEBCODECS = "webcodecs"
    WEBM = "webm"


@dataclass(frozen=True, slots=True)
class Hello:
    """What a browser is going to send. `foreign`: a picture that FLV cannot carry (VP8, VP9)."""

    container: Container
    picture: bool
    channels: int
    hints: Hints
    foreign: bool = False


def read_hello(text: str) -> Hello:
    """Read a browser's first message. Raises: Refused."""
    if len(text) > HELLO_LIMIT_CHARACTERS:
        raise _bad("the first message is too long")
    try:
        said: Any = json.loads(text)
        if said["type"] != "publish":
            raise _bad("the first message must have type publish")
        container = Container(said.get("container", "webcodecs"))
        video, audio = said.get("video"), said.get("audio")
        return _checked(container, video, audio)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise _bad("the first message must say container, video and audio") from None


def _checked(container: Container, video: Any, audio: Any) -> Hello:
    if video is None and audio is None:
        raise _bad("there must be a picture or sound")
    webcodecs = container is Container.WEBCODECS
    if video is not None and webcodecs and not str(video["codec"]).startswith("avc1."):
        raise _bad("the picture must be H.264 (avc1)")
    channels = 0
    if audio is not None:
        channels = int(audio.get("channels", 1))
        if webcodecs and (audio["codec"] != "opus" or not 1 <= channels <= CHANNELS_LIMIT):
            raise _bad("sound must be Opus with one or two channels")
    size = video or {}
    hints = make_hints(size.get("width"), size.get("height"), size.get("fps"))
    foreign = video is not None and str(video.get("codec", "")).startswith("vp")
    return Hello(container, video is not None, channels, hints, foreign)


def _bad(sentence: str) -> Refused:
    return Refused(Refusal.HELLO, sentence)


class BrowserFrames:
    """Messages of one connection, in order, to tags."""

    def __init__(self, hello: Hello) -> None:
        self._hello = hello
        self._avcc = b""
        self._sounds = False

    def take(self, message: bytes) -> list[Tag]:
        """Read a binary message. Raises: BadContribution."""
        if len(message) <= HEAD_BYTES:
            raise BadContribution("a message without media")
        kind, micros = unpack_from(">BQ", message)
        time_ms = (micros + 500) // 1000 & _TIME_MASK
        payload = message[HEAD_BYTES:]
        if kind == SOUND and self._hello.channels:
            return list(self._sound(payload, time_ms))
        if kind in (KEYFRAME, PICTURE) and self._hello.picture:
            return list(self._picture(payload, time_ms, key=kind == KEYFRAME))
        raise BadContribution(f"a message of kind {kind}, which was not said in the hello")

    def _picture(self, payload: bytes, time_ms: int, *, key: bool) -> Iterator[Tag]:
        if len(payload) > PICTURE_LIMIT_BYTES:
            raise BadContribution(f"a picture of {len(payload)} bytes")
        nals = split_annex_b(payload)
        avcc = make_avcc(nals) if key else None
        if avcc is not None and avcc != self._avcc:
            self._avcc = avcc
            yield Tag(Kind.VIDEO, time_ms, b"\x17\0\0\0\0" + avcc)
        if key and not self._avcc:
            raise BadContribution("a keyframe without SPS and PPS: encode with avc format annexb")
        yield Tag(
            Kind.VIDEO, time_ms, (b"\x17" if key else b"\x27") + b"\1\0\0\0" + length_prefixed(nals)
        )

    def _sound(self, payload: bytes, time_ms: int) -> Iterator[Tag]:
        if len(payload) > SOUND_LIMIT_BYTES:
            raise BadContribution(f"a packet of sound of {len(payload)} bytes")
        if not self._sounds:
            self._sounds = True
            head = pack("<BBHIhB", 1, self._hello.channels, 0, OPUS_RATE_HZ, 0, 0)
            yield Tag(Kind.AUDIO, time_ms, b"\x90OpusOpusHead" + head)
        yield Tag(Kind.AUDIO, time_ms, b"\x91Opus" + payload)
