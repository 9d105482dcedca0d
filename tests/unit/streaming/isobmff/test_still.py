"""A picture out of a segment, and put somewhere else in time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.errors import BadMedia
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader
from streaming.isobmff.still import first_picture, still
from tests.support import cmaf

PICTURE = bytes(range(1, 41))


def fragment(*parts: bytes) -> bytes:
    """A fragment whose first sample is PICTURE, behind what leads it."""
    made = cmaf.fragment(7_680, (len(PICTURE), 10, 10))
    return b"".join(parts) + made[: -len(PICTURE) - 20] + PICTURE + bytes(20)


def read(data: bytes) -> list[Fragment]:
    """Read fragments behind an initialization section."""
    reader = CmafReader()
    found = reader.feed(cmaf.init() + data)
    reader.finish()
    return [item for item in found if isinstance(item, Fragment)]


@pytest.mark.parametrize("lead", [b"", cmaf.box(b"styp", b"cmfs", bytes(4))])
def test_the_bytes_up_to_the_first_samples_end_are_enough(lead: bytes) -> None:
    data = fragment(lead)
    (whole,) = read(data)
    assert first_picture(data[: whole.first_sample_end]) == PICTURE


def test_a_picture_stands_where_it_is_put() -> None:
    first, second = read(still(1, 1, 0, 512, PICTURE) + still(1, 2, 1 << 40, 1 << 40, b"\x01"))
    assert (first.start_ts, first.duration_ts, first.samples) == (0, 512, 1)
    assert first.starts_with_sync
    assert first_picture(first.data) == PICTURE
    assert (second.start_ts, second.duration_ts) == (1 << 40, (1 << 32) - 1)
    assert first_picture(second.data) == b"\x01"


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"no box at all",
        cmaf.box(b"mdat", PICTURE),
        cmaf.box(b"moof"),
        cmaf.box(b"moof", cmaf.box(b"traf")) + cmaf.box(b"mdat", PICTURE),
        fragment()[:-70],
    ],
    ids=["nothing", "text", "no moof", "no traf", "no run", "cut off before the sample"],
)
def test_what_is_no_picture_is_refused(start: bytes) -> None:
    with pytest.raises(BadMedia):
        first_picture(start)


@given(st.data())
def test_changed_bytes_are_a_picture_or_refused(data: st.DataObject) -> None:
    made = bytearray(fragment())
    for _ in range(data.draw(st.integers(1, 4))):
        made[data.draw(st.integers(0, len(made) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = first_picture(bytes(made))
    except BadMedia:
        return
    assert 0 < len(found) < len(made)
