"""Which alert evidence opens; each has a runbook of its name in deploy/runbooks. Pure.

Prometheus has alerts of the same names with longer times (deploy/alerts.py); these are evaluated
from what the origin itself knows, and need nobody beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from catalog.operations.rows import AlertRow, CityRow, EvidenceRow

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
    found: dict[str, AlertRow] = {}
    for one in evidence:
        name, severity = ALERT_OF[one.code]
        theirs = name in OF_A_SESSION if kind == "session" else name not in OF_A_SESSION
        if theirs and one.code != "origin_busy" and name not in found:
            found[name] = AlertRow(name, severity, kind, subject, title, one.code, one.since)
    yield from found.values()


def of_the_city(city: CityRow, late_limit_ms: float) -> Iterator[str]:
    """Give the codes of what is wrong with the service itself."""
    for check in city.checks:
        if not check.up and f"{check.name}_away" in ALERT_OF:
            yield f"{check.name}_away"
    if city.loop_late_ms >= late_limit_ms:
        yield "origin_busy"
    free, size = city.disk_free_bytes, city.disk_size_bytes
    if free is not None and size and free / size < DISK_SHARE:
        yield "disk_full"
    for queue in city.queues:
        if queue.waiting and not queue.running and queue.oldest_s >= STUCK_S:
            yield "work_stuck"
            return
