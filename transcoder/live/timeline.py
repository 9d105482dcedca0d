"""Where a publisher's times lie on a feed's timeline. Pure: times in milliseconds in and out.

Rule: media time is wall time since the feed's anchor. A connection's stamps are shifted by one
offset, the same for picture and sound, so that lip sync stays. It is the smallest difference of
arrival and stamp: nothing can arrive before it was captured. The first stamps set it; a stamp that
comes later but sooner than the offset says proves it too large, and lowers it: by 5 ms a second, or
in one step where that would take minutes. After a step what would lie on times that were given
already is left out. Set anew for a new connection and where a track's stamps jump; the other track
goes with it if its own stamps jump too, and keeps its offset if they do not: two clocks that have
come apart are each believed, and neither drives the other. Times of a track always rise, over all
of these.
"""

from __future__ import annotations

from dataclasses import dataclass

from transcoder.live.flv import Kind

# Sound encoded anew begins one AAC frame earlier, and no decode time can be negative.
START_MS = 30
SHIFT_MS = 30
BACKWARD_LIMIT_MS = 1_000
FORWARD_LIMIT_MS = 3_000
# Arrivals of a line vary by so much; the origin's anchor, which follows the source's clock, too.
SLACK_MS = 40
DRIFT_EVERY_MS = 200
STEP_MS = 500
STEP_TAGS = 5
_WRAP_MS = 1 << 32


@dataclass(frozen=True, slots=True)
class _Seen:
    """A stamp, without its wraps, and when it came."""

    stamp_ms: int
    arrived_ms: int

    def early_ms(self, offset_ms: int) -> int:
        """Give how long before its time it came, if times are that much more than stamps."""
        return self.stamp_ms + offset_ms - self.arrived_ms


class Timeline:
    """The times of one feed, over all of its publishers' connections.

    `shifts` counts how often the offset was set or corrected: the origin must be told of it.
    """

    def __init__(self) -> None:
        self._last_ms: dict[Kind, int] = {}
        self._offset_ms: int | None = None
        self._offsets_ms: dict[Kind, int] = {}
        self._latest = _Seen(0, 0)
        self._seen: dict[Kind, _Seen] = {}
        self._fell_ms = self._fallen_to_ms = 0
        self._drifted_ms = 0
        self._early_tags: dict[Kind, int] = {}
        self._overlapping: set[Kind] = set()
        self.jumps = self.steps = self.shifts = 0

    @property
    def end_ms(self) -> int:
        """The latest time that was given, -1 before the first."""
        return max(self._last_ms.values(), default=-1)

    def join(self) -> None:
        """A new connection begins; its first stamps set the offset."""
        self._offset_ms = None
        self._offsets_ms.clear()
        self._seen.clear()
        self._overlapping.clear()

    def notice(self, stamp_ms: int, now_ms: int) -> None:
        """Take a stamp of a connection whose tags are still held back."""
        offset_ms = now_ms - self._unwrap(self._latest, stamp_ms, now_ms).stamp_ms
        if self._offset_ms is None or offset_ms < self._fallen_to_ms - SLACK_MS:
            self._fell_ms, self._fallen_to_ms = now_ms, offset_ms
        self._offset_ms = offset_ms if self._offset_ms is None else min(self._offset_ms, offset_ms)

    def rested_ms(self, now_ms: int) -> int:
        """Give how long the offset has stood while tags were held: a backlog makes it fall."""
        return now_ms - self._fell_ms

    def place(self, kind: Kind, stamp_ms: int, now_ms: int) -> int | None:
        """Give the media time of a tag, for one track always more than before.

        None: its time was given already, before a step back; the tag is to be left out.
        """
        before = self._seen.get(kind, self._latest)
        seen = self._seen[kind] = self._unwrap(before, stamp_ms, now_ms)
        offset_ms = self._offsets_ms.get(kind, self._offset_ms)
        if offset_ms is None or _is_jump(before, seen):
            self._offsets_ms[kind] = self._new_offset_ms(kind, seen)
        else:
            self._offsets_ms[kind] = offset_ms
            self._correct(kind, seen.early_ms(offset_ms), now_ms)
        time_ms, last_ms = seen.stamp_ms + self._offsets_ms[kind], self._last_ms.get(kind, -1)
        if kind in self._overlapping and time_ms <= last_ms:
            return None
        self._overlapping.discard(kind)
        self._last_ms[kind] = max(time_ms, last_ms + 1)
        return self._last_ms[kind]

    def _new_offset_ms(self, kind: Kind, seen: _Seen) -> int:
        """Give the offset of the other track if this one has gone where that went, else its own."""
        self._overlapping.discard(kind)
        others_ms = [at for other, at in self._offsets_ms.items() if other is not kind]
        for offset_ms in others_ms:
            if -FORWARD_LIMIT_MS <= seen.early_ms(offset_ms) <= BACKWARD_LIMIT_MS:
                return offset_ms
        self.jumps += self._offset_ms is not None
        self.shifts += 1
        self._offset_ms = max(seen.arrived_ms, self.end_ms + 1) - seen.stamp_ms
        return self._offset_ms

    def _correct(self, kind: Kind, early_ms: int, now_ms: int) -> None:
        """Lower the offset for a tag that came so long before its time."""
        early_tags = self._early_tags.get(kind, 0) + 1 if early_ms > STEP_MS else 0
        self._early_tags[kind] = early_tags
        if kind in self._overlapping:
            self._lower(max(0, early_ms))
        elif early_tags >= STEP_TAGS:
            self._overlapping = set(self._last_ms)
            self.steps += 1
            self._lower(early_ms)
        elif SLACK_MS < early_ms <= STEP_MS and now_ms - self._drifted_ms >= DRIFT_EVERY_MS:
            self._drifted_ms = now_ms
            self._lower(1)

    def _lower(self, by_ms: int) -> None:
        assert self._offset_ms is not None
        self._offset_ms -= by_ms
        for kind in self._offsets_ms:
            self._offsets_ms[kind] -= by_ms
        self.shifts += by_ms > 0

    def is_representable(self, stamp_ms: int) -> bool:
        """Tell whether a held tag lies after the feed's beginning, or nearly."""
        return self._offset_ms is not None and stamp_ms + self._offset_ms >= START_MS - SHIFT_MS

    def settle(self, first_stamp_ms: int) -> None:
        """After the last `notice`: the held tags from this one on will be placed."""
        if self._offset_ms is not None:
            earliest_ms = max(START_MS, self.end_ms + 1)
            self._offset_ms = max(self._offset_ms, earliest_ms - first_stamp_ms)
            self._latest = _Seen(first_stamp_ms, self._latest.arrived_ms)
            self.shifts += 1

    def _unwrap(self, before: _Seen, stamp_ms: int, now_ms: int) -> _Seen:
        """Give a stamp without its wrap at 32 bits."""
        step_ms = (stamp_ms - before.stamp_ms + _WRAP_MS // 2) % _WRAP_MS - _WRAP_MS // 2
        whole_ms = stamp_ms if self._offset_ms is None else before.stamp_ms + step_ms
        self._latest = _Seen(whole_ms, now_ms)
        return self._latest


def _is_jump(before: _Seen, seen: _Seen) -> bool:
    step_ms = seen.stamp_ms - before.stamp_ms
    waited_ms = max(0, seen.arrived_ms - before.arrived_ms)
    return not -BACKWARD_LIMIT_MS <= step_ms <= FORWARD_LIMIT_MS + waited_ms
