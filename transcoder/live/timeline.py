"""Where a publisher's times lie on a feed's timeline. Pure: times in milliseconds in and out.

Rule: media time is wall time since the feed's anchor. A connection's stamps are shifted by one
offset, the same for picture and sound, so that lip sync stays. The offset comes from the first
stamps: a stamp that arrived soonest after its capture has the smallest difference to the clock, so
a burst at the start does not put a feed into the future. It is set anew only for a new connection
and where the stamps jump. Times of a track always rise, also over both.
"""

from __future__ import annotations

from transcoder.live.flv import Kind

# Sound encoded anew begins one AAC frame earlier, and no decode time can be negative.
START_MS = 30
SHIFT_MS = 30
BACKWARD_LIMIT_MS = 1_000
FORWARD_LIMIT_MS = 3_000
_WRAP_MS = 1 << 32


class Timeline:
    """The times of one feed, over all of its publishers' connections."""

    def __init__(self) -> None:
        self._last_ms: dict[Kind, int] = {}
        self._offset_ms: int | None = None
        self._stamp_ms = 0
        self._arrived_ms = 0
        self.jumps = 0

    @property
    def end_ms(self) -> int:
        """The latest time that was given, -1 before the first."""
        return max(self._last_ms.values(), default=-1)

    def join(self) -> None:
        """A new connection begins; its first stamps set the offset."""
        self._offset_ms = None

    def notice(self, stamp_ms: int, now_ms: int) -> None:
        """Take a stamp of a connection whose tags are still held back."""
        stamp_ms, _ = self._unwrap(stamp_ms, now_ms)
        offset_ms = now_ms - stamp_ms
        self._offset_ms = offset_ms if self._offset_ms is None else min(self._offset_ms, offset_ms)

    def place(self, kind: Kind, stamp_ms: int, now_ms: int) -> int:
        """Give the media time of a tag; for one track always more than before."""
        stamp_ms, jumped = self._unwrap(stamp_ms, now_ms)
        if self._offset_ms is None or jumped:
            self._offset_ms = max(now_ms, self.end_ms + 1) - stamp_ms
        time_ms = max(stamp_ms + self._offset_ms, self._last_ms.get(kind, -1) + 1)
        self._last_ms[kind] = time_ms
        return time_ms

    def is_representable(self, stamp_ms: int) -> bool:
        """Tell whether a held tag lies after the feed's beginning, or nearly."""
        return self._offset_ms is not None and stamp_ms + self._offset_ms >= START_MS - SHIFT_MS

    def settle(self, first_stamp_ms: int) -> None:
        """After the last `notice`: the held tags from this one on will be placed."""
        if self._offset_ms is not None:
            earliest_ms = max(START_MS, self.end_ms + 1)
            self._offset_ms = max(self._offset_ms, earliest_ms - first_stamp_ms)
            self._stamp_ms = first_stamp_ms

    def _unwrap(self, stamp_ms: int, now_ms: int) -> tuple[int, bool]:
        """Give the stamp without its wrap at 32 bits, and whether it jumped."""
        if self._offset_ms is None:
            self._stamp_ms, self._arrived_ms = stamp_ms, now_ms
            return stamp_ms, False
        step_ms = (stamp_ms - self._stamp_ms + _WRAP_MS // 2) % _WRAP_MS - _WRAP_MS // 2
        waited_ms = now_ms - self._arrived_ms
        self._stamp_ms, self._arrived_ms = self._stamp_ms + step_ms, now_ms
        jumped = not -BACKWARD_LIMIT_MS <= step_ms <= FORWARD_LIMIT_MS + max(0, waited_ms)
        self.jumps += jumped
        return self._stamp_ms, jumped
