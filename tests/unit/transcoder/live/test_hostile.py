"""Whatever a publisher sends, it becomes tags or is refused in a sentence: nothing else happens.

Mutations of what real encoders send go deeper than noise. A crasher that hypothesis finds goes into
tests/corpus/rtmp or tests/corpus/browser.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.browser_media import HELLO
from tests.support.live_tags import AVCC, PPS, SOUND_HEADER, SPS, VIDEO_HEADER
from tests.support.rtmp import AUDIO, COMMAND, VIDEO, asking, command, fed, greeting, message
from transcoder.live.address import Address, make_address, read_address
from transcoder.live.amf import VALUES_LIMIT, read_values, write_values
from transcoder.live.avc import SET_LIMIT_BYTES, make_avcc, read_avcc, split_annex_b
from transcoder.live.errors import BadContribution, Refused
from transcoder.live.flv import (
    LARGEST_SIDE_PX,
    FileReader,
    Hints,
    Kind,
    Tag,
    look,
    make_hints,
    modern,
    read_hints,
    split_aggregate,
    write_header,
    write_tag,
)
from transcoder.live.rtmp import Phase, RtmpConnection
from transcoder.live.source import is_plain_sound, read_picture
from transcoder.live.webcodecs import (
    HELLO_LIMIT_CHARACTERS,
    BrowserFrames,
    Container,
    Hello,
    read_hello,
)

CORPUS = Path(__file__).parents[3] / "corpus" / "browser"
BOTH = Hello(Container.WEBCODECS, True, 2, Hints(1280, 720, 30.0))
START = b"\0\0\0\1"
KEYFRAME = b"\1" + bytes(8) + START + SPS + START + PPS + START + b"\x65idr"

numbers = st.floats() | st.integers(-(1 << 40), 1 << 40).map(float)
words = st.sampled_from(
    ["live", "app", "publish", "onMetaData", "@setDataFrame", "", "课", "x" * 300]
)
leaves = st.none() | st.booleans() | numbers | words
amf = st.recursive(leaves, lambda inner: st.dictionaries(words, inner, max_size=4), max_leaves=12)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner,
                                                                max_size=3),
    max_leaves=6,
)  # fmt: skip


def mutated(whole: bytes) -> st.SearchStrategy[bytes]:
    """Bytes with some overwritten, some cut out and some put in."""
    place = st.integers(0, max(0, len(whole) - 1))
    change = st.tuples(place, st.binary(max_size=4), st.integers(0, 4))

    def apply(changes: list[tuple[int, bytes, int]]) -> bytes:
        data = whole
        for at, put, taken in changes:
            data = data[:at] + put + data[at + taken :]
        return data

    return st.lists(change, min_size=1, max_size=4).map(apply)


def encoder_tags(tags: list[Tag]) -> None:
    """Do with tags all that an ingest does before ffmpeg sees them."""
    for tag in map(modern, tags):
        seen = look(tag)
        if tag.kind is Kind.AUDIO:
            is_plain_sound(tag, Hints(sound_bps=96_000))
        elif seen.codec is not None and seen.header:
            with contextlib.suppress(BadContribution):
                picture = read_picture(tag, Hints())
                assert 0 < picture.width_px <= LARGEST_SIDE_PX
                assert 1 <= picture.fps <= 120


@given(mutated(write_values("connect", 1, {"app": "live", "caps": [1.0] and 1, "a": {"b": None}})))
def test_amf_is_values_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadContribution):
        assert len(read_values(data)) <= VALUES_LIMIT


@given(st.lists(amf, max_size=4))
def test_a_command_of_any_values_is_answered_or_refused(values: list[Any]) -> None:
    names = ("connect", "createStream", "releaseStream", "FCPublish", "publish", "deleteStream")
    for name in names:
        connection = RtmpConnection()
        with contextlib.suppress(BadContribution):
            fed(connection, [greeting(), command(name, 1, *values), command(name, 2, *values)])
        assert connection.take_output().startswith(b"\x03")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 2, 3, 4, 5, 6, AUDIO, VIDEO, 15, 17, 18, COMMAND, 22, 255]),
            st.binary(max_size=40),
            st.integers(0, (1 << 32) - 1),
            st.integers(0, (1 << 32) - 1),
        ),
        max_size=8,
    )
)
def test_any_messages_of_a_publisher(some: list[tuple[int, bytes, int, int]]) -> None:
    sent = [message(kind, payload, time, stream) for kind, payload, time, stream in some]
    connection, found = RtmpConnection(), list[object]()
    with contextlib.suppress(BadContribution):
        found = fed(connection, [asking(), *sent])
    encoder_tags([one for one in found if isinstance(one, Tag)])
    if connection.phase is Phase.CLOSED:
        assert connection.receive(asking()) == []


@given(mutated(asking() + message(VIDEO, VIDEO_HEADER.data) + message(AUDIO, SOUND_HEADER.data)))
def test_no_media_comes_out_before_a_key_was_judged(data: bytes) -> None:
    connection = RtmpConnection()
    with contextlib.suppress(BadContribution):
        assert not [one for one in connection.receive(data) if isinstance(one, Tag)]


@given(mutated(write_header(video=True, audio=True) + write_tag(VIDEO_HEADER) +
               write_tag(SOUND_HEADER) + write_tag(Tag(Kind.VIDEO, 40, b"\x17\1\0\0\0pic"))),
       st.integers(1, 50))  # fmt: skip
def test_a_relays_flv_is_tags_or_refused(data: bytes, piece: int) -> None:
    reader, found = FileReader(), list[Tag | Hints]()
    with contextlib.suppress(BadContribution):
        for start in range(0, len(data), piece):
            found += reader.feed(data[start : start + piece])
    encoder_tags([one for one in found if isinstance(one, Tag)])


@given(mutated(write_tag(VIDEO_HEADER) + write_tag(SOUND_HEADER)), st.integers(0, (1 << 32) - 1))
def test_an_aggregate_is_tags_of_its_time_or_refused(data: bytes, time_ms: int) -> None:
    with contextlib.suppress(BadContribution):
        for tag in split_aggregate(data, time_ms):
            assert 0 <= tag.time_ms < 1 << 32


@given(st.sampled_from(Kind), st.binary(max_size=24))
def test_any_tag_is_looked_at(kind: Kind, data: bytes) -> None:
    encoder_tags([Tag(kind, 0, data), Tag(kind, 0, b"\x17\0\0\0\0" + data)])
    seen = look(modern(Tag(kind, 0, data)))
    assert not (seen.header and seen.keyframe)
    assert seen.codec is None or seen.body <= len(data) + 3


@given(mutated(AVCC))
def test_any_avc_header_is_a_picture_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadContribution):
        found = read_avcc(data)
        assert found.fps >= 0
        assert found.chroma >= 0


@given(json_values, json_values, json_values, json_values)
def test_hints_are_possible_whatever_is_said(width: Any, height: Any, fps: Any, bps: Any) -> None:
    hints = make_hints(width, height, fps, bps)
    assert 0 <= hints.width_px <= LARGEST_SIDE_PX
    assert 0 <= hints.height_px <= LARGEST_SIDE_PX
    assert 0 <= hints.fps <= 240
    assert 0 <= hints.sound_bps <= 2_000_000


@given(st.dictionaries(words, amf, max_size=4))
def test_metadata_of_any_shape(said: dict[str, Any]) -> None:
    hints = read_hints(write_values("onMetaData", said))
    assert hints is None or hints.fps <= 240


@given(st.dictionaries(st.sampled_from(["type", "container", "video", "audio"]), json_values),
       st.sampled_from(["video", "audio"]),
       st.dictionaries(st.sampled_from(["codec", "channels", "width", "height", "fps"]),
                       json_values))  # fmt: skip
def test_any_hello_is_read_or_refused(
    changed: dict[str, Any], part: str, inside: dict[str, Any]
) -> None:
    wanted: dict[str, Any] = HELLO | changed
    for said in (wanted, HELLO | {part: HELLO[part] | inside}):  # type: ignore[operator]
        with contextlib.suppress(Refused):
            hello = read_hello(json.dumps(said))
            assert hello.picture or hello.channels or hello.container is Container.WEBM
            assert hello.hints.width_px <= LARGEST_SIDE_PX


@given(st.text(max_size=200))
def test_any_text_is_a_hello_or_refused(text: str) -> None:
    with contextlib.suppress(Refused):
        read_hello(text)


@given(st.lists(mutated(KEYFRAME) | st.binary(max_size=30), max_size=5))
def test_any_frames_are_tags_or_refused(some: list[bytes]) -> None:
    frames = BrowserFrames(BOTH)
    for data in some:
        with contextlib.suppress(BadContribution):
            encoder_tags(frames.take(data))


@given(st.binary(max_size=80))
def test_nal_units_hold_no_start_code(data: bytes) -> None:
    with contextlib.suppress(BadContribution):
        for nal in split_annex_b(START + data):
            assert b"\0\0\1" not in nal
            assert nal[-1] != 0


@pytest.mark.parametrize("over", [0, 1, 70_000])
def test_a_set_that_its_record_cannot_hold_is_refused(over: int) -> None:
    sps = SPS + b"\1" * (SET_LIMIT_BYTES - len(SPS) + over)
    if not over:
        assert make_avcc([sps, PPS]) is not None
        return
    for sets in ([sps, PPS], [SPS, b"\x68" + sps]):
        with pytest.raises(BadContribution, match="parameter set of"):
            make_avcc(sets)


@given(st.text(max_size=40), st.text(max_size=80), st.text(max_size=20))
def test_any_address_is_one_or_refused(app: str, name: str, feed: str) -> None:
    with contextlib.suppress(Refused):
        assert isinstance(read_address(app, name), Address)
    with contextlib.suppress(Refused):
        assert isinstance(make_address(name, feed, app), Address)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.json")), ids=lambda path: path.stem)
def test_hellos_of_the_corpus(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text) <= HELLO_LIMIT_CHARACTERS
    with contextlib.suppress(Refused):
        read_hello(text)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.bin")), ids=lambda path: path.stem)
def test_frames_of_the_corpus(path: Path) -> None:
    frames = BrowserFrames(BOTH)
    for _ in range(2):
        with contextlib.suppress(BadContribution):
            encoder_tags(frames.take(path.read_bytes()))
    encoder_tags(frames.take(KEYFRAME[:1] + pack(">Q", 40_000) + KEYFRAME[9:]))


def test_the_corpus_is_there() -> None:
    assert len(list(CORPUS.iterdir())) > 10
