"""Pictures of an FLV stream, known again at another place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loadtests.live_beside import FlvPictures, latencies

HEADER = b"FLV\x01\x05\x00\x00\x00\x09" + bytes(4)


def tag(kind: int, data: bytes) -> bytes:
    size = len(data).to_bytes(3, "big")
    return bytes((kind,)) + size + bytes(7) + data + (11 + len(data)).to_bytes(4, "big")


@given(st.lists(st.tuples(st.sampled_from((8, 9, 18)), st.binary(max_size=40))), st.data())
def test_pictures_come_out_however_the_stream_is_cut(
    tags: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    stream = HEADER + b"".join(tag(kind, body) for kind, body in tags)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pictures = FlvPictures()
    found = [
        picture
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for picture in pictures.feed(stream[start:end])
    ]
    assert found == [body for kind, body in tags if kind == 9]


def test_latency_is_from_here_to_a_viewer_of_pictures_that_both_have() -> None:
    found = latencies({b"a": 1.0, b"b": 2.0, b"c": 3.0}, {b"a": 1.01, b"c": 3.03, b"d": 0.0})
    assert found.count == 2
    assert round(found.p50) == 10
    assert round(found.most) == 30
