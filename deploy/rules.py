"""Rules of Prometheus as values: figures that are computed, alerts, and the file they make. Pure.

`rule_file` shrinks all times with the pace, so that a test sees the same rules fire within seconds;
nothing else differs. OVER in an expression stands for the time that it looks back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from deploy.yaml_text import Value

RUNBOOKS = "deploy/runbooks"
PAGES = "https://{{ $externalLabels.site }}/operations/runbooks"
EVERY_S = 5.0
LEAST_OVER_S = 4.0


class Severity(Enum):
    """Whether somebody has to look now, today, or when there is time."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Record:
    """A figure that is computed from others, under a name of its own."""

    name: str
    expression: str
    over_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Alert:
    """When it is to fire: `expression` has held for `for_s`; what it says, in both languages."""

    name: str
    severity: Severity
    expression: str
    for_s: float
    says: str
    says_en: str
    over_s: float = 60.0

    @property
    def runbook(self) -> str:
        """Where it is written what to do."""
        return f"{RUNBOOKS}/{self.name}.md"

    @property
    def runbook_url(self) -> str:
        """The same as a page of the site."""
        return f"{PAGES}/{self.name}"


def rule_file(
    records: Sequence[Record], groups: Mapping[str, Sequence[Alert]], pace: float = 1.0
) -> dict[str, Value]:
    """Give the file. At a pace of 0.1 everything happens in a tenth of the time."""
    interval = _duration(EVERY_S * pace)
    computed: dict[str, Value] = {
        "name": "tongbu-records",
        "interval": interval,
        "rules": [_record(record, pace) for record in records],
    }
    called: list[dict[str, Value]] = [
        {
            "name": f"tongbu-{name}",
            "interval": interval,
            "rules": [_alert(alert, pace) for alert in alerts],
        }
        for name, alerts in groups.items()
    ]
    return {"groups": [computed, *called]}


def _record(record: Record, pace: float) -> dict[str, Value]:
    return {"record": record.name, "expr": _over(record.expression, record.over_s * pace)}


def _alert(alert: Alert, pace: float) -> dict[str, Value]:
    return {
        "alert": alert.name,
        "expr": _over(alert.expression, alert.over_s * pace),
        "for": _duration(alert.for_s * pace),
        "labels": {"severity": alert.severity.value},
        "annotations": {
            "summary": alert.says,
            "summary_en": alert.says_en,
            "runbook": alert.runbook,
            "runbook_url": alert.runbook_url,
        },
    }


def _over(expression: str, over_s: float) -> str:
    return expression.replace("[OVER]", f"[{_duration(max(LEAST_OVER_S, over_s))}]")


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms" if seconds % 1 else f"{round(seconds)}s"
