"""Cuts of several renditions: together, in order, held back by a slow publisher.

The encoder here is a coroutine that feeds real tracks of ffmpeg to the packager's consumers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.media import GOP_FRAMES, Recipe, encoded
from transcoder.objects import Grid, OffGrid, TrackCutter
from transcoder.packager import CUTS_AHEAD, Cut, Packager
from transcoder.process import Consumer, Output

VIDEO = Grid(Fraction(GOP_FRAMES, 25), True)
SOUND = Grid(Fraction(2), False)


def output(data: bytes) -> Output:
    """A child's pipe that is read to its end."""
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return Output(reader)


def video(*sizes: int) -> list[tuple[str, bytes]]:
    """Tracks of the same picture in several sizes."""
    return [(f"{h}p", encoded(Recipe("h264", 21, h * 16 // 9 // 2 * 2, h))) for h in sizes]


def packager(tracks: Sequence[tuple[str, bytes]], folder: Path, publish: object, grid: Grid = VIDEO
             ) -> Packager:  # fmt: skip
    cutters = [(name, TrackCutter(grid, 0, 0)) for name, _ in tracks]
    return Packager(cutters, folder, publish, alike=grid.exact)  # type: ignore[arg-type]


class Encoder:
    """Feeds each track to its consumer, all at once."""

    def __init__(self, tracks: Sequence[tuple[str, bytes]]) -> None:
        self.tracks = tracks
        self.done = False

    async def __call__(self, consumers: Sequence[Consumer]) -> None:
        pairs = zip(consumers, self.tracks, strict=True)
        await asyncio.gather(*(consume(output(data)) for consume, (_, data) in pairs))
        self.done = True


def numbers(cut: Cut) -> list[tuple[str, int, int]]:
    return [(p.name, p.contents.first_number, len(p.contents.sizes)) for p in cut]


async def test_all_renditions_are_published_together_and_the_spool_is_empty(tmp_path: Path) -> None:
    tracks = await asyncio.to_thread(video, 180, 90)
    cuts: list[list[tuple[str, int, int]]] = []
    bodies: dict[str, list[bytes]] = {"180p": [], "90p": []}

    async def publish(cut: Cut) -> None:
        cuts.append(numbers(cut))
        for packed in cut:
            body = await asyncio.to_thread(packed.path.read_bytes)
            bodies[packed.name].append(body[len(packed.contents.init.data) :])

    await packager(tracks, tmp_path, publish).run(Encoder(tracks))
    sizes = [(0, 1), (1, 1), (2, 1), (3, 1), (4, 2), (6, 3), (9, 2)]
    assert cuts == [[(name, *size) for name in ("180p", "90p")] for size in sizes]
    for name, data in tracks:
        assert b"".join(bodies[name]) in data
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_a_slow_publisher_holds_the_encoder_back(tmp_path: Path) -> None:
    tracks = await asyncio.to_thread(video, 90)
    began, go_on = asyncio.Event(), asyncio.Event()

    async def publish(cut: Cut) -> None:
        began.set()
        await go_on.wait()

    encoder = Encoder(tracks)
    running = asyncio.create_task(packager(tracks, tmp_path, publish).run(encoder))
    await began.wait()
    for _ in range(200):
        await asyncio.sleep(0)
    kept = await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
    assert not encoder.done
    assert len(kept) <= CUTS_AHEAD + 1
    go_on.set()
    await running
    assert encoder.done


async def test_an_error_of_the_publisher_ends_the_encoder(tmp_path: Path) -> None:
    tracks = await asyncio.to_thread(video, 90)

    async def publish(cut: Cut) -> None:
        raise ConnectionError("the store is away")

    async def encode(consumers: Sequence[Consumer]) -> None:
        await Encoder(tracks)(consumers)
        await asyncio.Event().wait()

    with pytest.raises(ConnectionError):
        await packager(tracks, tmp_path, publish).run(encode)


async def test_nothing_short_is_published_when_the_encoder_fails(tmp_path: Path) -> None:
    tracks = await asyncio.to_thread(lambda: [("180p", encoded(Recipe("h264", 7)))])
    cuts: list[list[tuple[str, int, int]]] = []

    async def publish(cut: Cut) -> None:
        cuts.append(numbers(cut))

    async def encode(consumers: Sequence[Consumer]) -> None:
        await Encoder(tracks)(consumers)
        raise OSError("killed")

    with pytest.raises(OSError, match="killed"):
        await packager(tracks, tmp_path, publish).run(encode)
    assert [("180p", 3, 1)] not in cuts


async def test_renditions_of_different_lengths_are_refused(tmp_path: Path) -> None:
    tracks = await asyncio.to_thread(video, 180)
    short = await asyncio.to_thread(encoded, Recipe("h264", 7))

    async def publish(cut: Cut) -> None:
        pass

    both = [*tracks, ("short", short)]
    with pytest.raises(OffGrid, match="different segments"):
        await packager(both, tmp_path, publish).run(Encoder(both))


async def test_sounds_have_timelines_of_their_own(tmp_path: Path) -> None:
    tracks = await asyncio.to_thread(
        lambda: [(codec, encoded(Recipe(codec, 21))) for codec in ("aac", "opus")]
    )
    cuts: list[list[tuple[str, int, int]]] = []

    async def publish(cut: Cut) -> None:
        cuts.append(numbers(cut))

    await packager(tracks, tmp_path, publish, SOUND).run(Encoder(tracks))
    assert cuts[0] == [("aac", 0, 1), ("opus", 0, 1)]
    ends = {name: first + count for cut in cuts for name, first, count in cut}
    assert ends == {"aac": 11, "opus": 11}
