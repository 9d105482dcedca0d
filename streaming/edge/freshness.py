"""How long what the upstream said holds, and what is served when it says nothing. Pure.

The rule. Texts of what still grows hold 2 s, of what is whole 60 s, a refusal (a segment that is
not there yet) 0.5 s; then the upstream is asked again. Trouble (5xx, 408, 429, an answer that makes
no sense) is never kept, and never takes the place of an answer. While the upstream is away, which
it is too when it answers with trouble, a good answer is served however old, marked as stale; an old
refusal is not, since what was missing then may be there by now.

Spec: RFC 9111 4.2 (freshness), 4.2.4 (stale answers); RFC 9211 2.2 (fwd=stale as the mark).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf

OUTDATED = -inf
TROUBLE_STATUS = frozenset({408, 425, 429})


class Kind(Enum):
    """What an answer is worth."""

    WHOLE = "whole"
    GROWING = "growing"
    REFUSED = "refused"
    TROUBLE = "trouble"


HOLDS_S = {Kind.WHOLE: 60.0, Kind.GROWING: 2.0, Kind.REFUSED: 0.5, Kind.TROUBLE: 0.0}
GOOD = frozenset({Kind.WHOLE, Kind.GROWING})


class Use(Enum):
    """What to do for who asks now."""

    FRESH = "serve it"
    STALE = "serve it, marked as stale"
    ASK = "ask the upstream"
    AWAY = "say that the line is down"


@dataclass(frozen=True, slots=True)
class Known:
    """An answer that is kept; OUTDATED when it is older than this process."""

    kind: Kind
    kept_at: float = OUTDATED

    @property
    def until(self) -> float:
        """From when on the upstream is to be asked again."""
        return self.kept_at + HOLDS_S[self.kind]


def kind_of(status: int, *, growing: bool) -> Kind:
    """Tell what an answer with this status is worth; 304 is worth what it renews."""
    if 200 <= status < 300 or status == 304:
        return Kind.GROWING if growing else Kind.WHOLE
    if 400 <= status < 500 and status not in TROUBLE_STATUS:
        return Kind.REFUSED
    return Kind.TROUBLE


def use(known: Known | None, now: float, *, away: bool) -> Use:
    """Decide what is served; `away`: the line is cut, or the upstream just answered trouble."""
    if known is not None and now < known.until:
        return Use.FRESH
    if not away:
        return Use.ASK
    return Use.STALE if known is not None and known.kind in GOOD else Use.AWAY


def keep(known: Known | None, kind: Kind, now: float) -> Known | None:
    """Give what is known after an answer: the same as before when that was trouble."""
    return known if kind is Kind.TROUBLE else Known(kind, now)
