"""Figures of each live session for Prometheus, read at the moment of a scrape.

A session is live while a feed of it is on the air or has an encoder; when that ends its series are
gone with the next scrape. The label `session` is its id and nothing else; there are at most 400 of
them, and what is beyond is `other` for its whole life: counts and rates summed, the largest D, the
slowest encoder. Counts do not go back, neither a session's (counts.py) nor those of `other`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from deploy.counts import Counts, Labels, Series, Values, added
from streaming.live.figures import FeedFigures
from streaming.room.figures import RoomFigures
from streaming.room.metrics import SKEW_BUCKETS_S
from transcoder.live.figures import IngestFigures

SESSIONS_LIMIT = 400
OTHER = "other"
PREFIX = "tongbu_session_"
_BOUNDS = (*map(str, map(float, SKEW_BUCKETS_S)), "+Inf")


class Kind(Enum):
    """How a family is written."""

    GAUGE = "gauge"
    COUNTER = "counter"
    SUMMARY = "summary"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric: its labels beside the session, and how gauges of several sessions become one."""

    kind: Kind
    help: str
    labels: Labels = ()
    join: Callable[[Iterable[float]], float] = sum


FEED, RUNG = ("feed",), ("feed", "rung")
FAMILIES = {
    "ingest_bitrate_bps": Family(Kind.GAUGE, "Bits that came within the last second", FEED),
    "encoder_speed": Family(Kind.GAUGE, "Speed of the encoder, 1 is real time", FEED, min),
    "viewers": Family(
        Kind.GAUGE, "Viewers (ws; hls: reloads that wait)", ("feed", "delivery", "rung")
    ),
    "delay_seconds": Family(Kind.GAUGE, "Target delay D of the room", (), max),
    "ingest_bytes": Family(Kind.COUNTER, "Bytes of pictures and sound that came", FEED),
    "frame_gaps": Family(Kind.COUNTER, "Holes of more than half a second between pictures", FEED),
    "encoder_dropped_tags": Family(Kind.COUNTER, "Left out because ffmpeg was too slow", FEED),
    "publisher_reconnects": Family(Kind.COUNTER, "Publishers that dropped and came back", FEED),
    "dropped_fragments": Family(Kind.COUNTER, "Fragments that did not fit the timeline", FEED),
    "queue_skips": Family(Kind.COUNTER, "Queues emptied because a viewer was too slow", RUNG),
    "member_reconnects": Family(Kind.COUNTER, "Members of the room who came back"),
    "floor_requests": Family(Kind.COUNTER, "Hands raised for the floor"),
    "part_age_seconds": Family(
        Kind.SUMMARY, "From capture of a part's end until it can be fetched", FEED
    ),
    "skew_seconds": Family(
        Kind.HISTOGRAM, "Distance of players from the target, as they report it"
    ),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure as it is now; a count also says since when."""

    series: Series
    values: Values
    since_at: float | None = None


def read_ingest(one: IngestFigures) -> Iterator[Reading]:
    """Give the figures of a feed's publisher and encoder."""
    feed = (one.feed.value,)
    counts = {
        "ingest_bytes": one.received_bytes,
        "frame_gaps": one.gaps,
        "encoder_dropped_tags": one.dropped,
        "publisher_reconnects": one.reconnects,
    }
    yield Reading(Series("ingest_bitrate_bps", one.session, feed), (one.bitrate_bps,))
    if one.speed is not None:
        yield Reading(Series("encoder_speed", one.session, feed), (one.speed,))
    for name, count in counts.items():
        yield Reading(Series(name, one.session, feed), (count,), one.since_at)


def read_feed(one: FeedFigures) -> Iterator[Reading]:
    """Give the figures of a feed's parts and viewers."""
    feed, since_at = (one.feed.value,), one.since_at
    for way, count in one.viewers.items():
        yield Reading(Series("viewers", one.session, (*feed, *way)), (count,))
    for rung, count in one.skips.items():
        yield Reading(Series("queue_skips", one.session, (*feed, rung)), (count,), since_at)
    age = (float(one.parts), one.age_sum_s)
    yield Reading(Series("part_age_seconds", one.session, feed), age, since_at)
    yield Reading(Series("dropped_fragments", one.session, feed), (one.dropped,), since_at)


def read_room(one: RoomFigures) -> Iterator[Reading]:
    """Give the figures of a room."""
    skew = (*map(float, one.skews), one.skew_sum_s)
    yield Reading(Series("delay_seconds", one.session), (one.delay_s,))
    yield Reading(Series("skew_seconds", one.session), skew, one.since_at)
    yield Reading(Series("member_reconnects", one.session), (one.reconnects,), one.since_at)
    yield Reading(Series("floor_requests", one.session), (one.floor_requests,), one.since_at)


class SessionFigures(Collector):
    """Reads what is live whenever it is scraped; register it once."""

    def __init__(
        self,
        feeds: Callable[[], Iterable[FeedFigures]],
        ingests: Callable[[], Iterable[IngestFigures]],
        rooms: Callable[[], Iterable[RoomFigures]],
    ) -> None:
        self._feeds = feeds
        self._ingests = ingests
        self._rooms = rooms
        self._counts = Counts()
        self._names: dict[str, str] = {}
        self._past: dict[Series, Values] = {}

    def describe(self) -> Iterator[Metric]:
        """Name the families, for the registry."""
        for name in FAMILIES:
            yield _metric(name)

    def collect(self) -> Iterator[Metric]:
        """Give all series there are now."""
        readings = [reading for one in self._ingests() for reading in read_ingest(one)]
        readings += [reading for one in self._feeds() for reading in read_feed(one)]
        live = {reading.series.session for reading in readings}
        readings += [reading for one in self._rooms() for reading in read_room(one)]
        self._follow(live)
        gauges: dict[Series, list[float]] = defaultdict(list)
        for reading in readings:
            if reading.series.session not in live:
                continue
            if reading.since_at is None:
                gauges[self._named(reading.series)] += reading.values
            else:
                self._counts.take(reading.series, reading.since_at, reading.values)
        joined = {one: (FAMILIES[one.family].join(found),) for one, found in gauges.items()}
        return _written(joined | self._counted())

    def _follow(self, live: set[str]) -> None:
        """Name the sessions that are new, and let go of those that have ended."""
        for series, values in self._counts.forget(live):
            if self._names[series.session] == OTHER:
                _add(self._past, self._named(series), values)
        self._names = {session: self._names[session] for session in self._names if session in live}
        free = SESSIONS_LIMIT - sum(name != OTHER for name in self._names.values())
        for place, session in enumerate(sorted(live - self._names.keys())):
            self._names[session] = session if place < free else OTHER

    def _named(self, series: Series) -> Series:
        return Series(series.family, self._names[series.session], series.labels)

    def _counted(self) -> dict[Series, Values]:
        found = dict(self._past)
        for series, values in self._counts.totals():
            _add(found, self._named(series), values)
        return found


def _add(totals: dict[Series, Values], series: Series, values: Values) -> None:
    before = totals.get(series)
    totals[series] = values if before is None else added(before, values)


def _metric(name: str) -> Metric:
    family = FAMILIES[name]
    made: dict[Kind, Callable[..., Metric]] = {
        Kind.GAUGE: GaugeMetricFamily,
        Kind.COUNTER: CounterMetricFamily,
        Kind.SUMMARY: SummaryMetricFamily,
        Kind.HISTOGRAM: HistogramMetricFamily,
    }
    return made[family.kind](PREFIX + name, family.help, labels=("session", *family.labels))


def _written(found: dict[Series, Values]) -> Iterator[Metric]:
    metrics = {name: _metric(name) for name in FAMILIES}
    for series, values in found.items():
        _write(metrics[series.family], (series.session, *series.labels), values)
    yield from metrics.values()


def _write(metric: Metric, labels: Labels, values: Values) -> None:
    match metric:
        case GaugeMetricFamily() | CounterMetricFamily():
            metric.add_metric(labels, values[0])
        case SummaryMetricFamily():
            metric.add_metric(labels, int(values[0]), values[1])
        case HistogramMetricFamily():
            *skews, sum_s = values
            metric.add_metric(labels, list(zip(_BOUNDS, accumulate(skews), strict=True)), sum_s)
