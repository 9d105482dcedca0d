"""H.264 parameter sets of real encoders, Annex B, and what is none."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcoder.live.avc import (
    NALS_LIMIT,
    Avc,
    length_prefixed,
    make_avcc,
    read_avcc,
    read_sps,
    split_annex_b,
)
from transcoder.live.errors import BadContribution

# Written by: ffmpeg -f lavfi -i testsrc2=size=640x360:rate=30 … -tune zerolatency -f flv
BASELINE = bytes.fromhex("6742c01eda0280bfe5c044000003000400000300f23c58ba80")
PPS = bytes.fromhex("68ce3c80")


def test_a_baseline_picture_with_its_rate() -> None:
    assert read_sps(BASELINE) == Avc(66, 1, 8, 640, 360, True, 30.0)


SETS = {
    # testsrc2=size=1920x1080:rate=25, and so on; libx264 -preset ultrafast
    "full_hd": (
        "6742c028da01e0089f97011000000300100000030320f1832a",
        Avc(66, 1, 8, 1920, 1080, True, 25.0),
    ),
    "high10": (
        "676e001fa6cb402802dd8088000003000800000301e078c195",
        Avc(110, 1, 10, 1280, 720, True, 30.0),
    ),
    "high422": (
        "677a001fbcb402802dd80880000003008000001e078c1950",
        Avc(122, 2, 8, 1280, 720, True, 30.0),
    ),
    "high444": (
        "67f4001e919680a02fee2f0110000003001000000303c0f162ea",
        Avc(244, 3, 8, 638, 358, True, 30.0),
    ),
    "interlaced": (
        "674d4028f403c0227ef011000003000100000300321f162ea0",
        Avc(77, 1, 8, 1920, 1080, False, 25.0),
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_sets_of_other_profiles(name: str) -> None:
    data, found = SETS[name]
    assert read_sps(bytes.fromhex(data)) == found


def test_a_configuration_record_is_made_and_read() -> None:
    unit = (
        b"\0\0\0\1\x09\xf0\0\0\0\1" + BASELINE + b"\0\0\1" + PPS + b"\0\0\1\x65idr\0\0\0\1\x65two"
    )
    nals = split_annex_b(unit)
    assert [nal[0] & 31 for nal in nals] == [9, 7, 8, 5, 5]
    record = make_avcc(nals)
    assert record is not None
    assert read_avcc(record).width_px == 640
    assert record.endswith(b"\1\0\4" + PPS)
    assert length_prefixed(nals) == b"\0\0\0\4\x65idr\0\0\0\4\x65two"
    assert make_avcc(nals[3:]) is None


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x65 no start code", "start code"),
        (b"\0\0\1\x65" * (NALS_LIMIT + 1), "NAL units"),
    ],
)
def test_what_is_no_access_unit(data: bytes, sentence: str) -> None:
    with pytest.raises(BadContribution, match=sentence):
        split_annex_b(data)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "without parameter sets"),
        (b"\1\x42\0\x1e\xff\xe0\0\0\0", "without parameter sets"),
        (b"\1\x42\0\x1e\xff\xe1\0\x04\x67\x42\0\x1e", "too early"),
        (b"\1\x42\0\x1e\xff\xe1\0\x20\x67\x42\0\x1e" + bytes(28), "too long"),
    ],
)
def test_what_is_no_header(data: bytes, sentence: str) -> None:
    with pytest.raises(BadContribution, match=sentence):
        read_avcc(data)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_set_or_are_refused(data: bytes) -> None:
    with contextlib.suppress(BadContribution):
        read_sps(b"\x67" + data)
