"""Fragments grouped into segments that a player can start at.

A segment ends as soon as it lasts at least the target, so it can be published without waiting for
what follows; the next fragment must then begin with a sync sample. Target 0 makes every fragment a
segment. The timeline has no holes: the table of segments keeps durations only, so each fragment
must begin where the one before ended.

Spec: ISO/IEC 23000-19 7.3.2.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from streaming.errors import BadMedia
from streaming.isobmff.fragment import Fragment


@dataclass(frozen=True, slots=True)
class CmafSegment:
    """A whole segment. Its first `keyframe_bytes` bytes hold the first picture."""

    start_ts: int
    duration_ts: int
    keyframe_bytes: int
    data: bytes


class Segmenter:
    """Group the fragments of one track: `push` each, then `finish` for what is left."""

    def __init__(self, target_ts: int = 0) -> None:
        self._target_ts = target_ts
        self._open: list[Fragment] = []
        self._end_ts: int | None = None

    def push(self, fragment: Fragment) -> CmafSegment | None:
        """Take the next fragment; give the segment that it completes, if any. Raises: BadMedia."""
        if self._end_ts is not None and fragment.start_ts != self._end_ts:
            raise BadMedia(
                f"a fragment begins at {fragment.start_ts}, the one before ended at {self._end_ts}"
            )
        if not self._open and not fragment.starts_with_sync:
            raise BadMedia(f"no sync sample where a segment begins, at {fragment.start_ts}")
        self._open.append(fragment)
        self._end_ts = fragment.start_ts + fragment.duration_ts
        done = self._end_ts - self._open[0].start_ts >= self._target_ts
        return self._close() if done else None

    def finish(self) -> CmafSegment | None:
        """Give the last, shorter segment, if there is one."""
        return self._close() if self._open else None

    def _close(self) -> CmafSegment:
        parts, self._open = self._open, []
        return CmafSegment(
            start_ts=parts[0].start_ts,
            duration_ts=sum(part.duration_ts for part in parts),
            keyframe_bytes=parts[0].first_sample_end,
            data=b"".join(part.data for part in parts) if len(parts) > 1 else parts[0].data,
        )
