"""Bytes of one piece over answers that break off, lie or change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.edge.arrival import CHUNK_BYTES, PIECE_LIMIT_BYTES, Arrival, Broken, Refused, Spoilt

PATH = "/media/lesson/r/1.m4s"
BODY = bytes(range(100))
HEAD = {"Content-Type": "video/mp4", "ETag": '"a"', "Content-Length": "100"}


def rest(start: int, size: int = 100, tag: str = '"a"') -> dict[str, str]:
    """Give the head of the answer to a range."""
    return {"Content-Range": f"bytes {start}-{size - 1}/{size}", "ETag": tag}


def half_come(**changes: str) -> Arrival:
    """Give a piece of which 40 bytes are here."""
    arrival = Arrival(PATH, 100)
    arrival.head(200, HEAD | changes)
    arrival.take(BODY[:40])
    with pytest.raises(Broken, match="40 of 100"):
        arrival.end()
    return arrival


def test_a_piece_in_one_answer() -> None:
    arrival = Arrival(PATH, 100)
    assert arrival.wish() == {}
    arrival.head(200, HEAD)
    assert arrival.take(BODY) == BODY
    arrival.end()
    assert arrival.whole
    assert arrival.read(10, 20) == BODY[10:20]


def test_the_rest_is_asked_for_by_range_and_tag() -> None:
    arrival = half_come()
    assert arrival.wish() == {"Range": "bytes=40-", "If-Range": '"a"'}
    arrival.head(206, rest(40))
    assert arrival.take(BODY[40:]) == BODY[40:]
    arrival.end()
    assert arrival.read(0, 100) == BODY


def test_all_once_more_instead_of_the_rest_is_compared() -> None:
    arrival = half_come()
    arrival.head(200, HEAD)
    assert arrival.take(BODY[:30]) == b""
    assert arrival.take(BODY[30:50]) == BODY[40:50]
    assert arrival.take(BODY[50:]) == BODY[50:]
    arrival.end()
    assert arrival.read(0, 100) == BODY


@pytest.mark.parametrize("tag", ["", 'W/"a"', '"a', '"\n"'])
def test_without_a_strong_tag_all_is_asked_for_once_more(tag: str) -> None:
    arrival = half_come(ETag=tag)
    assert arrival.wish() == {}
    arrival.head(200, HEAD)
    with pytest.raises(Spoilt, match="other bytes"):
        arrival.take(bytes(100))


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (206, rest(40, tag='"b"'), Spoilt),
        (206, rest(40, tag=""), Broken),
        (206, rest(41), Broken),
        (206, rest(0), Broken),
        (206, rest(40, 101), Broken),
        (206, rest(40) | {"Content-Range": "bytes 40-99/101"}, Spoilt),
        (206, rest(40) | {"Content-Range": "bytes ४०-99/100"}, Broken),
        (206, {"ETag": '"a"'}, Broken),
        (206, rest(40) | {"Content-Length": "61"}, Broken),
        (206, rest(40) | {"Content-Type": "text/html"}, Broken),
        (200, HEAD | {"ETag": '"b"'}, Spoilt),
        (416, {}, Spoilt),
        (500, {}, Broken),
    ],
)
def test_what_does_not_continue_it(
    status: int, headers: dict[str, str], error: type[Exception]
) -> None:
    arrival = half_come()
    with pytest.raises(error):
        arrival.head(status, headers)
    assert arrival.have_bytes == 40


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (206, rest(0), Broken),
        (204, {}, Broken),
        (302, {}, Broken),
        (304, {}, Broken),
        (401, {}, Refused),
        (404, {}, Refused),
        (416, {}, Refused),
        (408, {}, Broken),
        (429, {}, Broken),
        (503, {}, Broken),
        (200, {"Content-Type": "text/html"}, Broken),
        (200, {}, Broken),
        (200, HEAD | {"Content-Length": "99"}, Broken),
        (200, HEAD | {"Content-Length": "1e2"}, Broken),
        (200, HEAD | {"Content-Encoding": "gzip"}, Broken),
    ],
)
def test_what_does_not_begin_it(
    status: int, headers: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        Arrival(PATH, 100).head(status, headers)


@pytest.mark.parametrize(("status", "gone"), [(404, True), (410, True), (403, False)])
def test_a_refusal_says_whether_there_is_such_a_piece(status: int, gone: bool) -> None:
    with pytest.raises(Refused) as refused:
        Arrival(PATH, 100).head(status, {})
    assert refused.value.gone is gone


def test_more_than_the_piece_is_no_part_of_it() -> None:
    arrival = Arrival(PATH, 100)
    arrival.head(200, {"Content-Type": "video/mp4"})
    with pytest.raises(Spoilt, match="longer than its 100"):
        arrival.take(bytes(101))
    assert arrival.have_bytes == 0


def test_a_piece_is_bounded_and_read_in_chunks() -> None:
    with pytest.raises(Spoilt, match="64 MiB"):
        Arrival(PATH, PIECE_LIMIT_BYTES + 1)
    arrival = Arrival(PATH, CHUNK_BYTES + 1)
    arrival.head(200, {"Content-Type": "audio/mp4"})
    arrival.take(bytes(CHUNK_BYTES + 1))
    assert len(arrival.read(0, CHUNK_BYTES + 1)) == CHUNK_BYTES


def test_pictures_are_pictures() -> None:
    arrival = Arrival("/media/lesson/poster.jpg", 100)
    with pytest.raises(Broken, match="no media"):
        arrival.head(200, HEAD)
    arrival.head(200, HEAD | {"Content-Type": "image/jpeg"})


@given(
    body=st.binary(min_size=1, max_size=300),
    cuts=st.lists(st.integers(0, 300), max_size=6),
    chunk=st.integers(1, 50),
    ranges=st.booleans(),
    tagged=st.booleans(),
)
def test_breaks_anywhere_give_the_bytes_in_the_end(
    body: bytes, cuts: list[int], chunk: int, ranges: bool, tagged: bool
) -> None:
    arrival = Arrival(PATH, len(body))
    new = b""
    for cut in [*cuts, len(body)]:
        wish = arrival.wish()
        start = int(wish["Range"][6:-1]) if ranges and wish else 0
        head = {"Content-Type": "video/mp4", "ETag": '"a"' if tagged else ""}
        if start:
            arrival.head(206, head | rest(start, len(body)))
        else:
            arrival.head(200, head)
        come = body[start : max(cut, start)]
        for at in range(0, len(come), chunk):
            new += arrival.take(come[at : at + chunk])
        if arrival.have_bytes == len(body):
            break
        with pytest.raises(Broken):
            arrival.end()
    if arrival.have_bytes == len(body):
        arrival.end()
        assert arrival.read(0, len(body)) == new == body
