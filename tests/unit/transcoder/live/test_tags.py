"""Tags that wait for a slow encoder are bounded, and dropped up to a keyframe."""

from __future__ import annotations

import asyncio

from tests.support.live_tags import SOUND_HEADER, VIDEO_HEADER, V, picture, sound
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


async def test_where_there_is_a_picture_it_comes_before_any_sound() -> None:
    queue = TagQueue([VIDEO_HEADER, SOUND_HEADER], picture_first=True)
    queue.push(sound(5))
    reading = asyncio.create_task(queue.next())
    for _ in range(3):
        await asyncio.sleep(0)
    assert not reading.done(), "headers and sound alone tell ffmpeg nothing of the picture"
    queue.push(picture(20, key=True))
    queue.push(sound(25))
    found = [VIDEO_HEADER, SOUND_HEADER, picture(20, key=True), sound(5), sound(25)]
    assert await reading == found
    queue.push(sound(40))
    assert await queue.next() == [sound(40)]


async def test_an_end_before_the_first_picture_gives_nothing() -> None:
    queue = TagQueue([VIDEO_HEADER], picture_first=True)
    queue.push(sound(5))
    queue.close()
    assert await queue.next() == []


async def test_sound_that_waits_for_a_picture_is_bounded() -> None:
    queue = TagQueue([VIDEO_HEADER], picture_first=True)
    for time_ms in range(1, QUEUE_LIMIT_MS + 2_000, 20):
        queue.push(sound(time_ms))
    assert queue.dropped > 0
    queue.push(picture(QUEUE_LIMIT_MS + 2_000, key=True))
    header, first, *rest = await queue.next()
    assert (header, first) == (VIDEO_HEADER, picture(QUEUE_LIMIT_MS + 2_000, key=True))
    assert 0 < len(rest) <= QUEUE_LIMIT_MS // 20 + 1


async def test_memory_is_bounded_too() -> None:
    queue = TagQueue()
    for _ in range(3):
        queue.push(Tag(V, 1, bytes(QUEUE_LIMIT_BYTES // 2)))
    assert queue.dropped == 3
