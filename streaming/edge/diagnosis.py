"""What is wrong with the box, if anything, and what a person in the school can do. Pure.

A table: each rule looks at the figures and may find something. Findings are codes with values; the
page has the sentences, in Chinese and English. The worst is first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

LOW_LINE_BPS = 1_000_000
APART_MS = 2_000.0
LAGS_S = 2.0
CUT_LONG_S = 5.0
FULL_SHARE = 0.98


class Level(IntEnum):
    """How bad; the larger the worse."""

    FINE = 0
    NOTE = 1
    WARNING = 2
    TROUBLE = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """What the box knows of itself. Times in seconds, None: not known."""

    cut_s: float | None = None
    revoked: bool = False
    estimate_bps: int | None = None
    ceiling_bps: int | None = None
    capped: int = 0
    lowest: int = 0
    clock_error_ms: float | None = None
    lag_s: float = 0.0
    disk: str = "keeping"
    disk_share: float = 0.0
    certificate_days: float | None = None
    waiting: int = 0
    night_left_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    code: str
    level: Level
    values: Mapping[str, float] = field(default_factory=dict)


Rule = Callable[[Figures], Finding | None]


def diagnose(figures: Figures) -> list[Finding]:
    """Give what was found, the worst first; `fine` when there is nothing."""
    found = [finding for rule in _RULES if (finding := rule(figures)) is not None]
    found.sort(key=lambda one: -one.level)
    return found or [Finding("fine", Level.FINE)]


def _revoked(f: Figures) -> Finding | None:
    return Finding("revoked", Level.TROUBLE) if f.revoked else None


def _line_cut(f: Figures) -> Finding | None:
    if f.cut_s is None:
        return None
    level = Level.TROUBLE if f.cut_s >= CUT_LONG_S else Level.WARNING
    return Finding("line_cut", level, {"seconds": round(f.cut_s)})


def _line_low(f: Figures) -> Finding | None:
    if f.cut_s is not None or f.estimate_bps is None or f.estimate_bps >= LOW_LINE_BPS:
        return None
    return Finding("line_low", Level.WARNING, {"bps": f.estimate_bps})


def _line_too_thin(f: Figures) -> Finding | None:
    if not f.lowest or f.cut_s is not None:
        return None
    return Finding("line_too_thin", Level.WARNING, {"streams": f.lowest})


def _lags(f: Figures) -> Finding | None:
    if f.cut_s is not None or f.lag_s < LAGS_S:
        return None
    return Finding("live_late", Level.WARNING, {"seconds": round(f.lag_s, 1)})


def _capped(f: Figures) -> Finding | None:
    if not f.capped or f.lowest:
        return None
    code = "capped_by_ceiling" if f.ceiling_bps is not None else "capped"
    return Finding(code, Level.NOTE, {"streams": f.capped})


def _disk(f: Figures) -> Finding | None:
    codes = {"full": "disk_full", "read_only": "disk_read_only", "failing": "disk_failing"}
    code = codes.get(f.disk)
    return None if code is None else Finding(code, Level.TROUBLE)


def _cache_full(f: Figures) -> Finding | None:
    if f.disk_share < FULL_SHARE or not f.night_left_bytes:
        return None
    return Finding("cache_small", Level.NOTE, {"bytes": f.night_left_bytes})


def _clock(f: Figures) -> Finding | None:
    if f.clock_error_ms is None or f.clock_error_ms < APART_MS:
        return None
    return Finding("clock_unsure", Level.NOTE, {"ms": round(f.clock_error_ms)})


def _certificate(f: Figures) -> Finding | None:
    if f.certificate_days is None or f.certificate_days > 14:
        return None
    level = Level.TROUBLE if f.certificate_days <= 0 else Level.WARNING
    return Finding("certificate_ends", level, {"days": round(f.certificate_days)})


def _waiting(f: Figures) -> Finding | None:
    if not f.waiting:
        return None
    return Finding("words_wait", Level.NOTE, {"messages": f.waiting})


_RULES: tuple[Rule, ...] = (
    _revoked, _line_cut, _disk, _certificate, _line_low, _line_too_thin, _lags, _capped,
    _cache_full, _clock, _waiting,
)  # fmt: skip
