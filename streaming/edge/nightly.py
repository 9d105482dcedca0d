"""The night: what the next school days need comes while nobody watches (plan in night.py).

Within its hours the box asks for the school's plan, pins what it needs, and fetches what is not
here, piece by piece, behind everything else on the line. What it fetched is counted by night and
kept, so a restart does not begin the budget anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from catalog.errors import CatalogError
from catalog.media import Media, Presentation, Rendition, peak_bps
from catalog.store.port import StoreError
from streaming.edge.answers import Answers
from streaming.edge.fill import Place
from streaming.edge.fills import Fills
from streaming.edge.night import Choice, Entry, Fetch, Hours, Plan, first_day, make_plan
from streaming.edge.piece import Group, Piece
from streaming.edge.presentations import Presentations
from streaming.edge.schedule import Priority, Wish
from streaming.edge.shelf import Shelf
from streaming.edge.turns import Turns
from streaming.edge.upstream import BadAnswer, LineCut, Upstream

log = logging.getLogger(__name__)

PLAN_PATH = "/api/v1/edge/plan?days=3"
PLAN_NAME, FETCHED_NAME = "plan", "night"
LOOK_EVERY_S = 60.0
DONE_EVERY_S = 900.0  # the plan may have grown, and asks for each of its lessons
AHEAD_EVERY_S = 3600.0
LINE_SHARE = 0.7
UNKNOWN_NIGHT_BPS = 1_000_000
TARGET_S = 4.0
LATE_CODEC, SMALL_CODEC = "av01", "opus"
AT_NIGHT = Wish(Priority.NIGHT)


class _Lesson(msgspec.Struct):
    day: date
    lesson: str
    title: str = ""


class _Plan(msgspec.Struct):
    lessons: list[_Lesson] = []


class _Fetched(msgspec.Struct):
    night: date
    size_bytes: int


@dataclass(frozen=True, slots=True)
class NightSettings:
    """When, and how much. `hours` None: never."""

    hours: Hours | None
    budget_bytes: int


class Nightly:
    """Runs the nights."""

    def __init__(
        self,
        settings: NightSettings,
        upstream: Upstream,
        answers: Answers,
        presentations: Presentations,
        shelf: Shelf,
        fills: Fills[Wish],
        turns: Turns,
        estimate: Callable[[], int | None],
        clock_utc: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._upstream = upstream
        self._answers = answers
        self._presentations = presentations
        self._shelf = shelf
        self._fills = fills
        self._turns = turns
        self._estimate = estimate
        self._clock_utc = clock_utc
        self._titles: dict[str, str] = {}
        self._plan: Plan | None = None
        self._done: set[Group] = set()
        self._planned_utc = float("-inf")
        self._fetched = _Fetched(date.min, 0)
        self.at_work = False

    @property
    def left_out_bytes(self) -> int:
        """What the budget of the night has no room for."""
        return self._plan.left_out_bytes if self._plan else 0

    @property
    def fetched_bytes(self) -> int:
        """What this night has fetched."""
        return self._fetched.size_bytes

    def figures(self) -> dict[str, Any]:
        """Say what tonight brings, and what it has brought."""
        hours, plan = self._settings.hours, self._plan
        return {
            "start_min": hours.start_min if hours else None,
            "end_min": hours.end_min if hours else None,
            "at_work": self.at_work,
            "budget_bytes": self._settings.budget_bytes,
            "fetched_bytes": self._fetched.size_bytes,
            "left_out_bytes": self.left_out_bytes,
            "lessons": [] if plan is None else self._rows(plan),
        }

    async def run(self) -> None:
        """Look at the clock again and again."""
        await self.remember()
        while True:
            again_s = await self._turn()
            await asyncio.sleep(again_s)

    async def _turn(self) -> float:
        """Do what it is time for; tell after how many seconds to look again."""
        if not self._is_night():
            if self._clock_utc() - self._planned_utc >= AHEAD_EVERY_S:
                await self.look_ahead()
            return LOOK_EVERY_S
        self.at_work = True
        try:
            await self.night()
        except (CatalogError, StoreError, LineCut, BadAnswer) as error:
            log.info("the night goes on in a minute: %s", error)
            return LOOK_EVERY_S
        finally:
            self.at_work = False
            self._turns.pace_night(0)
        return DONE_EVERY_S

    async def look_ahead(self) -> None:
        """Make the plan, for the status page."""
        self._planned_utc = self._clock_utc()
        try:
            self._plan = await self._make_plan()
        except (CatalogError, LineCut, BadAnswer) as error:
            log.info("there is no plan for the night yet: %s", error)

    async def night(self) -> None:
        """Fetch what is missing until all is here, the budget is spent or the morning comes.

        Raises: CatalogError, StoreError, LineCut, BadAnswer.
        """
        self._plan = await self._make_plan()
        self._done = set()
        for group, day in self._plan.pins.items():
            await self._shelf.pin(group, day)
        line_bps = self._estimate()
        self._turns.pace_night(int(LINE_SHARE * line_bps) if line_bps else UNKNOWN_NIGHT_BPS)
        for fetch in self._plan.fetches:
            for piece in fetch.pieces:
                if not self._is_night():
                    return
                await self._fetch(fetch, piece)
            self._done.add(fetch.group)

    async def _fetch(self, fetch: Fetch, piece: Piece) -> None:
        place = self._presentations.locate(piece.key, piece.offset)
        if place is None or place.piece != piece:
            return
        await self._fills.fetch(Place(place.path, piece, fetch.group), AT_NIGHT)
        self._fetched = _Fetched(self._fetched.night, self._fetched.size_bytes + piece.size_bytes)
        await self._answers.put(FETCHED_NAME, msgspec.json.encode(self._fetched))

    async def _make_plan(self) -> Plan:
        now = self._clock_utc()
        self._begin_night(now)
        said = await self._said()
        self._titles = {item.lesson: item.title for item in said.lessons}
        days: dict[date, list[str]] = {}
        for item in said.lessons:
            days.setdefault(item.day, []).append(item.lesson)
        choices = {}
        kept: dict[Group, frozenset[Piece]] = {}
        for lesson in self._titles:
            found = await self._presentations.whole(lesson)
            if found is not None and found.complete:
                choices[lesson] = choices_of(found)
        for lesson, known in choices.items():
            for group in (Group(lesson, choice.rendition) for choice in known):
                kept[group] = await self._shelf.pieces(group)
        return make_plan(
            [Entry(day, tuple(lessons)) for day, lessons in days.items()],
            choices,
            lambda group, piece: piece in kept.get(group, frozenset()),
            first=first_day(now),
            line_bps=self._estimate(),
            budget_bytes=max(0, self._settings.budget_bytes - self._fetched.size_bytes),
            shelf_bytes=self._shelf.figures().budget_bytes,
        )

    async def _said(self) -> _Plan:
        """Give the upstream's plan, or the one that it gave last. Raises: LineCut, BadAnswer."""
        kept = await self._answers.get(PLAN_NAME)
        try:
            answer = await self._upstream.text(PLAN_PATH, kept.etag if kept else "")
            if answer.status == 200:
                found = msgspec.json.decode(answer.body, type=_Plan)
                await self._answers.put(PLAN_NAME, answer.body, answer.headers.get("ETag", ""))
                return found
            if answer.status != 304:
                raise BadAnswer(f"the upstream answers {answer.status} to the plan")
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadAnswer(f"the upstream's plan makes no sense: {error}") from error
        except LineCut:
            if kept is None:
                raise
        return _Plan() if kept is None else msgspec.json.decode(kept.body, type=_Plan)

    async def remember(self) -> None:
        """Take what this night had fetched before the box was started again."""
        kept = await self._answers.get(FETCHED_NAME)
        if kept is not None:
            try:
                self._fetched = msgspec.json.decode(kept.body, type=_Fetched)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                log.warning("what the night has fetched is not known any more")

    def _begin_night(self, now: float) -> None:
        hours = self._settings.hours
        if hours is not None and hours.night_of(now) != self._fetched.night:
            self._fetched = _Fetched(hours.night_of(now), 0)

    def _is_night(self) -> bool:
        hours = self._settings.hours
        return hours is not None and hours.within(self._clock_utc())

    def _rows(self, plan: Plan) -> list[dict[str, Any]]:
        """Give the planned lessons with what is still missing of them."""
        missing: dict[str, int] = {}
        for fetch in plan.fetches:
            left = 0 if fetch.group in self._done else fetch.missing_bytes
            missing[fetch.group.lesson] = missing.get(fetch.group.lesson, 0) + left
        days = {group.lesson: day for group, day in plan.pins.items()}
        return [
            {"id": lesson, "title": self._titles.get(lesson, ""), "day": day.isoformat(),
             "missing_bytes": missing.get(lesson, 0)}
            for lesson, day in days.items()
        ]  # fmt: skip


def choices_of(presentation: Presentation) -> tuple[Choice, ...]:
    """Give what a night may fetch of a lesson: H.264 pictures and the sound that all can play."""
    sounds = [r for r in presentation.renditions if r.media is Media.AUDIO]
    sound = next((r for r in sounds if not r.codecs.lower().startswith(SMALL_CODEC)), None)
    sound_bps = _rate(sound) if sound else 0
    pictures = [
        r
        for r in presentation.renditions
        if r.media is Media.VIDEO and not r.codecs.lower().startswith(LATE_CODEC)
    ]
    found = [Choice(r.id, _rate(r) + sound_bps, _pieces(r)) for r in pictures]
    if sound is not None:
        found.append(Choice(sound.id, sound_bps, _pieces(sound), sound_only=True))
    return tuple(found)


def _rate(rendition: Rendition) -> int:
    return peak_bps(rendition.segments(), rendition.timescale, TARGET_S)


def _pieces(rendition: Rendition) -> tuple[Piece, ...]:
    return tuple(Piece(s.key, s.offset, s.size_bytes) for s in rendition.segments())
