"""Tags that wait for a slow encoder are bounded, and dropped up to a keyframe."""

from __future__ import annotations

import asyncio

from tests.support.live_tags import VIDEO_HEADER, V, picture, sound
from transcoder.live.flv import Tag
from transcoder.live.tags import QUEUE_LIMIT_BYTES, QUEUE_LIMIT_MS, TagQueue


async def test_tags_come_out_in_order_and_an_end_after_them() -> None:
    queue = TagQueue([VIDEO_HEADER])
    queue.push(picture(1, key=True))
    assert await queue.next() == [VIDEO_HEADER, picture(1, key=True)]
    waiting = asyncio.create_task(queue.next())
    await asyncio.sleep(0)
    queue.push(sound(2))
    assert await waiting == [sound(2)]
    queue.push(sound(3))
    queue.close()
    queue.push(sound(4))
    assert await queue.next() == [sound(3)]
    assert await queue.next() == []


async def test_a_slow_encoder_loses_pictures_up_to_a_keyframe() -> None:
    queue = TagQueue([VIDEO_HEADER])
    for time_ms in (1, 40, QUEUE_LIMIT_MS + 41):
        queue.push(picture(time_ms))
    assert queue.dropped == 3
    queue.push(picture(9_000))
    queue.push(sound(9_010))
    queue.push(picture(9_040, key=True))
    assert await queue.next() == [VIDEO_HEADER, sound(9_010), picture(9_040, key=True)]
    assert queue.dropped == 4


async def test_memory_is_bounded_too() -> None:
    queue = TagQueue()
    for _ in range(3):
        queue.push(Tag(V, 1, bytes(QUEUE_LIMIT_BYTES // 2)))
    assert queue.dropped == 3
