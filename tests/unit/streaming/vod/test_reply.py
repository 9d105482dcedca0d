import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.vod.reply import Reply, Resource, Stored, answer, takes_gzip

SEGMENT = Resource(Stored("k", 700, 1000), "abc", "video/mp4", "public, max-age=9", ranges=True)
TEXT = Resource(b"hello", "t", "text/plain", "no-cache", gzip.compress(b"hello", mtime=0))
COMMON = {
    "ETag": '"abc"',
    "Cache-Control": "public, max-age=9",
    "Content-Type": "video/mp4",
    "Accept-Ranges": "bytes",
}


def test_a_whole_segment() -> None:
    assert answer("GET", {}, SEGMENT) == Reply(200, COMMON, 1000, Stored("k", 700, 1000))
    assert answer("HEAD", {}, SEGMENT) == Reply(200, COMMON, 1000, None)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=990-", 990, 999),
        ("bytes=990-5000", 990, 999),
        ("bytes=-1", 999, 999),
        ("bytes=-5000", 0, 999),
        ("bytes = 10 - 19", 10, 19),
    ],
)
def test_one_range(asked: str, first: int, last: int) -> None:
    reply = answer("GET", {"Range": asked}, SEGMENT)
    assert reply.status == 206
    assert reply.headers["Content-Range"] == f"bytes {first}-{last}/1000"
    assert reply.body == Stored("k", 700 + first, last - first + 1)
    assert reply.length == last - first + 1


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-2000", "bytes=-0"])
def test_a_range_that_cannot_be_had(asked: str) -> None:
    reply = answer("GET", {"Range": asked}, SEGMENT)
    assert (reply.status, reply.body, reply.length) == (416, b"", 0)
    assert reply.headers["Content-Range"] == "bytes */1000"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "lines=0-1", "bytes=", "bytes=a-b", "bytes=-", "bytes=１-", ""]
)
def test_several_ranges_and_what_is_no_range_give_the_whole(asked: str) -> None:
    assert answer("GET", {"Range": asked}, SEGMENT).status == 200


def test_a_range_is_for_get_and_for_the_version_it_was_asked_for() -> None:
    asked = {"Range": "bytes=0-9"}
    assert answer("HEAD", asked, SEGMENT).status == 200
    assert answer("GET", {**asked, "If-Range": '"abc"'}, SEGMENT).status == 206
    for other in ('"old"', 'W/"abc"', "Mon, 23 Nov 2026 10:00:00 GMT"):
        assert answer("GET", {**asked, "If-Range": other}, SEGMENT).status == 200
    assert answer("GET", asked, TEXT).status == 200


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ('"abc"', True),
        ('"x", W/"abc"', True),
        ("*", True),
        ('"ab"', False),
        ("abc", False),
        ("", False),
    ],
)
def test_what_the_client_has_already(asked: str, known: bool) -> None:
    reply = answer("GET", {"If-None-Match": asked, "Range": "bytes=0-1"}, SEGMENT)
    assert reply.status == (304 if known else 206)
    if known:
        assert reply == Reply(304, {k: COMMON[k] for k in ("ETag", "Cache-Control")}, 0, None)


def test_each_encoding_has_its_own_tag() -> None:
    plain = answer("GET", {}, TEXT)
    packed = answer("GET", {"Accept-Encoding": "gzip"}, TEXT)
    assert (plain.headers["ETag"], plain.body) == ('"t"', b"hello")
    assert (packed.headers["ETag"], packed.body) == ('"t-gz"', TEXT.gzipped)
    assert packed.headers["Content-Encoding"] == "gzip"
    for reply in (plain, packed):
        assert reply.headers["Vary"] == "Accept-Encoding"
    crossed = {"Accept-Encoding": "gzip", "If-None-Match": '"t"'}
    assert answer("GET", crossed, TEXT).status == 200


@pytest.mark.parametrize(
    ("accept", "takes"),
    [
        ("gzip", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("gzip;q=x", False),
        ("identity", False),
        ("", False),
    ],
)
def test_who_takes_gzip(accept: str, takes: bool) -> None:
    assert takes_gzip(accept) is takes


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_headers_are_answered(ranged: str, known: str, accept: str) -> None:
    asked = {"Range": ranged, "If-None-Match": known, "Accept-Encoding": accept}
    for resource in (SEGMENT, TEXT):
        assert answer("GET", asked, resource).status in (200, 206, 304, 416)


@given(st.integers(0, 1200), st.integers(0, 1200))
def test_a_part_lies_within_the_whole(first: int, last: int) -> None:
    body = bytes(range(256)) * 4
    resource = Resource(body, "b", "video/mp4", "no-cache", ranges=True)
    reply = answer("GET", {"Range": f"bytes={first}-{last}"}, resource)
    if reply.status == 206:
        assert reply.body == body[first : last + 1]
    else:
        assert reply.status == (416 if first >= len(body) and last >= first else 200)
