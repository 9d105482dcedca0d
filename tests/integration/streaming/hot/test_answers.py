"""Bytes on one connection: answers of the door and of the application, one behind the other."""

import asyncio
import re
from pathlib import Path

import aiohttp
import pytest

from streaming.hot.door import Broken
from streaming.hot.head import REMEMBERED, REMEMBERED_BYTES
from streaming.hot.outbox import HEAD_ALONE_BYTES, TURN_BYTES
from tests.support.hot import PIECES, SMALL, Hot, Viewer, asking
from tests.support.wait import eventually

STREAM = b"".join(PIECES)


async def test_small_answers_follow_each_other(hot: Hot) -> None:
    viewer = await hot.connect()
    for _ in range(3):
        viewer.ask("/hot/small")
        status, fields, body = await viewer.answer()
        assert (status, body, fields["connection"]) == (200, SMALL, "keep-alive")
        assert fields["date"].endswith("GMT")
    viewer.ask("/hot/small", method="HEAD")
    _, fields, _ = await viewer.answer(bodiless=True)
    assert fields["content-length"] == str(len(SMALL))
    viewer.ask("/hot/small")
    assert (await viewer.answer())[2] == SMALL
    assert hot.door.done == [(5, None)] * 3 + [(0, None), (5, None)]
    await viewer.close()


async def test_each_answer_has_an_id_of_its_own_or_that_of_its_request(hot: Hot) -> None:
    viewer = await hot.connect()
    seen = []
    for lines in ("", "", "X-Request-Id: upstream-1234\r\n", f"X-Request-Id: {'a' * 65}\r\n"):
        viewer.ask("/hot/small", lines=lines)
        seen.append((await viewer.answer())[1]["x-request-id"])
    assert seen.pop(2) == "upstream-1234"
    assert len(set(seen)) == 3
    assert all(re.fullmatch("[0-9a-f]{20}", made) for made in seen)
    viewer.writer.write(b"rubbish\n")
    assert len((await viewer.answer())[1]["x-request-id"]) == 20


async def test_a_request_is_known_again_only_in_the_same_bytes(hot: Hot) -> None:
    viewer = await hot.connect()
    request = asking("/hot/small", lines="X: 1\r\n")
    with_body = asking("/hot/small", lines="Content-Length: 2\r\n")
    for sent in (request, request, b"\r\n" + request, b"\r\n" + request, with_body + b"ok"):
        viewer.writer.write(sent)
        assert (await viewer.answer())[0] == 200
    assert list(hot.port.known) == [request]
    viewer.writer.write(request * 3)
    assert [(await viewer.answer())[2] for _ in range(3)] == [SMALL] * 3
    for at in (1, 10, len(request) - 1):
        viewer.writer.write(request[:at])
        await eventually(lambda: any(c.in_head for c in hot.port.connections))
        viewer.writer.write(request[at:] + request)
        assert [(await viewer.answer())[2] for _ in range(2)] == [SMALL] * 2
    assert len(hot.door.asked) == 4 + 3 + 6


async def test_no_more_requests_are_remembered_than_a_limit(hot: Hot) -> None:
    viewer = await hot.connect()
    for number in range(REMEMBERED + 2):
        viewer.ask(f"/hot/small?{number}")
        await viewer.answer()
    viewer.ask(f"/hot/small?{'x' * REMEMBERED_BYTES}")
    await viewer.answer()
    assert len(hot.port.known) == REMEMBERED
    assert asking("/hot/small?1") not in hot.port.known
    assert asking(f"/hot/small?{REMEMBERED + 1}") in hot.port.known


async def test_a_file_is_sent_whole_and_in_part(hot: Hot, big_file: Path) -> None:
    whole = await asyncio.to_thread(big_file.read_bytes)
    viewer = await hot.connect(2**20)
    viewer.ask("/hot/file", "/hot/file?1000-5000", "/hot/small", "/hot/file?19000001-")
    assert (await viewer.answer())[2] == whole
    assert (await viewer.answer())[2] == whole[1000:5000]
    assert (await viewer.answer())[2] == SMALL
    assert (await viewer.answer())[2] == whole[19_000_001:]
    assert hot.door.open_slices == 0
    assert [broken for _, broken in hot.door.done] == [None] * 4
    await viewer.close()


@pytest.mark.parametrize("size_bytes", [1, HEAD_ALONE_BYTES - 1, HEAD_ALONE_BYTES, TURN_BYTES + 1])
async def test_a_head_goes_with_its_body_or_before_it(
    hot: Hot, big_file: Path, size_bytes: int
) -> None:
    whole = await asyncio.to_thread(big_file.read_bytes)
    viewer = await hot.connect(2**20)
    for first in (0, 701):
        target = f"/hot/file?{first}-{first + size_bytes}"
        viewer.ask(target, target)
        for _ in range(2):
            assert (await viewer.answer())[2] == whole[first : first + size_bytes]
    assert hot.door.open_slices == 0
    assert hot.door.done == [(size_bytes, None)] * 4
    await viewer.close()


async def test_hot_and_cold_answers_keep_their_order(hot: Hot, big_file: Path) -> None:
    whole = await asyncio.to_thread(big_file.read_bytes)
    viewer = await hot.connect(2**20)
    hot.door.gate.set()
    targets = ["/cold", "/hot/file?0-3000000", "/large", "/hot/stream", "/hot/none", "/hot/later",
               "/hot/away", "/hot/small", "/nowhere", "/hot/file?5-"]  # fmt: skip
    viewer.ask(*targets * 2)
    for _ in range(2):
        bodies = [(await viewer.answer())[2] for _ in targets]
        assert bodies[0] == b"cold /cold"
        assert bodies[1] == whole[:3_000_000]
        assert bodies[2] == STREAM * 10
        assert bodies[3] == STREAM
        assert bodies[4] == b"cold /hot/none"
        assert bodies[5] == SMALL
        assert bodies[6] == b"cold /hot/away"
        assert bodies[7] == SMALL
        assert bodies[9] == whole[5:]
    assert hot.count("tongbu_hot_requests_total", way="given") == 0
    assert hot.count("tongbu_hot_requests_total", way="lent") == 10
    await viewer.close()


async def test_bodies_of_requests_go_to_the_application_and_end_where_they_end(hot: Hot) -> None:
    viewer = await hot.connect(2**20)
    sent = bytes(range(256)) * 2000
    head = asking("/cold", "POST", f"Content-Length: {len(sent)}\r\n")
    viewer.writer.write(head + sent + asking("/hot/small") + head + sent[:70_000])
    assert (await viewer.answer())[2] == sent
    assert (await viewer.answer())[2] == SMALL
    viewer.writer.write(sent[70_000:] + asking("/hot/small"))
    assert (await viewer.answer())[2] == sent
    assert (await viewer.answer())[2] == SMALL
    viewer.writer.write(asking("/early", "POST", "Content-Length: 5\r\n") + b"ab")
    assert (await viewer.answer())[2] == b"early"
    viewer.writer.write(b"cde" + asking("/hot/small"))
    assert (await viewer.answer())[2] == SMALL
    await viewer.close()


async def test_a_request_that_comes_byte_by_byte(hot: Hot) -> None:
    viewer = await hot.connect()
    for byte in asking("/hot/small") + asking("/cold", "POST", "Content-Length: 3\r\n") + b"abc":
        viewer.writer.write(bytes([byte]))
        await asyncio.sleep(0)
    assert (await viewer.answer())[2] == SMALL
    assert (await viewer.answer())[2] == b"abc"
    await viewer.close()


async def test_websockets_and_chunked_bodies_take_the_connection_with_them(hot: Hot) -> None:
    base = f"http://{hot.host}:{hot.number}"
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{base}/cold") as answer:
            assert await answer.text() == "cold /cold"
        async with client.ws_connect(f"{base}/ws") as socket:
            for word in ("上课", "下课"):
                await socket.send_str(word)
                assert await socket.receive_str() == f"heard {word}"
    viewer = await hot.connect()
    viewer.ask("/hot/small")
    await viewer.answer()
    chunked = asking("/cold", "POST", "Transfer-Encoding: chunked\r\n") + b"3\r\nabc\r\n0\r\n\r\n"
    viewer.writer.write(chunked + asking("/hot/small"))
    assert (await viewer.answer())[2] == b"abc"
    assert (await viewer.answer())[2] == b"cold /hot/small"
    await viewer.close()
    assert hot.count("tongbu_hot_requests_total", way="given") == 2


@pytest.mark.parametrize("target", ["/hot/small", "/cold", "/hot/stream"])
async def test_who_asks_to_close_is_answered_and_left(hot: Hot, target: str) -> None:
    viewer = await hot.connect(2**20)
    viewer.ask(target, lines="Connection: close\r\n")
    _, fields, _ = await viewer.answer()
    assert fields["connection"] == "close"
    assert await viewer.ended() == b""
    await viewer.close()
    old = await hot.connect(2**20)
    old.writer.write(f"GET {target} HTTP/1.0\r\n\r\n".encode())
    assert (await old.answer())[0] == 200
    assert await old.ended() == b""
    await old.close()


@pytest.mark.parametrize("target", ["/hot/broken", "/hot/short"])
async def test_half_a_body_is_never_taken_for_a_whole_one(hot: Hot, target: str) -> None:
    viewer = await hot.connect(2**20)
    viewer.ask(target)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await viewer.answer()
    await eventually(lambda: hot.door.done == [(200_000, Broken.STORE)])
    await viewer.close()


async def test_a_file_that_became_shorter_ends_the_connection(hot: Hot) -> None:
    viewer = await hot.connect(2**20)
    size = hot.door.size_bytes
    viewer.ask(f"/hot/file?{size - 10}-{size + 10}")
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await viewer.answer()
    await eventually(lambda: hot.door.done == [(10, Broken.STORE)])
    assert hot.door.open_slices == 0
    await viewer.close()


async def test_a_thousand_requests_at_once(hot: Hot) -> None:
    viewer = await hot.connect()
    viewer.ask(*["/hot/small"] * 1000)
    answers = [await viewer.answer() for _ in range(1000)]
    assert {answer[2] for answer in answers} == {SMALL}
    await viewer.close()


async def test_many_viewers_side_by_side(hot: Hot, big_file: Path) -> None:
    whole = await asyncio.to_thread(big_file.read_bytes)

    async def watch(number: int) -> None:
        viewer: Viewer = await hot.connect(2**20)
        for turn in range(5):
            begin = number * 1000 + turn
            viewer.ask(f"/hot/file?{begin}-{begin + 700_000}", "/cold")
            assert (await viewer.answer())[2] == whole[begin : begin + 700_000]
            assert (await viewer.answer())[2] == b"cold /cold"
        await viewer.close()

    await asyncio.gather(*(watch(number) for number in range(20)))
