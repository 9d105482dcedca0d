"""What a player asks of a media playlist's URL, and whether it can be answered now. Pure.

`_HLS_msn` (and `_HLS_part`) ask to wait until that segment (or part) is in the playlist;
`_HLS_skip` asks for a delta update. A part beyond its segment's last is the next segment's first.

Spec: RFC 8216bis 6.2.5.1 (delta updates), 6.2.5.2 (blocking reload).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import ceil

from streaming.errors import StreamingError

MSN, PART, SKIP = "_HLS_msn", "_HLS_part", "_HLS_skip"
ADVANCE_SEGMENTS = 2
ADVANCE_PARTS = 3
NUMBER_LIMIT_DIGITS = 9


class BadDirective(StreamingError):
    """A delivery directive that the RFC forbids: the answer is 400."""


@dataclass(frozen=True, slots=True)
class Directives:
    """What is asked: wait for `number` (and `part` of it); `skip` wants a delta update."""

    number: int | None = None
    part: int | None = None
    skip: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """How far a playlist is: `parts` of the segment that is not whole are in it.

    `last_parts` counts those of the whole segment before it.
    """

    open_number: int
    parts: int
    last_parts: int
    part_target_us: int
    ended: bool = False


class Verdict(Enum):
    """What to do with a request."""

    NOW = "now"
    WAIT = "wait"


def read_directives(query: Mapping[str, str]) -> Directives:
    """Read a query. Raises: BadDirective for what is no number, or a part without its segment."""
    number, part = _number(query, MSN), _number(query, PART)
    if part is not None and number is None:
        raise BadDirective(f"{PART} needs {MSN}")
    return Directives(number, part, query.get(SKIP) in ("YES", "v2"))


def decide(asked: Directives, at: Position) -> Verdict:
    """Say whether a playlist at this position answers. Raises: BadDirective when asked too far.

    What has ended answers at once: nothing more will come.
    """
    if asked.number is None or at.ended or _has(asked.number, asked.part, at):
        return Verdict.NOW
    if asked.number > at.open_number - 1 + ADVANCE_SEGMENTS:
        raise BadDirective(f"segment {asked.number} is more than {ADVANCE_SEGMENTS} segments ahead")
    if asked.part is not None:
        begun = at.parts if asked.number == at.open_number else 0
        if asked.part > begun - 1 + _advance_parts(at):
            raise BadDirective(f"part {asked.part} of segment {asked.number} is too far ahead")
    return Verdict.WAIT


def _advance_parts(at: Position) -> int:
    """Spec: RFC 8216bis 6.2.5.2 (Advance Part Limit)."""
    if 0 < at.part_target_us < 1_000_000:
        return ceil(ADVANCE_PARTS * 1_000_000 / at.part_target_us)
    return ADVANCE_PARTS


def _has(number: int, part: int | None, at: Position) -> bool:
    if part is None:
        return number < at.open_number
    if number == at.open_number - 1 and part >= at.last_parts:
        return at.parts > 0
    return number < at.open_number or (number == at.open_number and part < at.parts)


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_LIMIT_DIGITS):
        raise BadDirective(f"{name} is not a number")
    return int(text)
