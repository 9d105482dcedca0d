"""Figures of rooms for Prometheus. Labels are roles, reasons and events of ours, never names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SKEW_BUCKETS_S = (0.005, 0.01, 0.02, 0.033, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
DELAY_BUCKETS_S = tuple(round(0.05 * step, 2) for step in range(5, 21))


class RoomMetrics:
    """Who is in the rooms, how well they are in step, what they ask for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rooms = Gauge("tongbu_rooms", "Rooms in memory", registry=registry)
        self.members = Gauge(
            "tongbu_room_members", "Members connected, by role", ["role"], registry=registry
        )
        self.skew = Histogram(
            "tongbu_room_skew_seconds", "Distance of players from the target, as they report it",
            buckets=SKEW_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.delay = Histogram(
            "tongbu_room_delay_seconds", "Target delay D of rooms with members, once a second",
            buckets=DELAY_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.floor = Counter(
            "tongbu_room_floor_total", "Hands raised, floors granted and ended", ["event"],
            registry=registry,
        )  # fmt: skip
        self.reconnects = Counter(
            "tongbu_room_reconnects_total", "Members who came back, by role", ["role"],
            registry=registry,
        )  # fmt: skip
        self.refused = Counter(
            "tongbu_room_refused_total", "Messages refused, by reason", ["reason"],
            registry=registry,
        )  # fmt: skip
        self.dropped = Counter(
            "tongbu_room_dropped_total", "Members cut off, by why", ["why"], registry=registry
        )
        self.log_retries = Counter(
            "tongbu_room_log_retries_total", "Writes of a room's log that had to be repeated",
            registry=registry,
        )  # fmt: skip
