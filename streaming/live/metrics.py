"""Figures of live delivery for Prometheus. Labels are bounded: no session, no name of a person."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streaming.live.segment_counts import SegmentCounts
from streaming.lockless import Counts

AGE_BUCKETS_S = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10)
KNOWN_RUNGS = frozenset({"1080p", "720p", "480p", "360p", "240p", "180p", "aac", "opus"})
OTHER = "other"


def rung_label(name: str) -> str:
    """Give a rendition's name as a label: an encoder cannot make new ones."""
    return name if name in KNOWN_RUNGS else OTHER


class LiveMetrics:
    """What comes in, how old parts are when they are out, who watches, what is skipped."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.ingest = Counter(
            "tongbu_live_ingest_bytes_total", "Bytes of fragments taken from encoders, by feed",
            ["feed"], registry=registry,
        )  # fmt: skip
        self.channels = Gauge(
            "tongbu_live_channels", "Channels that are open, by feed", ["feed"], registry=registry
        )
        self.part_age = Histogram(
            "tongbu_live_part_age_seconds", "From capture of a part's end until it can be fetched",
            ["feed"], buckets=AGE_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.dropped = Counter(
            "tongbu_live_dropped_fragments_total", "Fragments that did not fit the timeline",
            ["feed"], registry=registry,
        )  # fmt: skip
        self.reconnects = Counter(
            "tongbu_live_reconnects_total", "Publishers who came back into their session",
            ["feed"], registry=registry,
        )  # fmt: skip
        self.viewers = Gauge(
            "tongbu_live_viewers", "Viewers by delivery (ws; hls: reloads that wait) and rung",
            ["delivery", "rung"], registry=registry,
        )  # fmt: skip
        self.skips = Counter(
            "tongbu_live_queue_skips_total", "Queues emptied because a viewer was too slow",
            ["rung"], registry=registry,
        )  # fmt: skip
        self.rung_changes = Counter(
            "tongbu_live_rung_changes_total", "Changes of a WebSocket viewer's rung, by reason",
            ["why"], registry=registry,
        )  # fmt: skip
        self.answers = Counts(
            "tongbu_live_answers_total", "Answers below /live by kind and status",
            ["kind", "status"], registry,
        )  # fmt: skip
        self.sent = Counts(
            "tongbu_live_sent_bytes_total", "Bytes of media and playlists sent, by delivery",
            ["delivery"], registry,
        )  # fmt: skip
        self.recorded = Counter(
            "tongbu_live_recorded_segments_total", "Segments stored and in the catalogue",
            registry=registry,
        )  # fmt: skip
        self.segments = SegmentCounts(registry)
        self.held = Gauge(
            "tongbu_live_recording_held_bytes", "Segments in memory that are not stored yet",
            registry=registry,
        )  # fmt: skip
        self.lost = Counter(
            "tongbu_live_recording_lost_segments_total", "Segments the store was too slow for",
            registry=registry,
        )  # fmt: skip

    def count(self, kind: str, status: int, length: int, method: str) -> None:
        """Add an answer to a request for this kind of resource."""
        self.answers.labels(kind, str(status)).inc()
        if method == "GET":
            self.sent.labels("hls").inc(length)
