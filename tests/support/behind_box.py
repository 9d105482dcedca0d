"""A classroom's device that watches a lesson through the box of its school."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from catalog.ending import end_task
from loadtests.client import Client, signed_in
from loadtests.school import Box
from tests.support.operations import PASSWORD, Lesson
from tests.support.wait import eventually


@asynccontextmanager
async def watching_behind(box: Box, lesson: Lesson, room: str) -> AsyncIterator[None]:
    """Let a classroom's device take the lesson's stream from the box until the block is left."""
    async with signed_in(box.url, f"board-{room}", PASSWORD) as device:
        path = f"{box.url}/live/{lesson.session}/stream"
        await eventually(lambda: _is_there(device, path))
        async with device.http.ws_connect(path) as stream:
            taking = asyncio.create_task(_take(stream), name="viewer")
            try:
                yield
            finally:
                await end_task(taking)


async def _is_there(device: Client, path: str) -> bool:
    try:
        async with device.http.ws_connect(path):
            return True
    except aiohttp.ClientError:
        return False


async def _take(stream: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in stream:
        pass
