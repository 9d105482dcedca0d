"""FLV tags: what they are, written and read again, metadata, HEVC in the old form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcoder.live.amf import write_values
from transcoder.live.errors import BadContribution
from transcoder.live.flv import (
    HINT_LIMIT_BYTES,
    TAG_LIMIT_BYTES,
    FileReader,
    Hints,
    Kind,
    Look,
    Tag,
    TagReader,
    look,
    modern,
    read_hints,
    split_aggregate,
    write_header,
    write_hints,
    write_tag,
)

A, V = Kind.AUDIO, Kind.VIDEO


@pytest.mark.parametrize(
    ("kind", "data", "seen"),
    [
        (V, b"\x17\x00\0\0\0avcC", Look("h264", header=True, body=5)),
        (V, b"\x17\x01\0\0\0nal", Look("h264", keyframe=True, body=5)),
        (V, b"\x27\x01\0\0\0nal", Look("h264", body=5)),
        (V, b"\x17\x02\0\0\0", Look(None)),
        (V, b"\x22abcd", Look(None)),
        (V, b"\x17\x01", Look(None)),
        (V, b"", Look(None)),
        (V, b"\x90hvc1hvcC", Look("hevc", header=True, body=5)),
        (V, b"\x91hvc1\0\0\0nal", Look("hevc", keyframe=True, body=8)),
        (V, b"\xa3hvc1nal", Look("hevc", body=5)),
        (V, b"\x91av01obu", Look("av1", keyframe=True, body=5)),
        (V, b"\x94hvc1", Look(None)),
        (V, b"\x96hvc1", Look(None)),
        (V, b"\x91vp09", Look(None)),
        (A, b"\xaf\x00\x11\x90", Look("aac", header=True, body=2)),
        (A, b"\xaf\x01aac", Look("aac", body=2)),
        (A, b"\xaf\x01", Look(None)),
        (A, b"\x2fmp3", Look("mp3", body=1)),
        (A, b"\x7fa", Look("alaw", body=1)),
        (A, b"\xb2speex", Look(None, body=1)),
        (A, b"\x90OpusOpusHead", Look("opus", header=True, body=5)),
        (A, b"\x91Opuspacket", Look("opus", body=5)),
        (A, b"\x91fLaC", Look(None)),
    ],
)
def test_what_a_tag_is(kind: Kind, data: bytes, seen: Look) -> None:
    assert look(Tag(kind, 0, data)) == seen


def test_hevc_of_older_hosts_is_made_enhanced() -> None:
    assert modern(Tag(V, 7, b"\x1c\x00\0\0\0hvcC")) == Tag(V, 7, b"\x90hvc1hvcC")
    assert modern(Tag(V, 7, b"\x2c\x01\0\0\x21nal")) == Tag(V, 7, b"\xa1hvc1\0\0\x21nal")
    for same in (b"\x1c\x02\0\0\0", b"\x17\x01\0\0\0nal", b"\x91hvc1\0\0\0nal", b"\x1c"):
        assert modern(Tag(V, 7, same)) == Tag(V, 7, same)


tags = st.builds(Tag, st.sampled_from(Kind), st.integers(0, (1 << 32) - 1), st.binary(max_size=60))


@given(st.lists(tags, max_size=6), st.integers(1, 30))
def test_tags_are_read_as_they_were_written(some: list[Tag], piece: int) -> None:
    whole = write_header(video=True, audio=True) + b"".join(write_tag(tag) for tag in some)
    reader, found = FileReader(), list[Tag | Hints]()
    for start in range(0, len(whole), piece):
        found += reader.feed(whole[start : start + piece])
    assert found == some


def test_metadata_is_written_and_read() -> None:
    assert TagReader().feed(write_hints(Hints(1280, 720, 30.0))) == [Hints(1280, 720, 30.0)]


@pytest.mark.parametrize(
    ("payload", "hints"),
    [
        (write_values("onMetaData", {"width": 1920, "framerate": 25}), Hints(1920, 0, 25.0)),
        (write_values("@setDataFrame", "onMetaData", {"height": 720.9}), Hints(0, 720)),
        (write_values("onMetaData", {"audiodatarate": 128.0}), Hints(sound_bps=128_000)),
        (write_values("onMetaData", {"audiodatarate": 1e9}), Hints()),
        (b"\0" + write_values("onMetaData", {"width": "wide", "height": True}), Hints()),
        (write_values("onMetaData", {"width": 1e9, "height": -3, "framerate": 1e5}), Hints()),
        (write_values("onTextData", {"text": "hello"}), None),
        (write_values("onMetaData"), None),
        (b"\x02\0", None),
        (bytes(HINT_LIMIT_BYTES + 1), None),
    ],
)
def test_what_publishers_say_of_themselves(payload: bytes, hints: Hints | None) -> None:
    assert read_hints(payload) == hints


def test_an_aggregate_moves_its_tags() -> None:
    parts = write_tag(Tag(A, 1_000, b"a")) + write_tag(Tag(V, 1_020, b"v"))
    assert list(split_aggregate(parts, (1 << 32) - 5)) == [
        Tag(A, (1 << 32) - 5, b"a"),
        Tag(V, 15, b"v"),
    ]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"RIFF and what follows", "no FLV"),
        (write_header(video=True, audio=True) + b"\x0f" + bytes(20), "of kind 15"),
        (
            write_header(video=True, audio=True)
            + b"\x09"
            + (TAG_LIMIT_BYTES + 1).to_bytes(3, "big")
            + bytes(7),
            "an FLV tag of",
        ),
    ],
)
def test_what_is_no_flv(data: bytes, sentence: str) -> None:
    with pytest.raises(BadContribution, match=sentence):
        FileReader().feed(data)
