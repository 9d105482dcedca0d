"""Options of uploads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UploadSettings:
    """Limits and times of resumable uploads.

    An upload nobody adds to lives expiry_s. A connection that sends nothing is ended after
    idle_limit_s; after stale_after_s it gives way to another one that wants to go on.
    """

    limit_bytes: int = 64 << 30
    expiry_s: float = 7 * 86_400.0
    min_free_bytes: int = 1 << 30
    idle_limit_s: float = 60.0
    stale_after_s: float = 3.0
    sweep_every_s: float = 30.0
