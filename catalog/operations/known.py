"""What is known, at one moment, of a school and of what its pictures come through. Pure values.

None means: not known. A figure that nobody gave is no evidence of anything.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Picture:
    """The main picture of a live session, as the origin has it.

    silent_s: for how long nothing has come from its publisher, 0 while it comes. gaps: holes within
    the last GAPS_OVER_S. slow_s: for how long the city has encoded it slower than it comes.
    part_age_s: mean age of parts when they could be fetched, over the last seconds; old_s: for how
    long that has been beyond its limit.
    stopped_s: for how long bits came and no part was made of them.
    """

    session: str
    silent_s: float | None = None
    gaps: int | None = None
    slow_s: float | None = None
    speed: float | None = None
    part_age_s: float | None = None
    old_s: float | None = None
    stopped_s: float | None = None


@dataclass(frozen=True, slots=True)
class City:
    """The machine that the origin runs on. loop_late_s: how late its loop wakes, typically."""

    loop_late_s: float | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A school's box by what it told last.

    told_s: how long ago that was; closed_s: for how long its connection has been closed from its
    own side, None while it is open; unheard_s: when it was heard last, of one that has told nothing
    since the origin began. line_bps: what it may use of its line; thin_s: for how long that has
    been too thin for what is watched; lag_s: age of the latest live picture on its arrival. What it
    said of line, disk and loop is known only while it tells.
    """

    told_s: float | None = None
    closed_s: float | None = None
    unheard_s: float | None = None
    line_bps: int | None = None
    thin_s: float | None = None
    lag_s: float | None = None
    disk: str | None = None
    loop_late_s: float | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the school in the room of a lesson, as its own reports say.

    stalled_s: how long ago it stood still last. silent_s: how long its reports, which came before,
    have been missing; away_s: for how long it is cut off.
    """

    name: str
    session: str
    delay_s: float | None = None
    skew_s: float | None = None
    stalled_s: float | None = None
    silent_s: float | None = None
    away_s: float | None = None
    late: bool | None = None


@dataclass(frozen=True, slots=True)
class Viewings:
    """What viewers in the school reported within the last VIEWINGS_OVER_S, all together."""

    reports: int = 0
    play_s: float = 0.0
    stood_s: float = 0.0

    @property
    def stood_share(self) -> float:
        """How much of the time they stood and waited."""
        whole_s = self.play_s + self.stood_s
        return self.stood_s / whole_s if whole_s else 0.0


@dataclass(frozen=True, slots=True)
class Known:
    """All of it, for one school. `box` is None where there is none, or none is known."""

    pictures: tuple[Picture, ...] = ()
    city: City = City()
    box: Box | None = None
    devices: tuple[Device, ...] = ()
    viewings: Viewings = Viewings()


GAPS_OVER_S = 10.0
VIEWINGS_OVER_S = 60.0
