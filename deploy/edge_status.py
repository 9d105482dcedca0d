"""`/edge/status`: what the box says of itself, to the person in the school and to programs.

A browser gets the page, everyone else JSON. Figures and codes only: the page has the sentences.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from catalog.http.payload import answer
from deploy.edge_school import School
from deploy.version import program_version
from streaming.edge.cap import Why
from streaming.edge.diagnosis import Figures, diagnose
from streaming.edge.watching import Seen

USE_OVER_S = 10.0
LESSONS_SHOWN = 200
DAY_S = 86_400.0
Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Status:
    """Gathers the figures. `sample` once a second for the line's use."""

    def __init__(
        self, school: School, page: Page, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._school = school
        self._page = page
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self) -> None:
        """Note how much has crossed the line by now."""
        now = self._clock()
        self._samples.append((now, self._school.line.arrived_bytes))
        while self._samples[0][0] < now - USE_OVER_S:
            self._samples.popleft()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer with the page or with the figures."""
        if "text/html" in request.headers.get("Accept", ""):
            return await self._page(request)
        response = answer(await self.figures())
        response.headers["Cache-Control"] = "no-store"
        return response

    async def figures(self) -> dict[str, Any]:
        """Give all that there is to say."""
        school = self._school
        words, cut = school.identity.words, school.upstream.cut
        found = await self._diagnosed()
        return {
            "box": {
                "name": words.name, "school": words.school.name, "origin": words.origin,
                "version": program_version(),
            },
            "line": {
                "up": cut is None,
                "cut_s": None if cut is None else round(self._clock() - cut.since_at, 1),
                "estimate_bps": school.line.estimate_bps,
                "ceiling_bps": school.settings.edge.line_bps,
                "reserve_bps": school.settings.edge.reserve_bps,
                "room_bps": school.watching.room_bps,
                "use_bps": self.use_bps(),
            },
            "streams": await self._streams(),
            "members": school.rooms.members,
            "cache": self._cache(),
            "lessons": await self._lessons(),
            "night": school.night.figures(),
            "findings": [
                {"code": one.code, "level": one.level.name.lower(), "values": dict(one.values)}
                for one in found
            ],
        }  # fmt: skip

    async def _diagnosed(self) -> list[Any]:
        school = self._school
        cut, shelf, clock = school.upstream.cut, school.shelf.figures(), school.clock.reading
        decisions = school.watching.decisions.values()
        ends = await asyncio.to_thread(school.identity.certificate_ends)
        now = datetime.now(UTC)
        return diagnose(
            Figures(
                cut_s=None if cut is None else self._clock() - cut.since_at,
                revoked=school.keys.revoked,
                estimate_bps=school.line.estimate_bps,
                ceiling_bps=school.settings.edge.line_bps,
                capped=sum(one.capped for one in decisions),
                lowest=sum(one.why is Why.LOWEST for one in decisions),
                clock_error_ms=clock.error_ms if clock else None,
                lag_s=max((f.lag.lag_s for f in school.feeds.feeds.values()), default=0.0),
                disk=shelf.state.value,
                disk_share=shelf.size_bytes / max(1, shelf.budget_bytes),
                certificate_days=None if ends is None else (ends - now).total_seconds() / DAY_S,
                waiting=school.rooms.waiting,
                night_left_bytes=school.night.left_out_bytes,
            )
        )

    async def _streams(self) -> list[dict[str, Any]]:
        watching = self._school.watching
        rows = []
        for seen in watching.seen:
            stream = seen.stream
            allowed = watching.decisions.get(stream.id)
            rungs = [
                {
                    "name": seen.labels.get(rung.name, rung.name),
                    "bps": rung.bandwidth_bps,
                    "kept": rung.whole_in_cache,
                    "sound": rung.sound_only,
                    "allowed": allowed is None or rung.name in allowed.rungs,
                }
                for rung in stream.rungs
            ]
            rows.append(
                {
                    "id": stream.id,
                    "live": seen.live,
                    "viewers": self._viewers_of(seen),
                    "rungs": rungs,
                    "title": await self._title_of(stream.id, seen.live),
                    "why": None if allowed is None else allowed.why.name.lower(),
                }
            )
        return rows  # fmt: skip

    def _viewers_of(self, seen: Seen) -> int:
        if seen.live:
            return seen.viewers
        return self._school.viewers.count(seen.stream.id, self._clock())

    async def _title_of(self, stream: str, live: bool) -> str:
        """Give a title: of a live stream the session's, whose id is in the stream's."""
        if not live:
            return await self._title(stream)
        return await self._school.titles.of(stream.split("/")[1])

    async def _title(self, lesson: str) -> str:
        words = await self._school.presentations.words(lesson)
        return words.title if words else ""

    def _cache(self) -> dict[str, Any]:
        found = self._school.shelf.figures()
        return {
            "state": found.state.value, "size_bytes": found.size_bytes,
            "budget_bytes": found.budget_bytes, "hits": found.hits, "misses": found.misses,
        }  # fmt: skip

    async def _lessons(self) -> list[dict[str, Any]]:
        """Give what is kept of lessons, the most recently used first."""
        sizes: dict[str, int] = {}
        pinned: dict[str, str | None] = {}
        for content in await self._school.shelf.contents():
            lesson = content.group.lesson
            sizes[lesson] = sizes.get(lesson, 0) + content.size_bytes
            if content.last_day is not None:
                pinned[lesson] = content.last_day.isoformat()
        return [
            {"id": lesson, "title": await self._title(lesson), "size_bytes": size,
             "pinned_until": pinned.get(lesson)}
            for lesson, size in list(sizes.items())[:LESSONS_SHOWN]
        ]  # fmt: skip

    def use_bps(self) -> int:
        """Give what crosses the line."""
        if len(self._samples) < 2:
            return 0
        (from_at, before), (to_at, after) = self._samples[0], self._samples[-1]
        return round(8 * (after - before) / max(0.001, to_at - from_at))
