"""From what a storm told to what one viewer, one join and one session cost. Pure.

Figures go as JSON between the bench, the report and the baseline; this is their one form. Of
several rounds the smallest is taken: what else this machine did only ever makes a figure larger,
and a regression makes the smallest larger as well. What a window was too short or viewers too few
to show is no number, and neither the model nor the baseline takes it for one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loadtests.capacity import Delivery, Measured

BUSY = 0.85
# Two runs on a machine that others used as well: work differed by 1.24, waiting by 1.6 times.
WORK_TOLERANCE, WAIT_TOLERANCE, FAIR_TOLERANCE = 1.5, 2.5, 1.1
WAITS, FAIR = ("API p95", "join p95"), "of the slowest"
KINDS = ("ws", "hls")
ZH = {
    "API p95 in the storm / before": "大家进来时 API p95 / 之前",
    "CPU a megabyte / copying it": "送出一兆字节的 CPU / 单纯复制",
    "CPU of a join / of a second's watching": "一次加入的 CPU / 观看一秒",
    "seconds until 95 % play / of joining": "95 % 看到画面的时间 / 加入所用时间",
    "rate of the mean viewer / of the slowest": "平均观众的速率 / 最慢观众",
    "CPU of a viewer": "一个观众的 CPU",
    "join p95": "加入 p95",
    "CPU of a lesson": "一节课的 CPU",
    "encoded / copied": "转码 / 复制",
    "hls / ws": "LL-HLS / WebSocket",
    "ws": "WebSocket",
    "hls": "LL-HLS",
}


@dataclass(frozen=True, slots=True)
class Rest:
    """The service with one copied lesson on air and nobody who watches."""

    api_p50_s: float
    api_p95_s: float
    service_cores: float
    service_bytes: float


@dataclass(frozen=True, slots=True)
class Stormed:
    """One storm by one delivery, and the minutes after it, as they were counted."""

    kind: str
    viewers: int
    join_within_s: float
    join_p50_s: float
    join_p95_s: float
    join_most_s: float
    until_95_s: float
    until_all_s: float
    watched_s: float
    storm_cpu_s: float
    steady_cores: float
    steady_bytes_s: float
    slowest: float
    viewers_cores: float
    machine: float
    service_bytes: float
    api_p50_s: float
    api_p95_s: float
    errors: int

    def viewer_cores(self, rest: Rest) -> float:
        """What watching costs the service, a viewer."""
        return _shown((self.steady_cores - rest.service_cores) / self.viewers)

    def join_cpu_s(self, rest: Rest) -> float:
        """What a join costs beyond what watching does."""
        watching_s = self.watched_s * self.viewer_cores(rest)
        joins_s = self.storm_cpu_s - rest.service_cores * self.until_all_s - watching_s
        return _shown(joins_s / self.viewers)

    def viewer_bytes(self, rest: Rest) -> float:
        """What the service's memory has grown by since nobody watched, a viewer; an upper bound."""
        return _shown((self.service_bytes - rest.service_bytes) / self.viewers)

    @property
    def bound(self) -> str:
        """Say what had no more to give while everybody watched."""
        busy = {"the service's core": self.steady_cores, "the viewers' process": self.viewers_cores,
                "the machine": self.machine}  # fmt: skip
        return " and ".join(name for name, part in busy.items() if part >= BUSY) or "nothing yet"

    def cpu_a_megabyte(self, rest: Rest) -> float:
        """CPU seconds of the service for a megabyte, the lesson itself left out."""
        return self.viewer_cores(rest) * self.viewers / self.steady_bytes_s * 1e6


@dataclass(frozen=True, slots=True)
class Session:
    """What taking in a lesson costs, in the service's process and in its encoders."""

    service_cores: float
    encoder_cores: float
    grown_bytes: float

    @property
    def cores(self) -> float:
        """All of it."""
        return self.service_cores + self.encoder_cores


@dataclass(frozen=True, slots=True)
class Figures:
    """All that one run of the bench found."""

    command: str
    cores: int
    rest: Rest
    storms: tuple[Stormed, ...]
    copying_cpu_a_megabyte: float
    copied: Session
    encoded: Session

    def of(self, kind: str) -> Sequence[Stormed]:
        """Give the storms of one delivery."""
        return [one for one in self.storms if one.kind == kind]


def to_json(figures: Figures) -> str:
    """Write figures down."""
    return json.dumps(asdict(figures), indent=1) + "\n"


def from_json(text: str) -> Figures:
    """Read figures. Raises: ValueError when they are not whole."""
    try:
        found: dict[str, Any] = json.loads(text)
        return Figures(
            found["command"], found["cores"], Rest(**found["rest"]),
            tuple(Stormed(**one) for one in found["storms"]), found["copying_cpu_a_megabyte"],
            Session(**found["copied"]), Session(**found["encoded"]),
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"these are no figures of city_storm: {error}") from error


def least(values: Iterable[float]) -> float:
    """Give the smallest that is a number; without one, none."""
    return min((one for one in values if math.isfinite(one)), default=math.nan)


def _shown(value: float) -> float:
    return value if value > 0 else math.nan


def delivery(figures: Figures, kind: str) -> Delivery:
    """Give what one way to viewers costs. Raises: ValueError when it was not measured."""
    storms, rest = figures.of(kind), figures.rest
    if not storms:
        raise ValueError(f"no storm by {kind} was measured")
    return Delivery(
        1 / least(one.viewer_cores(rest) for one in storms),
        1e6 / least(one.cpu_a_megabyte(rest) for one in storms),
        least(one.join_cpu_s(rest) for one in storms),
        max(storms, key=lambda one: one.service_bytes).viewer_bytes(rest),
        least(one.join_p50_s for one in storms),
    )


def measured(figures: Figures) -> Measured:
    """Give what the capacity model asks for. Raises: ValueError."""
    copied, encoded = figures.copied, figures.encoded
    return Measured(
        delivery(figures, "ws"), delivery(figures, "hls"), copied.cores, encoded.cores,
        max(copied.service_cores, encoded.service_cores), figures.rest.service_bytes,
        copied.grown_bytes, encoded.grown_bytes,
    )  # fmt: skip


def ratios(figures: Figures) -> dict[str, float]:
    """Give what can be compared between machines: every one is better when it is smaller."""
    found = {
        f"{kind}: {name}": value
        for kind in KINDS
        if figures.of(kind)
        for name, value in _of_one(figures, kind).items()
    }
    ws, hls, rest = figures.of("ws"), figures.of("hls"), figures.rest
    if ws and hls:
        found["hls / ws: CPU of a viewer"] = least(one.viewer_cores(rest) for one in hls) / least(
            one.viewer_cores(rest) for one in ws
        )
        found["hls / ws: join p95"] = least(one.join_p95_s for one in hls) / least(
            one.join_p95_s for one in ws
        )
    found["encoded / copied: CPU of a lesson"] = figures.encoded.cores / _shown(
        figures.copied.cores
    )
    return found


def in_chinese(ratio: str) -> str:
    """Give a ratio's name as a Chinese reader is told it; an unknown part stays as it is."""
    of, _, what = ratio.partition(": ")
    return f"{ZH.get(of, of)}：{ZH.get(what, what)}" if what else ZH.get(of, of)


def _of_one(figures: Figures, kind: str) -> dict[str, float]:
    storms, rest = figures.of(kind), figures.rest
    watching = least(one.viewer_cores(rest) for one in storms)
    megabyte = least(one.cpu_a_megabyte(rest) for one in storms)
    return {
        "API p95 in the storm / before": least(one.api_p95_s for one in storms) / rest.api_p95_s,
        "CPU a megabyte / copying it": megabyte / figures.copying_cpu_a_megabyte,
        "CPU of a join / of a second's watching": least(one.join_cpu_s(rest) for one in storms)
        / watching,
        "seconds until 95 % play / of joining": least(
            one.until_95_s / one.join_within_s for one in storms
        ),
        "rate of the mean viewer / of the slowest": least(
            1 / one.slowest if one.slowest else math.inf for one in storms
        ),
    }


def tolerances(ratios: Iterable[str]) -> dict[str, float]:
    """Give by how many times each ratio may be worse before that is a regression."""
    return {name: _tolerance(name) for name in ratios}


def _tolerance(name: str) -> float:
    if FAIR in name:
        return FAIR_TOLERANCE
    return WAIT_TOLERANCE if any(one in name for one in WAITS) else WORK_TOLERANCE
