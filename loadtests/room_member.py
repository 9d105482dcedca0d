"""What a classroom's board says in a lesson's room, and when. Pure: texts and `now` in, texts out.

It joins, keeps its clock by pings (six at once, then one each two seconds) and tells once a second
what it plays, as the pages do (catalog/web/src/live); streaming/room/README.md has the wire.
"""

from __future__ import annotations

import json
from typing import Any

REPORT_EVERY_S = 1.0
PING_EVERY_S, FIRST_PING_EVERY_S, FIRST_PINGS = 2.0, 0.12, 6
FIRST_TARGET_MS = 600


class Member:
    """One board; `client` tells it apart. What was refused is counted."""

    def __init__(self, client: str) -> None:
        self.welcomed = False
        self.refused = 0
        self._client = client
        self._target_ms = FIRST_TARGET_MS
        self._pings = 0
        self._ping_at = self._report_at = 0.0

    def begin(self, now: float) -> list[str]:
        """Say what comes first."""
        self._ping_at, self._report_at = now, now + REPORT_EVERY_S
        join = {"type": "join", "name": "智慧教室", "device": "classroom", "delivery": "ws",
                "client": self._client}  # fmt: skip
        return [json.dumps(join), *self.on_timer(now)]

    def heard(self, text: bytes) -> None:
        """Take what the room says."""
        said: dict[str, Any] = json.loads(text)
        match said["type"]:
            case "welcome":
                self.welcomed = True
            case "target":
                self._target_ms = said["d_ms"]
            case "refused":
                self.refused += 1

    def next_deadline(self) -> float:
        """Say when `on_timer` has something to say."""
        return min(self._ping_at, self._report_at)

    def on_timer(self, now: float) -> list[str]:
        """Say what is due."""
        said = []
        if self._ping_at <= now:
            self._pings += 1
            self._ping_at = now + (
                FIRST_PING_EVERY_S if self._pings < FIRST_PINGS else PING_EVERY_S
            )
            said.append(json.dumps({"type": "ping", "t0": now * 1000}))
        if self._report_at <= now:
            self._report_at = now + REPORT_EVERY_S
            if self.welcomed:
                said.append(json.dumps(self._report()))
        return said

    def _report(self) -> dict[str, object]:
        return {
            "type": "report", "rung": "720p", "delay_ms": self._target_ms, "skew_ms": 4,
            "stalls": 0, "buffer_ms": 210, "can_ms": 300, "error_ms": 2, "lowest": False,
        }  # fmt: skip
