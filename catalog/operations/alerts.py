"""Which alert evidence opens; each has a runbook of its name in deploy/runbooks. Pure.

Prometheus has alerts of the same names with longer times (deploy/alerts.py); these are evaluated
from what the origin itself knows, and need nobody beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from catalog.operations.rows import AlertRow, CheckRow, CityRow, EvidenceRow
from catalog.operations.verdict import Evidence

CRITICAL, WARNING = "critical", "warning"
ALERT_OF: dict[str, tuple[str, str]] = {
    "encoder_silent": ("EncoderStopped", CRITICAL),
    "encoder_gaps": ("EncoderStopped", CRITICAL),
    "encoder_behind": ("PartsOld", WARNING),
    "transcoder_slow": ("EncoderSlow", WARNING),
    "parts_old": ("PartsOld", WARNING),
    "parts_stopped": ("PartsOld", WARNING),
    "origin_busy": ("LoopLate", WARNING),
    "box_untold": ("LineCut", CRITICAL),
    "line_thin": ("LineThin", WARNING),
    "line_lags": ("LineThin", WARNING),
    "line_alike": ("LineThin", WARNING),
    "box_closed": ("BoxAway", CRITICAL),
    "box_unheard": ("BoxAway", CRITICAL),
    "box_disk_full": ("BoxDisk", WARNING),
    "box_disk_read_only": ("BoxDisk", WARNING),
    "box_disk_failing": ("BoxDisk", WARNING),
    "box_busy": ("LoopLate", WARNING),
    "box_alike": ("RoomsLate", WARNING),
    "wifi_some": ("RoomsLate", WARNING),
    "wifi_spread": ("RoomsLate", WARNING),
    "wifi_stands": ("RebufferHigh", WARNING),
    "device_away": ("DeviceSlow", WARNING),
    "device_silent": ("DeviceSlow", WARNING),
    "device_late": ("DeviceSlow", WARNING),
    "device_stalls": ("DeviceSlow", WARNING),
    "device_skew": ("DeviceSlow", WARNING),
    "database_away": ("DatabaseAway", CRITICAL),
    "store_away": ("StoreAway", CRITICAL),
    "disk_full": ("DiskFull", CRITICAL),
    "work_stuck": ("JobsStuck", WARNING),
}  # fmt: skip
OF_A_SESSION = frozenset({"EncoderStopped", "EncoderSlow", "PartsOld"})
DISK_SHARE = 0.05
STUCK_S = 300.0


def opened(
    kind: str, subject: str, title: str, evidence: Iterable[EvidenceRow]
) -> Iterator[AlertRow]:
    """Give the alerts that a school's or session's evidence opens, each name once.

    What a session is to blame for, or the origin, is told of it alone and not of each school.
    """
    found: dict[str, list[EvidenceRow]] = {}
    for one in evidence:
        name, _ = ALERT_OF[one.code]
        theirs = name in OF_A_SESSION if kind == "session" else name not in OF_A_SESSION
        if theirs and one.code != "origin_busy":
            found.setdefault(name, []).append(one)
    for rows in found.values():
        yield _alert(kind, subject, title, rows)


def of_the_city(city: CityRow, evidence: EvidenceRow) -> AlertRow:
    """Give the alert that something wrong with the service itself opens."""
    said = next((one.said for one in city.checks if evidence.code == _away(one)), "")
    return _alert("city", "", "", (evidence,), said)


def _alert(
    kind: str, subject: str, title: str, evidence: Sequence[EvidenceRow], said: str = ""
) -> AlertRow:
    first = evidence[0]
    name, severity = ALERT_OF[first.code]
    return AlertRow(
        name, severity, kind, subject, title, first.code, first.since, tuple(evidence), said
    )


def wrong_with(city: CityRow, late_limit_ms: float) -> Iterator[Evidence]:
    """Give what is wrong with the service itself."""
    for check in city.checks:
        if not check.up and _away(check) in ALERT_OF:
            yield Evidence(_away(check), 1.0, 0.0, "", check.name)
    if city.loop_late_ms >= late_limit_ms:
        yield Evidence("origin_busy", city.loop_late_ms / 1000, late_limit_ms / 1000, "s")
    free, size = city.disk_free_bytes, city.disk_size_bytes
    if free is not None and size and free / size < DISK_SHARE:
        yield Evidence("disk_full", free / size, DISK_SHARE, "share")
    stuck = [queue for queue in city.queues if queue.waiting and not queue.running]
    oldest = max(stuck, key=lambda queue: queue.oldest_s, default=None)
    if oldest is not None and oldest.oldest_s >= STUCK_S:
        yield Evidence("work_stuck", oldest.oldest_s, STUCK_S, "s", oldest.name)


def _away(check: CheckRow) -> str:
    return f"{check.name}_away"
