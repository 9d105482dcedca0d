"""A night of a school's box, on a real shelf and real sockets; only the clock is the test's."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from aiohttp import web

from catalog.media import Presentation
from catalog.people import CITY_ZONE
from catalog.presentation_json import encode
from catalog.store.port import StoreAway
from streaming.edge.answers import Answers
from streaming.edge.fills import Fills
from streaming.edge.night import Hours
from streaming.edge.nightly import Nightly, NightSettings, choices_of
from streaming.edge.piece import Group, Piece
from streaming.edge.presentations import Presentations
from streaming.edge.schedule import Schedule, Wish
from streaming.edge.shelf import Shelf
from streaming.edge.turns import Turns
from streaming.edge.upstream import Upstream, UpstreamSettings
from tests.integration.streaming.edge.test_proxy import SECRET, Deaf, serving
from tests.support.filling import QUICK
from tests.support.presentations import LESSON, WHOLE, rendition_id
from tests.support.shelves import shelf_at

TONIGHT = datetime(2026, 11, 26, 23, 0, tzinfo=CITY_ZONE).timestamp()
MORNING = datetime(2026, 11, 27, 7, 0, tzinfo=CITY_ZONE).timestamp()
HOURS = Hours(22 * 60, 6 * 60)
BUDGET_BYTES = 50_000_000
FITS_BPS = 4_000_000


class City:
    """An origin with a plan and one lesson; counts what is asked for."""

    def __init__(self) -> None:
        self.plan = [{"day": "2026-11-27", "lesson": LESSON, "title": "轴对称", "updated": "x"}]
        self.segments: list[str] = []
        self.away_after = 1_000

    async def serve(self, request: web.Request) -> web.Response:
        if request.path == "/api/v1/edge/plan":
            return web.json_response({"days": [], "sessions": [], "lessons": self.plan})
        if request.path.startswith("/api/v1/edge/presentations/"):
            body = b'{"id":"x","title":"t","presentation":%s}' % encode(WHOLE)
            return web.Response(body=body, content_type="application/json")
        if len(self.segments) >= self.away_after:
            return web.Response(status=503)
        self.segments.append(request.path)
        _, _, _, rendition, name = request.path.split("/")
        return web.Response(body=bytes(size_of(WHOLE, rendition, int(name.split(".")[0]))),
                            content_type="video/mp4")  # fmt: skip


def size_of(lesson: Presentation, rendition: str, number: int) -> int:
    found = next(r for r in lesson.renditions if r.id == rendition).segment(number)
    assert found is not None
    return found.size_bytes


@dataclass
class Box:
    city: City
    shelf: Shelf
    answers: Answers
    night: Nightly
    now: list[float]

    async def kept(self, rendition: int) -> int:
        return len(await self.shelf.pieces(Group(LESSON, rendition_id(rendition))))


@asynccontextmanager
async def box(
    path: Path, city: City, budget_bytes: int = BUDGET_BYTES, line_bps: int = FITS_BPS
) -> AsyncIterator[Box]:
    app = web.Application()
    app.router.add_get("/{path:.*}", city.serve)
    answers, now = Answers(path / "answers.db"), [TONIGHT]
    await answers.open()
    turns = Turns(Schedule[Piece](), time.monotonic)
    async with (
        serving(app) as (base, _),
        Upstream(UpstreamSettings(base, knock_first_s=0.02), lambda: SECRET, Deaf()) as upstream,
        shelf_at(path / "shelf", 200_000_000) as shelf,
    ):
        fills = Fills[Wish](upstream, turns, shelf, QUICK)
        night = Nightly(
            NightSettings(HOURS, budget_bytes), upstream, answers,
            Presentations(upstream, answers), shelf, fills, turns, lambda: line_bps,
            lambda: now[0],
        )  # fmt: skip
        yield Box(city, shelf, answers, night, now)
        await fills.close()
        turns.close()
    await answers.close()


async def test_what_the_school_needs_tomorrow_is_there_in_the_morning(tmp_path: Path) -> None:
    async with box(tmp_path, City()) as one:
        await one.night.night()
        assert await one.kept(1) == 4, "the small picture"
        assert await one.kept(3) == 4, "the sound that all can play"
        assert await one.kept(2) == 0, "AV1 is not for the night"
        assert await one.kept(4) == 0
        (held, *_) = [h for h in await one.shelf.contents() if h.group.rendition == rendition_id(1)]
        assert str(held.last_day) == "2026-11-27"
        figures = one.night.figures()
        assert figures["fetched_bytes"] == sum(
            size_of(WHOLE, *asked(path)) for path in one.city.segments
        )
        assert figures["lessons"] == [
            {"id": LESSON, "title": "轴对称", "day": "2026-11-27", "missing_bytes": 0}
        ]
        before = len(one.city.segments)
        await one.night.night()
        assert len(one.city.segments) == before, "what is here is not fetched again"


def asked(path: str) -> tuple[str, int]:
    _, _, _, rendition, name = path.split("/")
    return rendition, int(name.split(".")[0])


async def test_a_thin_line_gets_what_it_carries(tmp_path: Path) -> None:
    async with box(tmp_path, City(), line_bps=300_000) as one:
        await one.night.night()
        assert await one.kept(1) == 4
        assert await one.kept(0) == 0


async def test_a_night_that_breaks_off_goes_on_with_its_budget_after_a_restart(
    tmp_path: Path,
) -> None:
    city = City()
    city.away_after = 3
    async with box(tmp_path, city) as one:
        with pytest.raises(StoreAway):
            await one.night.night()
        fetched = one.night.fetched_bytes
        assert fetched > 0
    city.away_after = 1_000
    first = list(city.segments)
    async with box(tmp_path, city) as again:
        await again.night.remember()
        assert again.night.fetched_bytes == fetched
        await again.night.night()
        assert await again.kept(1) == 4
        assert not set(first) & set(city.segments[len(first) :])


async def test_the_budget_of_a_night_is_held(tmp_path: Path) -> None:
    async with box(tmp_path, City(), budget_bytes=150_000) as one:
        await one.night.night()
        assert 0 < one.night.fetched_bytes <= 150_000
        assert one.night.left_out_bytes > 0


async def test_the_morning_ends_it(tmp_path: Path) -> None:
    async with box(tmp_path, City()) as one:
        one.now[0] = MORNING
        await one.night.night()
        assert one.city.segments == []


async def test_without_a_plan_the_last_one_is_followed_and_nonsense_is_none(tmp_path: Path) -> None:
    async with box(tmp_path, City()) as one:
        await one.night.look_ahead()
        assert len(one.night.figures()["lessons"]) == 1
        one.city.plan = [{"day": "never"}]
        await one.night.look_ahead()
        assert len(one.night.figures()["lessons"]) == 1
        assert json.dumps(one.night.figures())


def test_what_a_night_may_fetch() -> None:
    choices = choices_of(WHOLE)
    assert [(c.rendition, c.sound_only) for c in choices] == [
        (rendition_id(0), False), (rendition_id(1), False), (rendition_id(3), True),
    ]  # fmt: skip
    assert choices[1].bandwidth_bps > choices[2].bandwidth_bps
    assert len(choices[0].pieces) == 4
