"""Players that are not ours, on a line that others need: what they take, what they leave."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median

import aiohttp
import pytest
from aiohttp import web

from catalog.ids import new_id
from catalog.media import Media, MediaObject, Presentation, Rendition
from deploy.edge_store import SchoolStore
from loadtests.thin_line import line
from streaming.edge.cached import Cached
from streaming.edge.fill import Place
from streaming.edge.pace import Share
from streaming.edge.pacing import Pacing, Slowing, is_ours
from streaming.edge.piece import Group, Piece
from tests.support.box import PIECE_BYTES, PIECES, Box, box, place
from tests.support.screening import Served
from tests.support.screening import serving as playing
from tests.support.scripted_upstream import ScriptedUpstream, body_of, holding, serving
from tests.support.shelves import MIB
from tests.support.wait import eventually

LESSON, PUPIL = "lesson", "10.0.0.7"
PIECE_S = 0.4
SHARE = Share(int(8 * PIECE_BYTES / PIECE_S), 10**9)
OURS = {"cmcd-session": f'cid="{LESSON}",sf=h,sid="s",st=v'}


@dataclass
class Foreign:
    """A school with a foreign player, and what it may take at the moment."""

    origin: ScriptedUpstream
    box: Box
    share: Share | None = SHARE
    pacing: Pacing = field(init=False)

    def __post_init__(self) -> None:
        self.pacing = Pacing(lambda lesson: self.share)

    def slowing(self, headers: dict[str, str] | None = None) -> Slowing | None:
        return self.pacing.slowing(LESSON, PUPIL, headers or {})

    async def read(self, number: int, first: int = 0, length: int = PIECE_BYTES) -> float:
        """Read a part of a piece; tell how long it took."""
        begun, piece = time.monotonic(), place(number).piece
        at = piece.offset + first
        async with self.box.cached.read(piece.key, at, length, self.slowing()) as chunks:
            body = b"".join([chunk async for chunk in chunks])
        assert body == body_of(place(number).path, PIECE_BYTES)[first : first + length]
        return time.monotonic() - begun


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[Foreign]:
    origin = ScriptedUpstream()
    for number in range(PIECES):
        origin.sizes[place(number).path] = PIECE_BYTES
    async with serving(origin), box(tmp_path, origin.url, 20 * MIB) as found:
        yield Foreign(origin, found)


async def test_what_a_viewer_makes_cross_the_line_comes_at_its_pace(school: Foreign) -> None:
    assert await school.read(0) >= 0.95 * PIECE_S
    await eventually(lambda: len(school.box.fills) == 0)
    assert school.box.cached.fill_bytes == PIECE_BYTES


async def test_more_connections_bring_no_more(school: Foreign) -> None:
    begun = time.monotonic()
    reading = [asyncio.create_task(school.read(number)) for number in range(3)]
    await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
    assert len(school.origin.requests) <= 2
    await asyncio.gather(*reading)
    assert time.monotonic() - begun >= 0.95 * 3 * PIECE_S


async def test_a_part_costs_what_the_whole_piece_does(school: Foreign) -> None:
    assert await school.read(0, PIECE_BYTES - 1, 1) >= 0.95 * PIECE_S
    assert await school.read(1, 0, 1) >= 0.95 * PIECE_S


async def test_what_is_in_the_school_or_comes_for_another_is_given_at_once(
    school: Foreign,
) -> None:
    whole = place(0)
    assert await school.box.read(whole.piece)
    await eventually(lambda: len(school.box.fills) == 0)
    await school.read(0)
    go = asyncio.Event()
    school.origin.script(place(1).path, holding(0.5, go))
    other = asyncio.create_task(school.box.read(place(1).piece))
    await eventually(lambda: school.box.fills.find(place(1).piece) is not None)
    follows = asyncio.create_task(school.read(1))
    go.set()
    await asyncio.gather(other, follows)
    assert len(school.pacing.paces) == 0


async def test_nobody_is_held_back_while_nobody_else_needs_the_line(school: Foreign) -> None:
    school.share = None
    await asyncio.gather(*(school.read(number) for number in range(PIECES)))
    assert len(school.pacing.paces) == 0


async def test_who_waited_for_its_turn_takes_what_came_meanwhile(school: Foreign) -> None:
    first, second = asyncio.create_task(school.read(0)), asyncio.create_task(school.read(1))
    assert await school.box.read(place(1).piece)
    await asyncio.gather(first, second)
    assert len(school.origin.asked(place(1).path)) == 1


async def test_what_is_given_up_costs_nothing_more(school: Foreign) -> None:
    reading = [asyncio.create_task(school.read(number)) for number in range(6)]
    await eventually(lambda: len(school.origin.requests) == 1)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    assert await school.read(7) < 4 * PIECE_S


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({}, False),
        (OURS, True),
        ({"cmcd-session": 'cid="other",sid="s"'}, False),
        ({"cmcd-session": 'sid="s"'}, False),
        ({"cmcd-session": "=,="}, False),
        ({"cmcd-object": 'cid="lesson"'}, False),
        ({"authorization": "Edge v1.box.signed"}, True),
        ({"authorization": "Bearer token"}, False),
    ],
)
async def test_our_player_is_known_by_what_it_says_it_plays(
    school: Foreign, headers: dict[str, str], ours: bool
) -> None:
    assert is_ours(LESSON, headers) is ours
    assert (school.slowing(headers) is None) is ours


# A lesson that a player fetches as fast as it may, and a live relay, on one line

LINE_BPS = 4_000_000
FRAME = struct.Struct("d")
FRAME_BYTES, FRAME_EVERY_S = 5_000, 0.02
LIVE_S = 2.5
SEGMENTS, SEGMENT_BYTES = 200, 100_000
GREEDY = 3
BESIDE_LIVE = Share(each_bps=800_000, together_bps=1_600_000)


class NoPictures:
    """Presentations of which only pieces are asked for."""

    def is_picture(self, key: str) -> bool:
        return False


class OneLesson:
    """A catalogue of one lesson of one rendition, and where its pieces come from."""

    def __init__(self) -> None:
        self.lesson, self.rendition = new_id(), new_id()
        self.key = f"media/{self.lesson}/1/r/000000-a1.mp4"

    async def presentation(self, lesson: str) -> Presentation:
        stored = MediaObject(
            self.key, 0, 700, 0, (SEGMENT_BYTES,) * SEGMENTS, (30,) * SEGMENTS, (1,) * SEGMENTS
        )
        rendition = Rendition(
            id=self.rendition, name="360p", media=Media.VIDEO, codecs="avc1.64001f", timescale=30,
            init=b"i" * 700, rung=0, complete=True, objects=(stored,), width_px=640, height_px=360,
            frame_rate=(30, 1), sample_rate_hz=None, channels=None,
        )  # fmt: skip
        return Presentation(
            lesson=self.lesson, generation=1, visibility="public", complete=True,
            renditions=(rendition,), subtitles=(), sprites=(), poster_key="", chapters=(),
        )  # fmt: skip

    def path(self, number: int) -> str:
        return f"/media/{self.lesson}/{self.rendition}/{number}.m4s"

    def locate(self, key: str, offset: int) -> Place:
        number = (offset - 700) // SEGMENT_BYTES
        piece = Piece(key, 700 + number * SEGMENT_BYTES, SEGMENT_BYTES)
        return Place(self.path(number), piece, Group(self.lesson, self.rendition))


async def frames(request: web.Request, body: bytes) -> web.StreamResponse:
    """Send a frame every 20 ms with when it was made: half of what the line carries."""
    response = web.StreamResponse()
    await response.prepare(request)
    clock = asyncio.get_running_loop().time
    begun = clock()
    for number in range(int(LIVE_S / FRAME_EVERY_S)):
        await asyncio.sleep(max(0.0, begun + number * FRAME_EVERY_S - clock()))
        await response.write(FRAME.pack(clock()).ljust(FRAME_BYTES, b"."))
    return response


async def lateness_s(url: str) -> list[float]:
    """Follow the live relay; tell how late each frame was."""
    late = []
    clock = asyncio.get_running_loop().time
    async with aiohttp.ClientSession() as client, client.get(url) as answer:
        with suppress(asyncio.IncompleteReadError):
            while True:
                frame = await answer.content.readexactly(FRAME_BYTES)
                late.append(clock() - FRAME.unpack_from(frame)[0])
    return late


async def fetch_all(served: Served, numbers: Iterable[int], lesson: OneLesson) -> None:
    """Fetch segments as fast as they come, as who fills a large buffer does."""
    async with aiohttp.ClientSession() as client:
        for number in numbers:
            async with client.get(f"{served.url}{lesson.path(number)}") as answer:
                assert len(await answer.read()) == SEGMENT_BYTES


@dataclass(frozen=True, slots=True)
class Found:
    """How late the live relay's frames were (half of them), and the greedy player's segments."""

    late_s: float
    begun: int


async def greedy_beside_live(path: Path, share: Share | None) -> Found:
    origin, lesson = ScriptedUpstream(), OneLesson()
    for number in range(SEGMENTS):
        origin.sizes[lesson.path(number)] = SEGMENT_BYTES
    origin.script("/live", frames)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(origin))
        url = (await stack.enter_async_context(line(origin.url, LINE_BPS))).url
        school = await stack.enter_async_context(box(path, url, 100 * MIB))
        pieces = Cached(school.shelf, school.fills, lesson.locate)
        store = SchoolStore(pieces, NoPictures(), Pacing(lambda lesson: share))  # type: ignore[arg-type]
        served = await stack.enter_async_context(playing(lesson, store, bodies=store))  # type: ignore[arg-type]
        numbers = count()
        greedy = [asyncio.create_task(fetch_all(served, numbers, lesson)) for _ in range(GREEDY)]
        late = await lateness_s(f"{url}/live")
        for task in greedy:
            task.cancel()
        await asyncio.gather(*greedy, return_exceptions=True)
        return Found(median(late), len(origin.requests) - 1)


async def test_a_greedy_player_leaves_a_live_relay_its_share(tmp_path: Path) -> None:
    free = await greedy_beside_live(tmp_path / "free", None)
    paced = await greedy_beside_live(tmp_path / "paced", BESIDE_LIVE)
    assert free.late_s > 0.25
    assert paced.late_s < free.late_s / 2
    may_bytes = BESIDE_LIVE.each_bps / 8 * LIVE_S
    assert paced.begun <= may_bytes / SEGMENT_BYTES + 2
    assert free.begun > paced.begun
