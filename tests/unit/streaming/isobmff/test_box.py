from itertools import pairwise
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.errors import BadMedia
from streaming.isobmff.box import (
    BOX_LIMIT_BYTES,
    CHILDREN_LIMIT,
    MDAT_LIMIT_BYTES,
    BoxStream,
    child,
    children,
    optional,
)
from streaming.isobmff.fields import Fields
from tests.support.cmaf import box


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(ends)]


@given(
    st.lists(st.tuples(st.sampled_from([b"free", b"moof", b"mdat"]), st.binary(max_size=40))),
    st.lists(st.integers(0, 400), max_size=12),
)
def test_any_chunking_gives_the_same_boxes(
    wanted: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    data = b"".join(box(kind, payload) for kind, payload in wanted)
    stream = BoxStream()
    found = [item for piece in pieces(data, cuts) for item in stream.feed(piece)]
    stream.finish()
    assert [(item.kind, bytes(item.payload)) for item in found] == wanted
    assert b"".join(item.data for item in found) == data


def test_a_64_bit_size_is_read() -> None:
    data = pack(">I4sQ", 1, b"mdat", 19) + b"abc"
    (found,) = BoxStream().feed(data)
    assert (found.header_bytes, bytes(found.payload)) == (16, b"abc")
    assert BoxStream().feed(data[:12]) == []


@pytest.mark.parametrize(
    "header",
    [
        pack(">I4s", 0, b"mdat"),
        pack(">I4s", 7, b"free"),
        pack(">I4sQ", 1, b"mdat", 15),
        pack(">I4s", BOX_LIMIT_BYTES + 1, b"moov"),
        pack(">I4sQ", 1, b"mdat", MDAT_LIMIT_BYTES + 1),
        pack(">I4sQ", 1, b"mdat", 2**64 - 1),
    ],
    ids=["open-ended", "short", "short long", "moov too large", "mdat too large", "2^64"],
)
def test_an_impossible_size_is_refused_from_the_header_alone(header: bytes) -> None:
    with pytest.raises(BadMedia):
        BoxStream().feed(header)


def test_a_stream_that_ends_inside_a_box_is_told() -> None:
    stream = BoxStream()
    stream.feed(box(b"free", b"abc")[:-1])
    with pytest.raises(BadMedia, match="10 bytes into a box"):
        stream.finish()


def test_children_fill_their_parent_exactly() -> None:
    inside = memoryview(box(b"aaaa", b"1") + box(b"bbbb"))
    assert [(kind, bytes(data)) for kind, data in children(inside)] == [
        (b"aaaa", b"1"),
        (b"bbbb", b""),
    ]
    for wrong in (inside[:-1], inside[:12]):
        with pytest.raises(BadMedia, match="over the end"):
            list(children(wrong))


def test_a_box_with_too_many_children_is_refused() -> None:
    with pytest.raises(BadMedia, match="more than"):
        list(children(memoryview(box(b"free") * (CHILDREN_LIMIT + 1))))


def test_a_needed_child_is_there_once() -> None:
    inside = memoryview(box(b"aaaa", box(b"bbbb", b"x")) + box(b"cccc") * 2)
    assert bytes(child(inside, b"aaaa", b"bbbb")) == b"x"
    for wrong in (b"cccc", b"dddd"):
        with pytest.raises(BadMedia, match="where one is needed"):
            child(inside, wrong)
    assert optional(inside, b"dddd", b"eeee") is None


def test_fields_end_with_their_box() -> None:
    fields = Fields(memoryview(b"\x01\xff\xff\xff\xfe"))
    assert fields.u(1) == 1
    assert fields.i32() == -2
    with pytest.raises(BadMedia, match="shorter"):
        fields.u(1)
