"""What somebody between a school and its city hears of their talk."""

from __future__ import annotations

import pytest

from loadtests.overheard import Counts, Heard

ASK = b"GET /live/1/720p/4.m4s HTTP/1.1\r\nHost: city\r\n\r\n"


def answer(body: bytes, status: int = 200) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body


def heard(*talk: tuple[str, bytes], step: int = 1 << 20) -> dict[str, tuple[int, int]]:
    counts = Counts()
    connection = Heard(counts)
    for way, data in talk:
        for at in range(0, len(data), step):
            getattr(connection, way)(data[at : at + step])
    return counts.told()


@pytest.mark.parametrize("step", [1, 7, 4096])
def test_answers_by_length_and_in_chunks_however_they_are_cut(step: int) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n"
    chunked += b"a\r\n0123456789\r\n0\r\n\r\n"
    found = heard(
        ("up", ASK), ("down", answer(b"x" * 500)), ("up", ASK.replace(b"/4", b"/5") + ASK),
        ("down", chunked + answer(b"x" * 400)), step=step,
    )  # fmt: skip
    assert found == {"/live/1/720p/4.m4s": (2, 500), "/live/1/720p/5.m4s": (1, 15)}


def test_what_has_no_body_or_is_no_success_has_no_size() -> None:
    asks = b"HEAD /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    other = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n" + answer(b"gone", 404)
    found = heard(("up", asks), ("down", head + other))
    assert found == {"/a": (1, 0), "/b": (1, 0), "/c": (1, 0)}


def test_a_question_with_a_body_is_one_question() -> None:
    ask = b"POST /api/v1/edges/enrol HTTP/1.1\r\nContent-Length: 20\r\n\r\nGET /x HTTP/1.1\r\n\r\n "
    found = heard(("up", ask + ASK), ("down", answer(b"{}", 201) + answer(b"xyz")))
    assert found == {"/api/v1/edges/enrol": (1, 0), "/live/1/720p/4.m4s": (1, 3)}


def test_a_websocket_is_all_that_comes_after_it_began() -> None:
    ask = b"GET /live/1/relay?feed=main HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
    found = heard(
        ("up", ask), ("down", b"HTTP/1.1 101 Switching\r\n\r\n"), ("up", b"GET / HTTP/1.1\r\n\r\n"),
        ("down", b"x" * 70), ("down", b"HTTP/1.1 200 OK\r\n\r\n"),
    )  # fmt: skip
    assert found == {"/live/1/relay?feed=main": (1, 70 + 19)}


def test_a_broken_answer_counts_nothing() -> None:
    assert heard(("up", ASK), ("down", answer(b"x" * 500)[:-1])) == {"/live/1/720p/4.m4s": (1, 0)}
    endless = b"HTTP/1.1 200 OK\r\n\r\nxxxx"
    assert heard(("up", ASK), ("down", endless)) == {"/live/1/720p/4.m4s": (1, 0)}
