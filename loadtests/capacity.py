"""What the city needs, from what one machine was measured to do. Pure: figures in, figures out.

The model is a fluid one. A core is filled up to `fill`; sessions and viewers cost the cores that
were measured; who joins costs CPU seconds once, and what is left of the cores after sessions and
viewers who already watch is what joins are served with. What is not measured stands as a named
assumption in capacity_assumptions.py. It does not know lines to schools, disks or the database.
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


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one way to viewers costs; `viewers_a_core` at the live rate, on a whole core."""

    viewers_a_core: float
    bytes_a_cpu_s: float
    join_cpu_s: float
    viewer_bytes: float
    join_s: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one machine. A session's cores are all of its; the loop's part is on one core."""

    ws: Delivery
    hls: Delivery
    copied_session_cores: float
    encoded_session_cores: float
    loop_session_cores: float
    process_bytes: float
    copied_session_bytes: float
    encoded_session_bytes: float

    def __post_init__(self) -> None:
        for owner in (self, self.ws, self.hls):
            for field in fields(owner):
                value = getattr(owner, field.name)
                if isinstance(value, float | int) and not 0 < value < math.inf:
                    raise ValueError(f"{field.name} is {value}: measure it before it is modelled")


@dataclass(frozen=True, slots=True)
class Programme:
    """One thing that the city does at once."""

    name: str
    zh: str
    sessions: float
    encoded_share: float
    ws_viewers: float
    hls_viewers: float
    viewer_bps: float
    joins: float
    join_within_s: float
    recorded: bool = False


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
                  rooms, 0, live, rooms, PAIRS_JOIN_S.value),
        Programme("one lesson to all 1400 classrooms", "名师空中课堂：一节课到全部 1400 间教室",
                  1, 1, CLASSROOMS, 0, live, CLASSROOMS, PAIRS_JOIN_S.value),
        Programme("the storm at eight: 1400 classrooms join", "早上八点：1400 间教室同时进来",
                  1, 1, CLASSROOMS, 0, live, CLASSROOMS, STORM_S.value),
        Programme("an evening: 7500 homes on one recording", "晚上：7500 个家庭看同一节回放",
                  0, 0, 0, EVENING_VIEWERS, RECORDED_BPS.value, EVENING_VIEWERS,
                  EVENING_JOIN_S.value, recorded=True),
    )  # fmt: skip


def viewer_cores(measured: Measured, asked: Programme) -> float:
    """Give the cores that all viewers take; other rates than the live one go by the bytes."""
    if asked.viewer_bps == LIVE_BPS.value and not asked.recorded:
        return (
            asked.ws_viewers / measured.ws.viewers_a_core
            + asked.hls_viewers / measured.hls.viewers_a_core
        )
    bytes_s = asked.viewer_bps / 8
    return bytes_s * (
        asked.ws_viewers / measured.ws.bytes_a_cpu_s
        + asked.hls_viewers / measured.hls.bytes_a_cpu_s
    )


def session_cores(measured: Measured, asked: Programme) -> float:
    """Give the cores that taking in, packing and encoding take."""
    encoded = asked.sessions * asked.encoded_share
    copied = asked.sessions - encoded
    return encoded * measured.encoded_session_cores + copied * measured.copied_session_cores


def need(measured: Measured, asked: Programme) -> Need:
    """Give what a programme needs when everybody plays."""
    sessions, viewers = session_cores(measured, asked), viewer_cores(measured, asked)
    loops = asked.sessions * measured.loop_session_cores + viewers
    processes = max(1, math.ceil(loops / FILL.value))
    taken = _relayed_cores(measured, asked, processes)
    encoded = asked.sessions * asked.encoded_share
    memory = (
        processes * measured.process_bytes
        + encoded * measured.encoded_session_bytes
        + (asked.sessions - encoded) * measured.copied_session_bytes
        + asked.ws_viewers * measured.ws.viewer_bytes
        + asked.hls_viewers * measured.hls.viewer_bytes
    )
    return Need(
        asked, sessions, viewers, (sessions + viewers + taken) / FILL.value, processes, memory,
        (asked.ws_viewers + asked.hls_viewers) * asked.viewer_bps,
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
    wanted = PLAY_SHARE * asked.joins
    if wanted == 0:
        return 0.0
    delivery = measured.ws if asked.ws_viewers else measured.hls
    room = cores * FILL.value - session_cores(measured, asked)
    watch = viewer_cores(measured, asked) / asked.joins
    if room - watch * wanted <= 0:
        return math.inf
    rate = asked.joins / asked.join_within_s
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
    delivery = measured.ws if asked.ws_viewers else measured.hls
    joining = asked.joins / asked.join_within_s * delivery.join_cpu_s
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
