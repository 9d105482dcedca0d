"""What a publisher's headers say of its picture and sound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcoder.live.flv import Hints, Kind, Tag
from transcoder.live.source import is_plain_sound

LC_48_STEREO, LC_44_MONO = b"\x11\x90", b"\x12\x08"


def header(config: bytes) -> Tag:
    return Tag(Kind.AUDIO, 0, b"\xaf\x00" + config)


@pytest.mark.parametrize(
    ("config", "bps", "plain"),
    [
        (LC_48_STEREO, 128_000, True),
        (LC_44_MONO, 64_000, True),
        (b"\x11\x90\x56\xe5\x00", 160_000, True),
        (LC_48_STEREO, 0, False),  # it does not say how large it is
        (LC_48_STEREO, 192_000, False),  # too much for a thin line
        (b"\x13\x10", 64_000, False),  # 24 kHz: may be HE-AAC that does not say so
        (b"\x2b\x11\x88\x00", 48_000, False),  # HE-AAC
        (b"\x11\xb0", 128_000, False),  # six channels
        (b"\x11", 128_000, False),
    ],
)
def test_sound_that_can_be_sent_on_as_it_is(config: bytes, bps: int, plain: bool) -> None:
    assert is_plain_sound(header(config), Hints(sound_bps=bps)) is plain


@given(st.binary(max_size=8))
def test_any_sound_header_is_judged(data: bytes) -> None:
    is_plain_sound(Tag(Kind.AUDIO, 0, data), Hints(sound_bps=64_000))
