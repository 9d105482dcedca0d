"""Pictures that a viewer has, known by those that were pushed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from loadtests.live_beside import TAIL_BYTES, Seen, latencies, read_flv

HEADER = b"FLV\x01\x05\x00\x00\x00\x09" + bytes(4)
SOUND, VIDEO = 8, 9


def tag(kind: int, data: bytes) -> bytes:
    size = len(data).to_bytes(3, "big")
    return bytes((kind,)) + size + bytes(7) + data + (11 + len(data)).to_bytes(4, "big")


def test_pictures_are_known_by_how_they_end() -> None:
    tails = [bytes([n]) * TAIL_BYTES for n in range(3)]
    stream = HEADER + tag(SOUND, tails[0]) + tag(VIDEO, b"head" + tails[1]) + tag(VIDEO, tails[2])
    seen = Seen()

    async def chunks() -> AsyncIterator[bytes]:
        yield stream[:40]
        yield stream[40:]

    asyncio.run(read_flv(chunks(), seen))
    assert list(seen.at) == tails[1:]


def test_latency_is_from_here_to_a_viewer_of_pictures_that_both_have() -> None:
    found = latencies({b"a": 1.0, b"b": 2.0, b"c": 3.0}, {b"a": 1.01, b"c": 3.03, b"d": 0.0})
    assert found.count == 2
    assert round(found.p50) == 10
    assert round(found.most) == 30
