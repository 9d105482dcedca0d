"""What a box keeps of a week, by virtual time: our ledger and night, or LRU by piece. Pure.

`Ours` is the ledger of streaming/edge, the night is its plan and its schedule with the token
bucket; they are driven here as `disk.py` and `nightly.py` drive them. A day's line is not modelled:
who misses gets the piece over the line, and it is kept where there is room.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Protocol

from loadtests.edge_week_school import ZONE, School
from loadtests.edge_week_trace import Bite
from streaming.edge.eviction import Ledger
from streaming.edge.night import Entry, Hours, Plan, first_day, make_plan
from streaming.edge.piece import Group, Piece
from streaming.edge.schedule import Priority, Schedule, Wish

HOURS = Hours(22 * 60, 6 * 60)
LINE_SHARE = 0.7
AGAIN_S = 900.0
TICK_S = 0.001
AT_NIGHT = Wish(Priority.NIGHT)


class Cache(Protocol):
    """What the two have in common. `put` gives what went for a piece, None: it is not kept."""

    budget_bytes: int

    def holds(self, group: Group, piece: Piece) -> bool:
        """Tell whether a piece is kept."""

    def use(self, group: Group, piece: Piece) -> None:
        """Note that a piece is read."""

    def put(self, group: Group, piece: Piece, today: date) -> Iterable[Piece] | None:
        """Keep a piece."""

    def pin(self, pins: Mapping[Group, date]) -> None:
        """Keep groups until their days are over."""


class Ours:
    """The box's ledger."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._ledger = Ledger(budget_bytes)
        self.holds = self._ledger.holds

    def use(self, group: Group, piece: Piece) -> None:
        """Make its group the one that was used last."""
        self._ledger.touch(group)

    def put(self, group: Group, piece: Piece, today: date) -> Iterable[Piece] | None:
        """Keep a piece if the ledger has room for it."""
        victims = self._ledger.put(group, piece, today)
        return None if victims is None else [one.piece for one in victims]

    def pin(self, pins: Mapping[Group, date]) -> None:
        """Pin as the night does: what was pinned before stays so."""
        for group, day in pins.items():
            self._ledger.pin(group, day)


class Lru:
    """Least recently used, piece by piece; knows no pins."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = self._left_bytes = budget_bytes
        self._pieces: OrderedDict[Piece, None] = OrderedDict()

    def holds(self, group: Group, piece: Piece) -> bool:
        """Tell whether a piece is kept."""
        return piece in self._pieces

    def use(self, group: Group, piece: Piece) -> None:
        """Make it the one that was used last."""
        self._pieces.move_to_end(piece)

    def put(self, group: Group, piece: Piece, today: date) -> Iterable[Piece] | None:
        """Keep a piece, whatever has to go."""
        self._pieces[piece] = None
        self._left_bytes -= piece.size_bytes
        victims = []
        while self._left_bytes < 0:
            victim, _ = self._pieces.popitem(last=False)
            self._left_bytes += victim.size_bytes
            victims.append(victim)
        return victims

    def pin(self, pins: Mapping[Group, date]) -> None:
        """Know no pins."""


@dataclass(slots=True)
class Tally:
    """Bytes of some days: asked for, given from the cache, over the line by day and by night.

    `vain_bytes` came at night and went, or were not kept, before anybody had read them.
    """

    asked_bytes: int = 0
    hit_bytes: int = 0
    vain_bytes: int = 0
    days_bytes: list[int] = field(default_factory=list)
    nights_bytes: list[int] = field(default_factory=list)

    @property
    def hit_percent(self) -> float:
        """The byte hit ratio of the days."""
        return 100 * self.hit_bytes / self.asked_bytes


class Box:
    """A cache in a school, with or without nights."""

    def __init__(self, school: School, cache: Cache, line_bps: int, night_bytes: int) -> None:
        self._school, self._cache = school, cache
        self._line_bps, self._night_bytes = line_bps, night_bytes
        self._fresh: set[Piece] = set()
        self._schedule: Schedule[Piece] = Schedule()
        self.tally = Tally()

    def day(self, day: date, bites: Iterable[Bite]) -> None:
        """Let a day's bites be read."""
        cache, tally, missed_bytes = self._cache, self.tally, 0
        for bite in bites:
            group = Group(bite.lesson, bite.rendition)
            pieces = self._school.lessons[bite.lesson].pieces[bite.rendition]
            for piece in pieces[bite.first : bite.end]:
                self._fresh.discard(piece)
                tally.asked_bytes += piece.size_bytes
                if cache.holds(group, piece):
                    tally.hit_bytes += piece.size_bytes
                    cache.use(group, piece)
                else:
                    missed_bytes += piece.size_bytes
                    self._keep(group, piece, day)
        tally.days_bytes.append(missed_bytes)

    def night(self, day: date) -> None:
        """Fetch from the evening of a day on, as the box's night does."""
        now = datetime.combine(day, time(HOURS.start_min // 60), ZONE).timestamp()
        self._schedule.pace_night(now, int(LINE_SHARE * self._line_bps))
        self.tally.nights_bytes.append(0)
        while HOURS.within(now):
            plan = self._plan(now)
            self._cache.pin(plan.pins)
            now = self._fetch(plan, now) + AGAIN_S if plan.fetches else _next_look(now)
        self._schedule.pace_night(now, 0)

    def _plan(self, now: float) -> Plan:
        days: dict[date, list[str]] = {}
        for one in self._school.plan(datetime.fromtimestamp(now, ZONE)):
            days.setdefault(one.day, []).append(one.lesson)
        lessons = {lesson for planned in days.values() for lesson in planned}
        return make_plan(
            [Entry(day, tuple(planned)) for day, planned in days.items()],
            {lesson: self._school.lessons[lesson].choices for lesson in lessons},
            self._cache.holds,
            first=first_day(now),
            line_bps=self._line_bps,
            budget_bytes=self._night_bytes - self.tally.nights_bytes[-1],
            shelf_bytes=self._cache.budget_bytes,
        )

    def _fetch(self, plan: Plan, now: float) -> float:
        """Fetch what is planned; give when it was done, or the morning came."""
        for fetch in plan.fetches:
            for piece in fetch.pieces:
                if not HOURS.within(now):
                    return now
                now = self._turn(piece, now)
                self.tally.nights_bytes[-1] += piece.size_bytes
                now += 8 * piece.size_bytes / self._line_bps
                self._schedule.done(piece)
                self._fresh.add(piece)
                today = datetime.fromtimestamp(now, ZONE).date()
                if not self._keep(fetch.group, piece, today):
                    self._note_gone(piece)
        return now

    def _turn(self, piece: Piece, now: float) -> float:
        """Wait for the bucket; give when a piece may start."""
        self._schedule.add(now, piece, AT_NIGHT, piece.size_bytes)
        while not self._schedule.start(now):
            now = max(now + TICK_S, self._schedule.next_deadline() or now)
        return now

    def _keep(self, group: Group, piece: Piece, today: date) -> bool:
        victims = self._cache.put(group, piece, today)
        for victim in victims or ():
            self._note_gone(victim)
        return victims is not None

    def _note_gone(self, piece: Piece) -> None:
        if piece in self._fresh:
            self._fresh.remove(piece)
            self.tally.vain_bytes += piece.size_bytes


def _next_look(now: float) -> float:
    """Give when there is more to plan: after midnight, when another day is the first."""
    midnight = datetime.combine(first_day(now), time(), ZONE).timestamp()
    return midnight if midnight > now else now + HOURS.duration_s()
