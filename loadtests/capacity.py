"""What the city needs, from what one machine was measured to do. Pure: figures in, figures out.

The model is a fluid one. A core is filled up to `fill`; sessions and viewers cost the cores that
were measured; who joins costs CPU seconds once, and what is left of the cores after sessions and
viewers who already watch is what joins are served with. A pair's lesson, its classrooms with their
room and a home on a recording cost what they did when they were played (city_day.py), the database
counted in. What is not measured stands as a named assumption in capacity_assumptions.py. It does
not know lines to schools or disks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import Enum

from loadtests.capacity_assumptions import (
    EVENING_JOIN_S,
    FILL,
    LIVE_BPS,
    PAIRS_ENCODED,
    PAIRS_JOIN_S,
    RECORDED_BPS,
    ROOMS_OF_A_PAIR,
    STORM_S,
)

PLAY_SHARE = 0.95
PAIRS, CLASSROOMS, EVENING_VIEWERS = 270, 1400, 7500


class Way(Enum):
    """How a programme comes to its viewers; classrooms of a pair are in its room as well."""

    WS = "ws"
    HLS = "hls"
    CLASSROOM = "classroom"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one way to viewers costs; `viewers_a_core` at the rate of the bench, on a whole core.

    `loop_share`: the part of it that the origin's process takes; the rest is the database's.
    """

    viewers_a_core: float
    bytes_a_cpu_s: float
    join_cpu_s: float
    viewer_bytes: float
    join_s: float
    loop_share: float = 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one machine. A session's cores are all of its; the loop's part is on one core."""

    ws: Delivery
    hls: Delivery
    classroom: Delivery
    recorded: Delivery
    copied_session_cores: float
    encoded_session_cores: float
    pair_lesson_cores: float
    loop_session_cores: float
    process_bytes: float
    copied_session_bytes: float
    encoded_session_bytes: float

    def __post_init__(self) -> None:
        owners: list[Measured | Delivery] = [self, *map(self.of, Way)]
        for owner in owners:
            for field in fields(owner):
                value = getattr(owner, field.name)
                if isinstance(value, float | int) and not 0 < value < math.inf:
                    raise ValueError(f"{field.name} is {value}: measure it before it is modelled")

    def of(self, way: Way) -> Delivery:
        """Give what a way costs."""
        found: Delivery = getattr(self, way.value)
        return found


@dataclass(frozen=True, slots=True)
class Programme:
    """One thing that the city does at once."""

    name: str
    zh: str
    sessions: float
    encoded_share: float
    way: Way
    viewers: float
    viewer_bps: float
    join_within_s: float


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to run it on; the city's programmes are set against this one."""

    cores: float = 16.0
    memory_bytes: float = 64e9
    out_bps: float = 10e9


class Resource(Enum):
    """What can be full."""

    CORES = "cores"
    MEMORY = "memory"
    LINE = "line out"


@dataclass(frozen=True, slots=True)
class Need:
    """What a programme takes; cores are such that none is fuller than `fill`."""

    programme: Programme
    session_cores: float
    viewer_cores: float
    cores: float
    processes: int
    memory_bytes: float
    out_bps: float

    def shares(self, machine: Machine) -> dict[Resource, float]:
        """Say how much of each thing of a machine is taken; above 1 it is not enough."""
        return {
            Resource.CORES: self.cores / machine.cores,
            Resource.MEMORY: self.memory_bytes / machine.memory_bytes,
            Resource.LINE: self.out_bps / machine.out_bps,
        }

    def machines(self, machine: Machine) -> int:
        """Say how many such machines do it, everything spread evenly."""
        return max(1, math.ceil(max(self.shares(machine).values())))

    def saturates_first(self, machine: Machine) -> Resource:
        """Name what is full first when the programme grows."""
        shares = self.shares(machine)
        return max(shares, key=lambda one: shares[one])


def programmes() -> tuple[Programme, ...]:
    """Give what the city does, by its own figures."""
    rooms, live = ROOMS_OF_A_PAIR.value * PAIRS, LIVE_BPS.value
    return (
        Programme("270 pairs at once", "270 对结对课堂同时上课", PAIRS, PAIRS_ENCODED.value,
                  Way.CLASSROOM, rooms, live, PAIRS_JOIN_S.value),
        Programme("one lesson to all 1400 classrooms", "名师空中课堂：一节课到全部 1400 间教室",
                  1, 1, Way.WS, CLASSROOMS, live, PAIRS_JOIN_S.value),
        Programme("the storm at eight: 1400 classrooms join", "早上八点：1400 间教室同时进来",
                  1, 1, Way.WS, CLASSROOMS, live, STORM_S.value),
        Programme("an evening: 7500 homes on one recording", "晚上：7500 个家庭看同一节回放",
                  0, 0, Way.RECORDED, EVENING_VIEWERS, RECORDED_BPS.value, EVENING_JOIN_S.value),
    )  # fmt: skip


def viewer_cores(measured: Measured, asked: Programme) -> float:
    """Give the cores that all viewers take; a recording's go by the bytes."""
    delivery = measured.of(asked.way)
    if asked.way is Way.RECORDED:
        return asked.viewers * asked.viewer_bps / 8 / delivery.bytes_a_cpu_s
    return asked.viewers / delivery.viewers_a_core


def session_cores(measured: Measured, asked: Programme) -> float:
    """Give the cores that taking in, packing and encoding take."""
    copied, encoding = _lesson_cores(measured, asked)
    return asked.sessions * (copied + asked.encoded_share * encoding)


def _lesson_cores(measured: Measured, asked: Programme) -> tuple[float, float]:
    """Give the cores of a copied lesson, and what is more of an encoded one."""
    copied, encoded = measured.copied_session_cores, measured.encoded_session_cores
    paired = asked.way is Way.CLASSROOM
    return measured.pair_lesson_cores if paired else copied, max(0.0, encoded - copied)


def need(measured: Measured, asked: Programme) -> Need:
    """Give what a programme needs when everybody plays."""
    sessions, viewers = session_cores(measured, asked), viewer_cores(measured, asked)
    of_loops = viewers * measured.of(asked.way).loop_share
    loops = asked.sessions * measured.loop_session_cores + of_loops
    processes = max(1, math.ceil(loops / FILL.value))
    taken = _relayed_cores(measured, asked, processes)
    encoded = asked.sessions * asked.encoded_share
    memory = (
        processes * measured.process_bytes
        + encoded * measured.encoded_session_bytes
        + (asked.sessions - encoded) * measured.copied_session_bytes
        + asked.viewers * measured.of(asked.way).viewer_bytes
    )
    return Need(
        asked, sessions, viewers, (sessions + viewers + taken) / FILL.value, processes, memory,
        asked.viewers * asked.viewer_bps,
    )  # fmt: skip


def _relayed_cores(measured: Measured, asked: Programme, processes: int) -> float:
    """Give what it costs that one session is spread over several processes."""
    spread = max(0.0, processes - max(1.0, asked.sessions))
    return spread / measured.ws.viewers_a_core


def until_playing_s(measured: Measured, asked: Programme, cores: float) -> float:
    """Give the seconds from the first join until 95 % play on so many cores; inf: they never do.

    Joins come evenly. As long as what is left of the cores serves them as they come, the last one
    of the 95 % waits for nobody; from then on the queue is served with what watching leaves.
    """
    wanted = PLAY_SHARE * asked.viewers
    if wanted == 0:
        return 0.0
    delivery = measured.of(asked.way)
    room = cores * FILL.value - session_cores(measured, asked)
    watch = viewer_cores(measured, asked) / asked.viewers
    if room - watch * wanted <= 0:
        return math.inf
    rate = asked.viewers / asked.join_within_s
    # from so many viewers on, joins wait for each other
    in_time = min(wanted, max(0.0, (room - rate * delivery.join_cpu_s) / watch))
    if in_time == wanted:
        return wanted / rate + delivery.join_s
    queued_s = (
        delivery.join_cpu_s / watch * math.log((room - watch * in_time) / (room - watch * wanted))
    )
    return in_time / rate + queued_s + delivery.join_s


def join_wait_s(measured: Measured, asked: Programme, cores: float) -> float:
    """Give the p95 of the seconds from one's own join to the picture; inf: it never comes.

    Once there is a queue it only grows, so who comes at 95 % waits longer than all before.
    """
    return max(0.0, until_playing_s(measured, asked, cores) - PLAY_SHARE * asked.join_within_s)


def cores_without_queue(measured: Measured, asked: Programme) -> float:
    """Give the cores from which on none of the 95 % waits for others: below, joins are too many."""
    delivery = measured.of(asked.way)
    joining = asked.viewers / asked.join_within_s * delivery.join_cpu_s
    watching = PLAY_SHARE * viewer_cores(measured, asked)
    return (session_cores(measured, asked) + watching + joining) / FILL.value


def cores_to_play_within(measured: Measured, asked: Programme, limit_s: float) -> int:
    """Give the fewest whole cores on which 95 % play within a time. Raises: ValueError."""
    least_s = until_playing_s(measured, asked, math.inf)
    if limit_s < least_s:
        raise ValueError(f"no machine does it within {limit_s} s: joining alone takes {least_s} s")
    cores = math.ceil(need(measured, asked).cores)
    while until_playing_s(measured, asked, cores) > limit_s:
        cores += 1
    return cores
