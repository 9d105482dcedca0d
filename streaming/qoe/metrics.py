"""What viewers saw, for Prometheus. Labels are the school and the delivery, nothing of a viewing.

Rebuffer ratio: rebuffer_seconds / (play_seconds + rebuffer_seconds).
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from streaming.qoe.tally import Told

CITY = "city"
OTHER = "other"
SCHOOLS_LIMIT = 5000
JOIN_BUCKETS_S = (0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 15, 30, 60)
RATE_BUCKETS_BPS = (64e3, 150e3, 300e3, 500e3, 800e3, 1.2e6, 2e6, 3e6, 4.5e6, 7e6, 12e6, 20e6)
LABELS = ("school", "delivery")


class QoeMetrics:
    """Counts what reports tell."""

    def __init__(self, registry: CollectorRegistry, schools_limit: int = SCHOOLS_LIMIT) -> None:
        self._schools: set[str] = set()
        self._schools_limit = schools_limit
        self.reports = Counter(
            "tongbu_qoe_reports_total", "Reports of viewings counted", LABELS, registry=registry
        )
        self.join = Histogram(
            "tongbu_qoe_join_seconds", "From the wish to see until the first picture",
            LABELS, buckets=JOIN_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.play = Counter(
            "tongbu_qoe_play_seconds_total", "Time in which it played", LABELS, registry=registry
        )
        self.rebuffer = Counter(
            "tongbu_qoe_rebuffer_seconds_total", "Time in which it stood and should have played",
            LABELS, registry=registry,
        )  # fmt: skip
        self.rebuffers = Counter(
            "tongbu_qoe_rebuffers_total", "Times that it stood", LABELS, registry=registry
        )
        self.bitrate = Histogram(
            "tongbu_qoe_bitrate_bps", "Mean bitrate of what played, a report",
            LABELS, buckets=RATE_BUCKETS_BPS, registry=registry,
        )  # fmt: skip
        self.rung_changes = Counter(
            "tongbu_qoe_rung_changes_total", "Changes of the rung", LABELS, registry=registry
        )

    def count(self, school: str, told: Told) -> None:
        """Add what one report tells of a viewing in this school."""
        labels = (self._bounded(school), told.delivery)
        self.reports.labels(*labels).inc()
        if told.join_s is not None:
            self.join.labels(*labels).observe(told.join_s)
        self.play.labels(*labels).inc(told.play_s)
        self.rebuffer.labels(*labels).inc(told.rebuffer_s)
        self.rebuffers.labels(*labels).inc(told.rebuffers)
        if told.bitrate_bps is not None:
            self.bitrate.labels(*labels).observe(told.bitrate_bps)
        self.rung_changes.labels(*labels).inc(told.rung_changes)

    def _bounded(self, school: str) -> str:
        if school not in self._schools and len(self._schools) >= self._schools_limit:
            return OTHER
        self._schools.add(school)
        return school
