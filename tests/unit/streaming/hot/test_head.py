import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.hot.head import (
    FIELDS_LIMIT,
    HEAD_LIMIT_BYTES,
    LENGTH_LIMIT_DIGITS,
    METHOD_LIMIT_CHARS,
    NAME_LIMIT_CHARS,
    REMEMBERED_BYTES,
    TARGET_LIMIT_CHARS,
    Head,
    Refused,
    read_head,
)

HOST = "Host: school.cn"


def request(*lines: str, first: str = "GET /media/x HTTP/1.1", host: str = HOST) -> bytes:
    return "\r\n".join([first, *([host] if host else []), *lines, "", ""]).encode("latin-1")


def head_of(data: bytes, at: int = 0) -> Head:
    found = read_head(data, at)
    assert isinstance(found, Head), found
    return found


def status_of(data: bytes) -> int:
    found = read_head(data)
    assert isinstance(found, Refused), found
    return found.status


def test_a_request_as_a_browser_sends_it() -> None:
    data = request(
        "Connection: keep-alive",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
        "Accept:*/*",
        "Range: \t bytes=0-99 ",
        "Accept-Encoding: gzip, deflate, br",
        first="GET /media/a/1.m4s?token=a.b HTTP/1.1",
    )
    head = head_of(data + b"GET")
    assert (head.method, head.target) == ("GET", "/media/a/1.m4s?token=a.b")
    assert head.size_bytes == len(data)
    assert head.fields.get("range") == head.fields.get("Range") == "bytes=0-99"
    assert head.fields.get("Accept") == "*/*"
    assert head.fields.get("If-None-Match") is None
    assert head.fields.keep_alive
    assert (head.fields.body_bytes, head.fields.chunked, head.fields.upgrade) == (0, False, False)


def test_one_behind_the_other_and_an_empty_line_between() -> None:
    one, two = request(first="GET /1 HTTP/1.1"), request(first="HEAD /2 HTTP/1.1")
    data = one + b"\r\n" + two
    assert head_of(data).target == "/1"
    second = head_of(data, len(one))
    assert (second.method, second.target, second.size_bytes) == ("HEAD", "/2", len(two) + 2)


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        ("1.1", "keep-alive", True),
        ("1.1", "Close", False),
        ("1.1", "keep-alive, CLOSE", False),
        ("1.0", "x", False),
        ("1.0", "Keep-Alive", True),
    ],
)
def test_whether_the_connection_is_kept(version: str, connection: str, kept: bool) -> None:
    data = request(f"Connection: {connection}", first=f"GET / HTTP/{version}")
    assert head_of(data).fields.keep_alive is kept


def test_bodies_and_upgrades() -> None:
    assert head_of(request("Content-Length: 0042")).fields.body_bytes == 42
    assert head_of(request("Transfer-Encoding: Chunked")).fields.chunked
    assert head_of(request("Connection: Upgrade", "Upgrade: websocket")).fields.upgrade
    assert head_of(request("Upgrade: h2c")).fields.upgrade


def test_lines_of_one_name_are_joined() -> None:
    fields = head_of(request("A: 1", "a: 2", "Cookie: x=1", "cookie: y=2")).fields
    assert (fields["a"], fields["cookie"]) == ("1, 2", "x=1; y=2")


@pytest.mark.parametrize(
    ("target", "seen"),
    [
        ("http://school.cn/media/x?y", "/media/x?y"),
        ("HTTPS://school.cn:443", "/"),
        ("http://school.cn?token=1", "/?token=1"),
        ("/media/../etc/%2e%2e", "/media/../etc/%2e%2e"),
        ("/q=æ", "/q=æ"),
    ],
)
def test_targets(target: str, seen: str) -> None:
    assert head_of(request(first=f"GET {target} HTTP/1.1")).target == seen


def test_the_whole_server_can_be_asked_for_its_options_only() -> None:
    assert head_of(request(first="OPTIONS * HTTP/1.1")).target == "*"
    assert status_of(request(first="GET * HTTP/1.1")) == 400


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5", "content-length: 5"],
        ["Content-Length: 5, 5"],
        ["Content-Length: +5"],
        ["Content-Length: 0x5"],
        ["Content-Length: "],
        ["Content-Length: -1"],
        ["Content-Length: " + "9" * (LENGTH_LIMIT_DIGITS + 1)],
        ["Content-Length: ²"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: identity"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: xchunked"],
        ["Host: other.cn"],
        ["X : 1"],
        ["X\t: 1"],
        [" X: 1"],
        ["X: 1", " folded: 2"],
        ["X: 1", "\tfolded"],
        ["X"],
        [": 1"],
        ["X: a\x00b"],
        ["X: a\x7fb"],
        ["X: a\rb"],
        ["X: a\nb"],
        ["X: a\nContent-Length: 5"],
        ["Xé: 1"],
        ["N" * (NAME_LIMIT_CHARS + 1) + ": 1"],
    ],
)
def test_what_two_readers_could_read_differently_is_refused(lines: list[str]) -> None:
    assert status_of(request(*lines)) == 400


@pytest.mark.parametrize(
    ("first", "status"),
    [
        ("GET /x HTTP/2.0", 505),
        ("GET /x HTTP/1.2", 505),
        ("GET /x HTTP/0.9", 505),
        ("PRI * HTTP/2.0", 505),
        ("GET /x", 400),
        ("GET  /x HTTP/1.1", 400),
        ("GET /x  HTTP/1.1", 400),
        ("GET\t/x HTTP/1.1", 400),
        ("GET /x y HTTP/1.1", 400),
        ("GET /x\x00y HTTP/1.1", 400),
        ("GET x HTTP/1.1", 400),
        ("GET ftp://school.cn/x HTTP/1.1", 400),
        ("GET http://user@school.cn/x HTTP/1.1", 400),
        ("GET http:///x HTTP/1.1", 400),
        ("CONNECT school.cn:443 HTTP/1.1", 400),
        ("get /x HTTP/1.1", 400),
        ("G" * (METHOD_LIMIT_CHARS + 1) + " /x HTTP/1.1", 400),
        ("GET /x http/1.1", 400),
        ("GET /" + "x" * TARGET_LIMIT_CHARS + " HTTP/1.1", 414),
    ],
)
def test_first_lines_that_are_refused(first: str, status: int) -> None:
    assert status_of(request(first=first)) == status


def test_a_host_is_wanted_since_1_1() -> None:
    assert status_of(request(host="")) == 400
    assert head_of(request(host="", first="GET / HTTP/1.0")).target == "/"


def test_heads_have_a_limit_whether_they_end_or_not() -> None:
    filler = "X: " + "x" * 4000
    assert read_head(request(*[filler] * 3)) is not None
    assert status_of(request(*[filler] * 5)) == 431
    assert status_of(request(*[filler] * 5)[:HEAD_LIMIT_BYTES]) == 431
    assert read_head(request(*[filler] * 5)[: HEAD_LIMIT_BYTES - 1]) is None
    assert status_of(b"GET /" + b"x" * HEAD_LIMIT_BYTES) == 414


def test_fields_have_a_limit() -> None:
    assert "x" in head_of(request(*["X: 1"] * (FIELDS_LIMIT - 1))).fields
    assert status_of(request(*["X: 1"] * FIELDS_LIMIT)) == 431


def test_long_blocks_are_read_like_short_ones() -> None:
    value = "v" * REMEMBERED_BYTES
    assert head_of(request(f"X: {value}")).fields["x"] == value


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\nHost: x\n\n", b"\n", b"rubbish\n"])
def test_lines_without_cr_are_not_waited_for(data: bytes) -> None:
    assert status_of(data) == 400


@given(st.integers(0, 200))
def test_a_head_that_has_not_ended_is_waited_for(cut: int) -> None:
    data = request("A: 1", "Content-Length: 5", "Accept: text/html;q=0.8")
    assert (read_head(data[:cut]) is None) == (cut < len(data))


@given(st.binary(max_size=400))
def test_any_bytes_are_read_refused_or_waited_for(data: bytes) -> None:
    found = read_head(data)
    assert found is None or isinstance(found, Refused) or found.size_bytes <= len(data)


PIECES = [b"\r", b"\n", b"\r\n", b" ", b":", b"\t", b"\x00", b"GET /x HTTP/1.1", b"Host: a",
          b"Content-Length: 3", b"Transfer-Encoding: chunked", b"X", b"\x80"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_no_head_that_is_taken_holds_a_doubt(pieces: list[bytes]) -> None:
    found = read_head(b"".join([b"GET /x HTTP/1.1\r\n", *pieces, b"\r\n\r\n"]))
    if not isinstance(found, Head):
        return
    taken = b"".join([b"GET /x HTTP/1.1\r\n", *pieces, b"\r\n\r\n"])[: found.size_bytes]
    assert taken.endswith(b"\r\n\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00|\r\n[ \t]|\r\n[^:\r\n]*\s:", taken)
    assert taken.lower().count(b"\r\ncontent-length:") + taken.count(b"\r\nTransfer-E") <= 1
