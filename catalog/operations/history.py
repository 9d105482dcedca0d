"""How it was: a sample each 10 s for an hour in memory, and the means of minutes to keep. Pure.

Subjects are the city, districts, schools, sessions and classrooms, at most SUBJECTS_LIMIT. A ring
is an array of floats; NaN is a figure that was not known. 9 figures × 360 samples × 4 bytes are
13 kB a subject, 52 MB at the limit.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import isnan, nan

EVERY_S = 10.0
RING_S = 3600.0
SLOTS = round(RING_S / EVERY_S)
SUBJECTS_LIMIT = 4000
KEPT_DAYS = 14
MINUTE_S = 60.0
ROWS_A_MINUTE_LIMIT = 4000
POINTS_LIMIT = 720

Subject = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """Figures of one moment. cause: its place in the order of causes; None: well."""

    rooms: float | None = None
    troubled: float | None = None
    viewers: float | None = None
    delay_ms: float | None = None
    skew_ms: float | None = None
    stalls: float | None = None
    estimate_bps: float | None = None
    use_bps: float | None = None
    cause: float | None = None

    def values(self) -> tuple[float | None, ...]:
        """Give the figures in the order of FIGURES."""
        return tuple(getattr(self, name) for name in FIGURES)


FIGURES = tuple(one.name for one in fields(Sample))
WORST = frozenset({"troubled", "stalls", "skew_ms"})
Point = tuple[float, tuple[float | None, ...]]


@dataclass(slots=True)
class _Ring:
    values: array[float]
    newest: int = -1
    oldest: int = -1


class History:
    """The last hour. A slot is a number of EVERY_S since 1970."""

    def __init__(self) -> None:
        self._rings: dict[Subject, _Ring] = {}

    def take(self, samples: Mapping[Subject, Sample], now_utc: float) -> None:
        """Take a sample of each subject; those least lately seen go when there are too many."""
        slot = int(now_utc // EVERY_S)
        for subject, sample in samples.items():
            ring = self._rings.pop(subject, None) or _Ring(array("f", [nan]) * _WIDTH)
            self._rings[subject] = ring
            self._put(ring, slot, sample.values())
        for subject in list(self._rings):
            if len(self._rings) <= SUBJECTS_LIMIT:
                break
            del self._rings[subject]

    def points(self, subject: Subject, now_utc: float, over_s: float = RING_S) -> list[Point]:
        """Give what is known of a subject, the oldest first."""
        ring = self._rings.get(subject)
        if ring is None:
            return []
        newest = int(now_utc // EVERY_S)
        first = max(newest - SLOTS + 1, newest - round(over_s / EVERY_S) + 1, ring.oldest)
        slots = range(first, min(newest, ring.newest) + 1)
        found = [(slot * EVERY_S, _read(ring, slot)) for slot in slots]
        return [point for point in found if any(value is not None for value in point[1])]

    def minute(self, minute_utc: float) -> list[tuple[Subject, tuple[float | None, ...]]]:
        """Give the row of each subject that told something within a minute, at most the limit.

        Of a minute that is over; samples of later ones may be taken meanwhile.
        """
        first = int(minute_utc // EVERY_S)
        slots = range(first, first + round(MINUTE_S / EVERY_S))
        found: list[tuple[Subject, tuple[float | None, ...]]] = []
        for subject, ring in tuple(self._rings.items()):
            row = joined([_read(ring, s) for s in slots if ring.oldest <= s <= ring.newest])
            if any(value is not None for value in row):
                found.append((subject, row))
            if len(found) >= ROWS_A_MINUTE_LIMIT:
                break
        return found

    @staticmethod
    def _put(ring: _Ring, slot: int, values: Sequence[float | None]) -> None:
        if ring.newest < 0 or slot - ring.newest >= SLOTS:
            ring.values = array("f", [nan]) * _WIDTH
            ring.oldest = slot
        else:
            for missed in range(ring.newest + 1, slot):
                _write(ring, missed, (None,) * len(FIGURES))
        _write(ring, slot, values)
        ring.newest = slot
        ring.oldest = max(ring.oldest, slot - SLOTS + 1)


_WIDTH = SLOTS * len(FIGURES)


def _write(ring: _Ring, slot: int, values: Sequence[float | None]) -> None:
    at = slot % SLOTS * len(FIGURES)
    ring.values[at : at + len(FIGURES)] = array("f", [nan if v is None else v for v in values])


def _read(ring: _Ring, slot: int) -> tuple[float | None, ...]:
    at = slot % SLOTS * len(FIGURES)
    return tuple(None if isnan(v) else v for v in ring.values[at : at + len(FIGURES)])


def joined(rows: Sequence[Sequence[float | None]]) -> tuple[float | None, ...]:
    """Give one row for several: the worst of some figures, the first cause, else the mean."""
    found: list[float | None] = []
    for number, name in enumerate(FIGURES):
        known = [value for row in rows if (value := row[number]) is not None]
        if not known:
            found.append(None)
        elif name == "cause":
            found.append(min(known))
        else:
            found.append(max(known) if name in WORST else sum(known) / len(known))
    return tuple(found)
