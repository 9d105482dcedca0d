"""Which rungs a school may use of what it watches, and why. Pure.

The rule. The room for media is 0.8 of the line: of the estimate less a reserve, or of the ceiling
that an operator set, whichever is less. When all rungs of all streams fit it, all are allowed. Else
each stream has one rung, and what is whole in the cache beside it: everyone begins with the lowest,
and whoever is lowest is raised first as long as the sum fits. Sound alone is always allowed.

What is allowed stays while it needs at most 0.93 of the line (0.8 × √(1.15 / 0.85): an estimate
that is off by 15 % either way lowers a choice once, never twice) and is lowered at once beyond that
or for a stream that appears. It is raised when the raise has fitted for 30 s without a break; after
one that the line took back within 2 minutes twice as long, up to 8 minutes.
Decide about once a second; a line that was never measured counts as 2 Mbit/s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import ceil, inf

SHARE = 0.8
HELD_SHARE = 0.93
UP_AFTER_S, UP_AFTER_MOST_S = 30.0, 480.0
IN_VAIN_S = 120.0
UNKNOWN_LINE_BPS = 2_000_000


class Why(Enum):
    """What decided."""

    ALL_FITS = "all fits"
    LINE = "line"
    CEILING = "ceiling"
    LOWEST = "lowest rung although the line is too thin"
    CACHED = "cached"
    UNKNOWN = "line not measured yet"


@dataclass(frozen=True, slots=True)
class Rung:
    """One choice of a stream; `bandwidth_bps` with its sound. `sound_only` is sound by itself."""

    name: str
    bandwidth_bps: int
    whole_in_cache: bool = False
    sound_only: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """A lesson or live feed that is being watched here."""

    id: str
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What an operator set: the most that media may count on, and what is left to other traffic."""

    ceiling_bps: int | None = None
    reserve_bps: int = 0


@dataclass(frozen=True, slots=True)
class Allowed:
    """Names of the rungs that a stream may use, in its own order; `capped`: some are missing."""

    rungs: tuple[str, ...]
    capped: bool
    why: Why


NO_LIMITS = Limits()


class _Everything(Enum):
    ALL = "all rungs"


_Choice = Rung | None | _Everything


class _Ladder:
    """A stream's choices: level n is `steps[n]`, None for only what is cached; `top` is all."""

    __slots__ = ("_costs_bps", "_free_bps", "cached", "id", "rungs", "steps", "top")

    def __init__(self, stream: Stream) -> None:
        video = [rung for rung in stream.rungs if not rung.sound_only]
        sounds = [rung for rung in stream.rungs if rung.sound_only]
        sound_bps = min((rung.bandwidth_bps for rung in sounds), default=0)
        asked = sorted((r for r in video if not r.whole_in_cache), key=lambda r: r.bandwidth_bps)
        free = [rung.bandwidth_bps for rung in video if rung.whole_in_cache]
        self.id, self.rungs = stream.id, stream.rungs
        self.cached = bool(free) and not asked
        self._free_bps = max(free, default=0)
        better = [rung for rung in asked if rung.bandwidth_bps > self._free_bps]
        self.steps: list[Rung | None] = [*better] if asked and not free else [None, *better]
        self.top = len(self.steps)
        pictures = [max(0, rung.bandwidth_bps - sound_bps) if rung else 0 for rung in self.steps]
        pictures.append(sum(max(0, rung.bandwidth_bps - sound_bps) for rung in asked))
        crossing_bps = 0 if any(rung.whole_in_cache for rung in sounds) else sound_bps
        self._costs_bps = [crossing_bps + picture for picture in pictures]

    def cost_bps(self, level: int) -> int:
        """Say what crosses the line when everything of a level is in use: its sound once."""
        return self._costs_bps[level]

    def reach_bps(self, level: int) -> int:
        """Say how good the best of a level is; fairness goes by it."""
        step = self.steps[level]
        return step.bandwidth_bps if step else self._free_bps

    def level_of(self, chosen: _Choice) -> int:
        """Find a former choice again, or the best that needs no more than it did."""
        if chosen is _Everything.ALL:
            return self.top
        if chosen is None:
            return 0
        for level, step in enumerate(self.steps):
            if step is not None and step.name == chosen.name:
                return level
        fitting = [n for n in range(self.top) if self.reach_bps(n) <= chosen.bandwidth_bps]
        return max(fitting, default=0)

    def asks_at_least(self, level: int) -> bool:
        """Tell whether a level is the lowest, and one that crosses the line."""
        return level == 0 and self.steps[0] is not None

    def choice(self, level: int) -> _Choice:
        return _Everything.ALL if level == self.top else self.steps[level]

    def names(self, level: int) -> tuple[str, ...]:
        step = self.choice(level)
        return tuple(
            rung.name
            for rung in self.rungs
            if step is _Everything.ALL or rung is step or rung.whole_in_cache or rung.sound_only
        )


@dataclass(frozen=True, slots=True)
class _Raised:
    """When a stream was raised last, and how long a raise has to fit before the next."""

    at: float
    patience_s: float


NEVER_RAISED = _Raised(-inf, UP_AFTER_S)


@dataclass(frozen=True, slots=True)
class _Wait:
    """A raise that has fitted so far, at least to this level of these steps; it is due `until`."""

    until: float
    level: int
    steps: tuple[str, ...]


class Cap:
    """The school's one decision for all that is being watched; remembers what it allowed."""

    def __init__(self, limits: Limits = NO_LIMITS) -> None:
        self._limits = limits
        self._chosen: dict[str, _Choice] = {}
        self._waits: dict[str, _Wait] = {}
        self._raised: dict[str, _Raised] = {}
        self._measured = False
        self.room_bps = 0
        self.next_bps: int | None = None

    @property
    def limited(self) -> bool:
        """Tell whether an operator keeps a part of the line."""
        return self._limits != NO_LIMITS

    def limit(self, limits: Limits) -> None:
        """Take other limits; the next decision follows them at once, upward too."""
        self._limits = limits
        self._chosen.clear()
        self._waits.clear()
        self._raised.clear()

    def decide(
        self, now: float, streams: Iterable[Stream], estimate_bps: int | None
    ) -> dict[str, Allowed]:
        """Say for each stream in use, by its id, what it may use from now on."""
        ladders = [_Ladder(stream) for stream in {one.id: one for one in streams}.values()]
        line_bps, why = self._line(estimate_bps)
        self.room_bps = int(SHARE * line_bps)
        levels = self._kept(now, ladders, line_bps)
        self._raise(now, ladders, levels)
        self._chosen = {one.id: one.choice(n) for one, n in zip(ladders, levels, strict=True)}
        self._raised = {name: last for name, last in self._raised.items() if name in self._chosen}
        self.next_bps = self._needed_bps(ladders, levels)
        thin = _cost_bps(ladders, [0] * len(ladders)) > self.room_bps
        return {
            one.id: _allowed(one, level, Why.LOWEST if thin and one.asks_at_least(level) else why)
            for one, level in zip(ladders, levels, strict=True)
        }

    def _needed_bps(self, ladders: Sequence[_Ladder], levels: Sequence[int]) -> int | None:
        """Say what the line must carry for the next raise; None when all have everything."""
        tops = [one.top for one in ladders]
        if list(levels) == tops:
            return None
        now_bps = _cost_bps(ladders, levels)
        steps = [
            now_bps - one.cost_bps(level) + one.cost_bps(level + 1)
            for one, level in zip(ladders, levels, strict=True)
            if level + 1 < one.top
        ]
        return ceil(min([*steps, _cost_bps(ladders, tops)]) / SHARE) + self._limits.reserve_bps

    def next_deadline(self) -> float | None:
        """Tell when a raise is due that goes on fitting."""
        return min((wait.until for wait in self._waits.values()), default=None)

    def _line(self, estimate_bps: int | None) -> tuple[int, Why]:
        ceiling_bps = self._limits.ceiling_bps
        if estimate_bps is None and ceiling_bps is not None:
            return ceiling_bps, Why.CEILING
        if estimate_bps is None:
            return UNKNOWN_LINE_BPS, Why.UNKNOWN
        if not self._measured:  # what was only assumed needs no patience
            self._measured = True
            self._chosen.clear()
        measured_bps = max(0, estimate_bps - self._limits.reserve_bps)
        if ceiling_bps is not None and ceiling_bps < measured_bps:
            return ceiling_bps, Why.CEILING
        return measured_bps, Why.LINE

    def _kept(self, now: float, ladders: Sequence[_Ladder], line_bps: int) -> list[int]:
        """Keep what was allowed, or lower it at once."""
        kept = [
            one.level_of(self._chosen[one.id]) if one.id in self._chosen else one.top
            for one in ladders
        ]
        appeared = any(one.id not in self._chosen for one in ladders)
        if not appeared and _cost_bps(ladders, kept) <= HELD_SHARE * line_bps:
            return kept
        lowered = _fill(ladders, [0] * len(ladders), kept, self.room_bps)
        for one, before, after in zip(ladders, kept, lowered, strict=True):
            if after < before and not appeared:
                self._learn_patience(now, one.id)
        return lowered

    def _learn_patience(self, now: float, stream: str) -> None:
        """The line took a stream's raise back: be slower with the next if it had not lasted."""
        last = self._raised.get(stream, NEVER_RAISED)
        patience_s = 2 * last.patience_s if now - last.at < IN_VAIN_S else UP_AFTER_S
        self._raised[stream] = _Raised(last.at, min(patience_s, UP_AFTER_MOST_S))

    def _raise(self, now: float, ladders: Sequence[_Ladder], levels: list[int]) -> None:
        """Raise, in place, who has waited long enough."""
        waits, self._waits = self._waits, {}
        goals = _fill(ladders, levels, [one.top for one in ladders], self.room_bps)
        for n, (one, goal) in enumerate(zip(ladders, goals, strict=True)):
            if goal <= levels[n]:
                continue
            steps = one.names(one.top)
            patience_s = self._raised.get(one.id, NEVER_RAISED).patience_s
            wait = waits.get(one.id)
            if wait is None or wait.steps != steps or wait.level <= levels[n]:
                wait = _Wait(now + patience_s, goal, steps)
            if now >= wait.until:
                levels[n] = min(wait.level, goal)
                self._raised[one.id] = _Raised(now, patience_s)
            else:
                self._waits[one.id] = replace(wait, level=min(wait.level, goal))


def _allowed(one: _Ladder, level: int, why: Why) -> Allowed:
    names = one.names(level)
    capped = len(names) < len(one.rungs)
    if not capped and why is not Why.LOWEST:
        why = Why.CACHED if one.cached else Why.ALL_FITS
    return Allowed(names, capped, why)


def _cost_bps(ladders: Sequence[_Ladder], levels: Sequence[int]) -> int:
    return sum(one.cost_bps(level) for one, level in zip(ladders, levels, strict=True))


def _fill(
    ladders: Sequence[_Ladder], levels: Sequence[int], most: Sequence[int], room_bps: int
) -> list[int]:
    """Raise whoever is lowest by a step, again and again, while the sum fits; none above `most`."""
    if _cost_bps(ladders, [one.top for one in ladders]) <= room_bps:
        return list(most)
    found = list(levels)
    left_bps = room_bps - _cost_bps(ladders, found)
    limits = [min(high, one.top - 1) for one, high in zip(ladders, most, strict=True)]
    rising = {n for n, level in enumerate(found) if level < limits[n]}
    while rising:
        n = min(rising, key=lambda n: (ladders[n].reach_bps(found[n]), ladders[n].id))
        more_bps = ladders[n].cost_bps(found[n] + 1) - ladders[n].cost_bps(found[n])
        fits = more_bps <= left_bps
        if fits:
            left_bps -= more_bps
            found[n] += 1
        if not fits or found[n] == limits[n]:
            rising.discard(n)
    return found
