"""All figures of the city in one form, what the model takes of them, and their ratios. Pure.

Figures go as JSON between the bench, the report and the baseline; this is their one form. Of
several rounds the smallest is taken: what else this machine did only ever makes a figure larger,
and a regression makes the smallest larger as well. What a window was too short or viewers too few
to show is no number, and neither the model nor the baseline takes it for one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from loadtests.capacity import Delivery, Measured
from loadtests.day_figures import EVENING, ONE_TO_ALL, PAIRS, Day, Played, day_from
from loadtests.storm_figures import Rest, Session, Stormed, shown

# Two runs on a machine that others used as well: work differed by 1.24, waiting by 1.6 times.
WORK_TOLERANCE, WAIT_TOLERANCE, FAIR_TOLERANCE = 1.5, 2.5, 1.1
# One small difference over another: 7.0, 7.8, 10.5 by WebSocket in three runs on a quiet machine.
JOIN_TOLERANCE = 2.0
WAITS, FAIR, JOIN = ("API p95", "join p95"), "of the slowest", "CPU of a join"
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
    "API p95 meanwhile / before": "大家在看时 API p95 / 之前",
    "CPU of a pair with its room / of its lesson alone": "一对课堂连同教室 / 只有那节课的 CPU",
    PAIRS: "结对课堂",
    ONE_TO_ALL: "一节课到全市",
    EVENING: "晚上看回放",
    "hls / ws": "LL-HLS / WebSocket",
    "ws": "WebSocket",
    "hls": "LL-HLS",
}


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
    day: Day | None = None

    def of(self, kind: str) -> Sequence[Stormed]:
        """Give the storms of one delivery."""
        return [one for one in self.storms if one.kind == kind]

    def played(self, name: str) -> Played:
        """Give a programme as it was played. Raises: ValueError when it was not."""
        found = [one for one in self.day.played if one.name == name] if self.day else []
        if not found:
            raise ValueError(f"{name} was not played: run python -m loadtests.city_day")
        return found[0]


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
            day_from(found["day"]) if found["day"] else None,
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"these are no figures of city_storm and city_day: {error}") from error


def least(values: Iterable[float]) -> float:
    """Give the smallest that is a number; without one, none."""
    return min((one for one in values if math.isfinite(one)), default=math.nan)


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
    ws, hls, pairs = delivery(figures, "ws"), delivery(figures, "hls"), figures.played(PAIRS)
    classroom = replace(ws, viewers_a_core=1 / pairs.viewer_cores, loop_share=pairs.loop_share)
    return Measured(
        ws, hls, classroom, recorded(figures, hls),
        copied.cores, encoded.cores, pairs.lesson_cores,
        max(copied.service_cores, encoded.service_cores, pairs.loop_lesson_cores),
        figures.rest.service_bytes, copied.grown_bytes, encoded.grown_bytes,
    )  # fmt: skip


def recorded(figures: Figures, hls: Delivery) -> Delivery:
    """Give what a home of the evening costs; its memory is that of a viewer by LL-HLS.

    The service has had more viewers before and keeps what it took for them: none is to be seen.
    """
    evening = figures.played(EVENING)
    return Delivery(
        1 / evening.viewer_cores, 1e6 / evening.cpu_a_megabyte,
        evening.crowd.join_cpu_s(evening.rest), hls.viewer_bytes, evening.crowd.join_p50_s,
        evening.loop_share,
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
    found["encoded / copied: CPU of a lesson"] = figures.encoded.cores / shown(figures.copied.cores)
    for one in figures.day.played if figures.day else ():
        found |= {f"{one.name}: {name}": value for name, value in _of_played(figures, one).items()}
    return found


def _of_played(figures: Figures, one: Played) -> dict[str, float]:
    if one.name == PAIRS:
        work = {"CPU of a pair with its room / of its lesson alone": one.of_its_lesson_alone}
    else:
        megabyte = one.cpu_a_megabyte / figures.copying_cpu_a_megabyte
        work = {"CPU a megabyte / copying it": megabyte}
    return {
        **work,
        "API p95 meanwhile / before": one.crowd.api_watching_p95_s / one.rest.api_p95_s,
        "rate of the mean viewer / of the slowest": (
            1 / one.crowd.slowest if one.crowd.slowest else math.inf
        ),
    }


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
    if JOIN in name:
        return JOIN_TOLERANCE
    return WAIT_TOLERANCE if any(one in name for one in WAITS) else WORK_TOLERANCE
