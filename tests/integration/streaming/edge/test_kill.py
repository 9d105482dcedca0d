"""A box that is killed at any step never gives a wrong byte afterwards."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.support.box import PIECE_BYTES, PIECES, box, place
from tests.support.killed_box import run_until_killed
from tests.support.scripted_upstream import ScriptedUpstream, body_of, serving
from tests.support.shelves import change_rows, file_of, files_in, rows_in

STEPS = [
    ("Disk.start", "after", 3),
    ("Half.write", "before", 5),
    ("Half.write", "after", 7),
    ("Half.move", "before", 3),
    ("Half.move", "after", 3),
    ("Index.put", "after", 4),
    ("Index.commit", "before", 2),
    ("Index.commit", "after", 2),
    ("Index.drop", "before", 1),
    ("Index.drop", "after", 1),
]


def upstream() -> ScriptedUpstream:
    """Give an upstream that has all pieces."""
    found = ScriptedUpstream()
    for number in range(PIECES):
        found.sizes[place(number).path] = PIECE_BYTES
    return found


def spoil(path: Path) -> list[int]:
    """Damage a file, and the CRC of another one's row; give the numbers of both."""
    held = [number for number in range(PIECES) if place(number).piece.name in rows_in(path)]
    damaged = held[:2]
    for number in damaged[:1]:
        with file_of(path, place(number).piece).open("r+b") as file:
            file.seek(PIECE_BYTES // 2)
            file.write(os.urandom(8))
    for number in damaged[1:]:
        name = place(number).piece.name
        change_rows(path, f"UPDATE objects SET crc32 = crc32 + 1 WHERE name = x'{name}'")
    return damaged


@pytest.mark.parametrize(("point", "when", "times"), STEPS)
async def test_no_wrong_byte_after_a_kill(
    tmp_path: Path, point: str, when: str, times: int
) -> None:
    async with serving(upstream()) as origin:
        await run_until_killed(tmp_path, origin.url, point, when, times)
        damaged = await asyncio.to_thread(spoil, tmp_path)
        origin.requests.clear()
        async with box(tmp_path, origin.url) as again:
            for number in range(PIECES):
                found = await again.read(place(number).piece)
                assert found == body_of(place(number).path, PIECE_BYTES)
            for number in damaged:
                assert len(origin.asked(place(number).path)) == 1
        files = await asyncio.to_thread(files_in, tmp_path)
        assert files == await asyncio.to_thread(rows_in, tmp_path)
