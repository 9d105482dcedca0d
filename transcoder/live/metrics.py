"""Figures of live ingest and encoding, over all feeds: labels never name a session."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

DELAY_BUCKETS_S = (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5)
SPEED_BUCKETS = (0.5, 0.8, 0.9, 0.95, 0.98, 1.02, 1.05, 1.1, 1.25, 1.5, 2)
RATE_BUCKETS_BPS = (2e5, 5e5, 1e6, 2e6, 3e6, 4e6, 6e6, 8e6, 12e6, 20e6)


class LiveMetrics:
    """Exports under tongbu_ingest_* (what comes) and tongbu_live_* (what is encoded)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.publishers = Gauge(
            "tongbu_ingest_publishers", "Publishers that are connected, by way in",
            ["way"], registry=registry,
        )  # fmt: skip
        self.refused = Counter(
            "tongbu_ingest_refused_total", "Publishers turned away, by reason",
            ["why"], registry=registry,
        )  # fmt: skip
        self.received = Counter(
            "tongbu_ingest_bytes_total", "Bytes of pictures and sound that came",
            ["kind"], registry=registry,
        )  # fmt: skip
        self.bitrate = Histogram(
            "tongbu_ingest_bitrate_bps", "Bits a second of each feed, once a second",
            buckets=RATE_BUCKETS_BPS, registry=registry,
        )  # fmt: skip
        self.frames = Counter("tongbu_ingest_frames_total", "Pictures that came", registry=registry)
        self.gaps = Counter(
            "tongbu_ingest_frame_gaps_total", "Holes of more than half a second between pictures",
            registry=registry,
        )  # fmt: skip
        self.dropped = Counter(
            "tongbu_live_dropped_tags_total", "Tags left out because ffmpeg was too slow",
            registry=registry,
        )  # fmt: skip
        self.reconnects = Counter(
            "tongbu_ingest_reconnects_total", "Publishers that dropped and came back",
            registry=registry,
        )  # fmt: skip
        self.feeds = Gauge("tongbu_live_feeds", "Feeds on air, by state", ["state"],
                           registry=registry)  # fmt: skip
        self.cores = Gauge("tongbu_live_cores_taken", "Cores that live encoding was admitted for",
                           registry=registry)  # fmt: skip
        self.restarts = Counter(
            "tongbu_live_encoder_restarts_total", "Encoders that died", registry=registry
        )
        self.speed = Histogram(
            "tongbu_live_encoder_speed", "Speed of each encoder, 1 is real time, once a second",
            buckets=SPEED_BUCKETS, registry=registry,
        )  # fmt: skip
        self.delay = Histogram(
            "tongbu_live_encoder_delay_seconds", "From capture to a fragment's arrival",
            buckets=DELAY_BUCKETS_S, registry=registry,
        )  # fmt: skip
