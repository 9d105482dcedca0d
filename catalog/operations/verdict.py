"""Why is a school bad? The first at fault of encoder, origin, line, edge, Wi-Fi, device. Pure.

The rule: TABLE is read from its top, the order in which a picture comes. The first cause of which
any rule finds evidence is the verdict, with all the evidence of that cause; what stands behind it
suffers from it and is not asked. A rule whose figures are not known finds nothing.

Between the last three only a comparison decides. One device of several: the device. Several, while
others are well or they differ much: the Wi-Fi between. All of them alike: what they share, which is
the box, or the line where there is no box.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from catalog.operations.known import Box, Device, Known, Picture

SILENT_S = 3.0
GAPS = 3
SPEED = 0.95
SLOW_S = 8.0
PART_AGE_S = 1.0
OLD_S = 3.0
CATCHES_UP = 1.1
STOPPED_S = 4.0
LATE_LOOP_S = 0.25
UNTOLD_S = 10.0
CLOSED_S = 4.0
UNHEARD_S = 180.0
THIN_S = 5.0
LAG_S = 2.0
BAD_DISKS = frozenset({"full", "read_only", "failing"})
SPREAD_S = 0.3
WIFI_DEVICES = 3
STOOD_SHARE = 0.05
STOOD_REPORTS = 3
SKEW_S = 0.2
STALLED_S = 10.0
SILENT_DEVICE_S = 8.0
AWAY_S = 3.0


class Cause(Enum):
    """What can be at fault, in the order in which a picture passes it."""

    ENCODER = "encoder"
    ORIGIN = "origin"
    LINE = "line"
    EDGE = "edge"
    WIFI = "wifi"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A figure beyond its limit. lasted_s: for how long, where the figure itself says it.

    `code` names the sentence that the page has for it; `about` is a session, a device, or nothing.
    """

    code: str
    figure: float
    limit: float
    unit: str
    about: str = ""
    lasted_s: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who is at fault, and what says so."""

    cause: Cause
    evidence: tuple[Evidence, ...]


Rule = Callable[[Known], Iterable[Evidence]]


def judge(known: Known) -> Verdict | None:
    """Name the first at fault; None when nothing is."""
    for cause, rules in TABLE:
        found = tuple(evidence for rule in rules for evidence in rule(known))
        if found:
            return Verdict(cause, found)
    return None


def over(
    code: str, figure: float | None, limit: float, unit: str = "s", about: str = "",
    lasts: bool = False,
) -> Iterator[Evidence]:  # fmt: skip
    """Give evidence when the figure is known and has reached its limit."""
    if figure is not None and figure >= limit:
        yield Evidence(code, figure, limit, unit, about, figure if lasts else None)


def trouble_of(device: Device) -> Evidence | None:
    """Give what is wrong with a device, the plainest first."""
    return next(_troubles(device), None)


def _troubles(device: Device) -> Iterator[Evidence]:
    name = device.name
    yield from over("device_away", device.away_s, AWAY_S, about=name, lasts=True)
    yield from over("device_silent", device.silent_s, SILENT_DEVICE_S, about=name, lasts=True)
    if device.late:
        yield Evidence("device_late", device.delay_s or 0.0, 0.0, "s", name)
    if device.stalled_s is not None and device.stalled_s < STALLED_S:
        yield Evidence("device_stalls", device.stalled_s, STALLED_S, "s", name)
    if device.skew_s is not None:
        yield from over("device_skew", abs(device.skew_s), SKEW_S, about=name)


def _each(rule: Callable[[Picture], Iterable[Evidence]]) -> Rule:
    return lambda known: (found for picture in known.pictures for found in rule(picture))


def _of_box(rule: Callable[[Box], Iterable[Evidence]]) -> Rule:
    return lambda known: rule(known.box) if known.box is not None else ()


def _silent(p: Picture) -> Iterator[Evidence]:
    yield from over("encoder_silent", p.silent_s, SILENT_S, about=p.session, lasts=True)


def _holes(p: Picture) -> Iterator[Evidence]:
    yield from over("encoder_gaps", p.gaps, GAPS, "", p.session)


def _slow(p: Picture) -> Iterator[Evidence]:
    if p.speed is None or p.speed >= SPEED or p.slow_s is None:
        return
    if p.slow_s >= SLOW_S:
        yield Evidence("transcoder_slow", p.speed, SPEED, "x", p.session, p.slow_s)


def _comes_late(p: Picture, known: Known) -> bool:
    """Old parts of an encoding that keeps pace came old: who is behind itself would catch up."""
    at_ease = (known.city.loop_late_s or 0.0) < LATE_LOOP_S
    return at_ease and p.speed is not None and SPEED <= p.speed < CATCHES_UP


def _is_old(p: Picture) -> bool:
    return p.old_s is not None and p.old_s >= OLD_S and p.part_age_s is not None


def _behind(known: Known) -> Iterator[Evidence]:
    for p in known.pictures:
        if _is_old(p) and _comes_late(p, known):
            yield Evidence(
                "encoder_behind", p.part_age_s or 0.0, PART_AGE_S, "s", p.session, p.old_s
            )


def _old(known: Known) -> Iterator[Evidence]:
    for p in known.pictures:
        if _is_old(p) and not _comes_late(p, known):
            yield Evidence("parts_old", p.part_age_s or 0.0, PART_AGE_S, "s", p.session, p.old_s)


def _stopped(p: Picture) -> Iterator[Evidence]:
    yield from over("parts_stopped", p.stopped_s, STOPPED_S, about=p.session, lasts=True)


def _loop(known: Known) -> Iterator[Evidence]:
    yield from over("origin_busy", known.city.loop_late_s, LATE_LOOP_S)


def _untold(box: Box) -> Iterator[Evidence]:
    if box.closed_s is None:
        yield from over("box_untold", box.told_s, UNTOLD_S, lasts=True)


def _thin(box: Box) -> Iterator[Evidence]:
    if box.thin_s is not None and box.thin_s >= THIN_S:
        yield Evidence("line_thin", box.line_bps or 0, 0.0, "bps", "", box.thin_s)


def _lags(box: Box) -> Iterator[Evidence]:
    yield from over("line_lags", box.lag_s, LAG_S)


def _closed(box: Box) -> Iterator[Evidence]:
    yield from over("box_closed", box.closed_s, CLOSED_S, lasts=True)


def _unheard(box: Box) -> Iterator[Evidence]:
    yield from over("box_unheard", box.unheard_s, UNHEARD_S, lasts=True)


def _disk(box: Box) -> Iterator[Evidence]:
    if box.disk in BAD_DISKS:
        yield Evidence(f"box_disk_{box.disk}", 1.0, 0.0, "")


def _box_busy(box: Box) -> Iterator[Evidence]:
    yield from over("box_busy", box.loop_late_s, LATE_LOOP_S)


def _bad(known: Known) -> list[Device]:
    return [device for device in known.devices if trouble_of(device) is not None]


def _spread_s(devices: Sequence[Device]) -> float | None:
    delays = [device.delay_s for device in devices if device.delay_s is not None]
    return max(delays) - min(delays) if len(delays) > 1 else None


def _suffer_alike(known: Known) -> bool:
    spread_s, bad = _spread_s(known.devices), len(_bad(known))
    alike = spread_s is None or spread_s < SPREAD_S
    return bad > 1 and bad == len(known.devices) and alike


def _alike(code: str, with_box: bool) -> Rule:
    def rule(known: Known) -> Iterator[Evidence]:
        if (known.box is not None) is with_box and _suffer_alike(known):
            yield Evidence(code, len(known.devices), 2, "")

    return rule


def _differ(known: Known) -> Iterator[Evidence]:
    bad = len(_bad(known))
    if bad < 2 or len(known.devices) < WIFI_DEVICES or _suffer_alike(known):
        return
    yield Evidence("wifi_some", bad, len(known.devices), "")
    yield from over("wifi_spread", _spread_s(known.devices), SPREAD_S)


def _stand(known: Known) -> Iterator[Evidence]:
    """Behind a box that is well, what stands at several screens stands in the air."""
    if known.box is not None and known.box.told_s is not None:
        seen = known.viewings
        if seen.reports >= STOOD_REPORTS and seen.stood_share >= STOOD_SHARE:
            yield Evidence("wifi_stands", seen.stood_share, STOOD_SHARE, "share")


def _devices(known: Known) -> Iterator[Evidence]:
    for device in known.devices:
        trouble = trouble_of(device)
        if trouble is not None:
            yield trouble


TABLE: tuple[tuple[Cause, tuple[Rule, ...]], ...] = (
    (Cause.ENCODER, (_each(_silent), _each(_holes), _behind)),
    (Cause.ORIGIN, (_each(_slow), _old, _each(_stopped), _loop)),
    (Cause.LINE, (_of_box(_untold), _of_box(_thin), _of_box(_lags), _alike("line_alike", False))),
    (Cause.EDGE, (_of_box(_closed), _of_box(_unheard), _of_box(_disk), _of_box(_box_busy),
                  _alike("box_alike", True))),
    (Cause.WIFI, (_differ, _stand)),
    (Cause.DEVICE, (_devices,)),
)  # fmt: skip
