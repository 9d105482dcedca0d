"""One rendition of a channel: fragments joined into parts, parts into segments. Pure.

The channel says where segments begin (`open`, `close`); a track says whether a fragment may be
taken at all (admission.py), and cuts parts. A part is as near to 200 ms as whole frames allow: its
target is set by the first fragment, never exceeded, and every part but a segment's last reaches 85
% of it as long as the frames come evenly. A frame that lasts longer than a part counts as one frame
of ordinary length; the last one in front of a hole, which ffmpeg lets last over all of it, is cut.

Spec: RFC 8216bis 4.4.3.7 (part target), 4.4.4.9 (parts), 6.2.2 (window).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from catalog.media import Media
from streaming.errors import BadMedia
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import Init
from streaming.live.admission import Admission
from streaming.live.port import LiveRendition
from streaming.live.retime import shorten
from streaming.live.segments import MICROSECONDS, Opening, Part, Run, Segment, micros
from streaming.live.window import Window

PART_US = 200_000
PART_LONGEST_US = 500_000
PART_LEAST = 0.85
GAP_US = 500_000
SLACK_US = 4_000
WINDOW_SEGMENTS = 8
SEGMENT_LIMIT_BYTES = 32 * 1024 * 1024
RUNS_LIMIT = 1_000
SEGMENT_LONGEST_US = 6_450_000  # it rounds to a target duration of 6 s (RFC 8216bis 4.4.3.1)


class Track:
    """The parts and segments of one rendition; `id` names it on the WebSocket.

    `rewinds` keeps what is known of segments that leave the window, for the store has their bytes.
    `discontinuities` counts those of segments that are no longer known.
    """

    def __init__(self, rendition: LiveRendition, identifier: int, rewinds: bool = True) -> None:
        self.rendition = rendition
        self.id = identifier
        self.discontinuities = 0
        self._rewinds = rewinds
        self.runs: list[Run] = []
        self.pending: Init | None = None
        self.segments: list[Segment] = []
        self.parts: list[Part] = []
        self.opening: Opening | None = None
        self.end_us: int | None = None
        self.open_ts = 0
        self.part_target_ts = 0
        self.last_sync_ts = 0
        self._end_ts = 0
        self.frame_ts = 0
        self._admission = Admission(rendition.name, self.video)
        self._size_bytes = 0
        self._keyframe_bytes = 0
        self._fragments: list[Fragment] = []
        self.window = Window(WINDOW_SEGMENTS)
        self._lost: set[int] = set()

    @property
    def name(self) -> str:
        """The rendition's name."""
        return self.rendition.name

    @property
    def video(self) -> bool:
        """Tell whether it is a picture."""
        return self.rendition.media is Media.VIDEO

    @property
    def run(self) -> Run | None:
        """The run that is being written."""
        return self.runs[-1] if self.runs else None

    @property
    def coming(self) -> Init | None:
        """The init of the next fragment."""
        return self.pending or (self.runs[-1].init if self.runs else None)

    @property
    def timescale(self) -> int:
        """Ticks a second. Raises: BadMedia before the first init."""
        if self.coming is None:
            raise BadMedia(f"{self.name}: a fragment before the initialization section")
        return self.coming.track.timescale

    @property
    def changes(self) -> bool:
        """Tell whether the next fragment has other codec parameters than those before."""
        if self.pending is None or not self.runs:
            return False
        return self.pending.track != self.runs[-1].init.track

    @property
    def first_number(self) -> int:
        """Media sequence number of the oldest segment that is known."""
        return self.segments[0].number if self.segments else self.next_number

    @property
    def next_number(self) -> int:
        """Media sequence number of the segment that is open, or will be next."""
        if self.opening is not None:
            return self.opening.number
        return self.segments[-1].number + 1 if self.segments else 0

    @property
    def told(self) -> list[Segment]:
        """Segments that players are told of: gaps only once there is a part behind them.

        A playlist whose newest part lies in front of a gap makes players ask for what they have.
        """
        if self.opening is None or self.parts:
            return self.segments
        count = len(self.segments)
        while count and self.segments[count - 1].gap:
            count -= 1
        return self.segments if count == len(self.segments) else self.segments[:count]

    @property
    def told_next(self) -> int:
        """Number of the segment that players are told is open, or will be next."""
        hidden = len(self.segments) - len(self.told)
        return self.next_number - hidden

    @property
    def listed_us(self) -> int:
        """Where the newest whole segment ends, a gap too."""
        last = self.segments[-1]
        return micros(last.start_ts + last.duration_ts, self.scale(last))

    def us(self, ticks: int) -> int:
        """Give ticks in microseconds."""
        return micros(ticks, self.timescale)

    def ticks(self, us: int) -> int:
        """Give microseconds in ticks of the run that is being written."""
        return us * self.runs[-1].init.track.timescale // MICROSECONDS

    def scale(self, segment: Segment) -> int:
        """Give the ticks a second of a segment's times."""
        return self.runs[segment.run].init.track.timescale

    def segment(self, number: int) -> Segment | None:
        """Give a segment by its number, with or without bytes."""
        index = number - self.first_number
        return self.segments[index] if 0 <= index < len(self.segments) else None

    def restore(self, init: Init, segments: Sequence[Segment]) -> None:
        """Begin where a recording ended."""
        self.runs = [Run(0, init)]
        self.segments = list(segments)
        if segments:
            last = segments[-1]
            self.end_us = self.us(last.start_ts + last.duration_ts)

    def adopt(
        self,
        runs: Sequence[Run],
        segments: Sequence[Segment],
        discontinuities: int,
        part_target_ts: int,
        frame_ts: int,
    ) -> None:
        """Take what is known upstream in place of what was known here; bytes that are here stay."""
        mine = {(s.number, s.start_ts, s.size_bytes): s for s in self.segments if s.data}
        self.runs, self.pending = list(runs), None
        self.segments = [mine.get((s.number, s.start_ts, s.size_bytes), s) for s in segments]
        self.window.renew([s for s in self.segments if s.data])
        self.discontinuities = discontinuities
        self.part_target_ts, self.frame_ts = part_target_ts, frame_ts
        self.abandon()

    def abandon(self) -> None:
        """Forget what the open segment has: it comes anew, or is told of without its media."""
        self.opening, self.parts, self._fragments = None, [], []

    def open_data(self) -> bytes:
        """Give the bytes of the open segment so far."""
        parts = [part.data for part in self.parts]
        return b"".join(parts + [fragment.data for fragment in self._fragments])

    def prepare(self, init: Init) -> None:
        """Take an initialization section; an encoder that starts again begins with a keyframe."""
        wanted = b"vide" if self.video else b"soun"
        if init.track.handler.encode() != wanted:
            raise BadMedia(f"{self.name}: a {init.track.handler} track where {wanted!r} is needed")
        if len(self.runs) >= RUNS_LIMIT:
            raise BadMedia(f"{self.name}: more than {RUNS_LIMIT} initialization sections")
        current = self.runs[-1].init.data if self.runs else None
        self.pending = None if init.data == current else init
        self._admission.begin_anew()

    @property
    def dropped(self) -> int:
        """Count the fragments that were not taken."""
        return self._admission.dropped

    def admits(self, fragment: Fragment) -> bool:
        """Tell whether a fragment continues the timeline; False drops it. Raises: BadMedia."""
        late = self.end_us is not None and self.us(fragment.start_ts) + SLACK_US < self.end_us
        return self._admission.admits(fragment, late, self.is_gap(fragment))

    def refuse(self) -> None:
        """Drop an admitted fragment after all."""
        self._admission.refuse()

    def is_gap(self, fragment: Fragment) -> bool:
        """Tell whether the publisher was away before this fragment."""
        return self.end_us is not None and self.us(fragment.start_ts) > self.end_us + GAP_US

    def open(self, opening: Opening, fragment: Fragment) -> Run | None:
        """Begin a segment; give the run that begins with it, if one does."""
        self.opening = opening
        self.open_ts = fragment.start_ts
        self._size_bytes = 0
        self._keyframe_bytes = fragment.first_sample_end if self.video else 0
        if self.pending is None:
            return None
        self._set_target(fragment)
        return self._begin_run()

    def follow_run(self, part_target_ts: int, frame_ts: int) -> Run | None:
        """Begin the run that was prepared as its upstream did; None when there is none."""
        if self.pending is None:
            return None
        self.part_target_ts, self.frame_ts = part_target_ts, frame_ts
        return self._begin_run()

    def _begin_run(self) -> Run:
        assert self.pending is not None
        self.runs.append(Run(len(self.runs), self.pending))
        self.pending = None
        return self.runs[-1]

    def _set_target(self, fragment: Fragment) -> None:
        """A part is so many frames that it is nearest to 200 ms. It stays for good."""
        rate = self.rendition.frame_rate
        frame_ts = fragment.duration_ts
        if self.video and rate:
            frame_ts = max(1, round(self.timescale * rate[1] / rate[0]))
        longest_ts = PART_LONGEST_US * self.timescale // MICROSECONDS
        self.frame_ts = max(1, min(frame_ts, longest_ts))
        frames = max(1, round(PART_US / MICROSECONDS * self.timescale / self.frame_ts))
        self.part_target_ts = frames * self.frame_ts

    def fit(self, fragment: Fragment) -> Fragment:
        """Cut what lasts over a hole, so that bytes and playlist say the same."""
        if not self.part_target_ts:
            return fragment
        excess_ts = fragment.duration_ts - self._counted(fragment)
        if self.us(excess_ts) <= GAP_US:
            return fragment
        data, taken_ts = shorten(fragment.data, excess_ts)
        return replace(fragment, duration_ts=fragment.duration_ts - taken_ts, data=data)

    def add(self, fragment: Fragment) -> list[Part]:
        """Take the next fragment of the open segment; give the parts that it completes."""
        if not self.part_target_ts:
            self._set_target(fragment)
        self._size_bytes += len(fragment.data)
        if self._size_bytes > SEGMENT_LIMIT_BYTES:
            raise BadMedia(f"{self.name}: a segment of more than {SEGMENT_LIMIT_BYTES} bytes")
        duration_ts = self._counted(fragment)
        end_ts = fragment.start_ts + duration_ts
        done: list[Part] = []
        if self._fragments and end_ts - self._fragments[0].start_ts > self.part_target_ts:
            done.append(self._cut())
        self._fragments.append(fragment)
        self._end_ts, self.end_us = end_ts, self.us(end_ts)
        if fragment.starts_with_sync:
            self.last_sync_ts = fragment.start_ts
        lasts_ts = end_ts - self._fragments[0].start_ts
        if PART_LEAST * self.part_target_ts <= lasts_ts and (
            lasts_ts + duration_ts > self.part_target_ts
        ):
            done.append(self._cut())
        return done

    def _counted(self, fragment: Fragment) -> int:
        if 0 < fragment.duration_ts <= self.part_target_ts:
            return fragment.duration_ts
        return min(self.frame_ts, self.part_target_ts)

    def _cut(self) -> Part:
        assert self.opening is not None
        fragments, self._fragments = self._fragments, []
        part = Part(
            self.opening.number,
            len(self.parts),
            fragments[0].start_ts,
            self._end_ts - fragments[0].start_ts,
            any(item.starts_with_sync for item in fragments),
            b"".join(item.data for item in fragments) if len(fragments) > 1 else fragments[0].data,
        )
        self.parts.append(part)
        return part

    def close(self, until_ts: int | None = None) -> tuple[list[Part], Segment] | None:
        """End the open segment; give its last part, if it was not out yet, and the segment.

        It lasts until what adjoins it begins, in ticks of its own run (None: nothing adjoins it):
        playlist time is media time whatever is lost.
        """
        if self.opening is None:
            return None
        last = [self._cut()] if self._fragments else []
        parts, self.parts = self.parts, []
        opening, self.opening = self.opening, None
        data = b"".join(part.data for part in parts)
        end_ts = self._end_ts
        if until_ts is not None:
            longest_ts = self.ticks(SEGMENT_LONGEST_US)
            end_ts = max(end_ts, min(until_ts, self.open_ts + longest_ts))
        segment = Segment(
            opening.number,
            self.runs[-1].number,
            opening.discontinuity,
            opening.program_utc,
            self.open_ts,
            end_ts - self.open_ts,
            len(data),
            self._keyframe_bytes,
            data,
            tuple(parts),
        )
        self._keep(segment)
        return last, segment

    def adjoins(self, following: Opening) -> bool:
        """Tell whether a segment follows the open one without a break."""
        if self.opening is None or following.discontinuity:
            return False
        return following.number == self.opening.number + 1

    def skip(self, opening: Opening, start_us: int, duration_us: int) -> Segment:
        """Say that this rendition has nothing of a segment that others have."""
        return self.leave_out(
            Segment(
                opening.number,
                self.runs[-1].number,
                opening.discontinuity,
                opening.program_utc,
                self.ticks(start_us),
                self.ticks(duration_us),
                gap=True,
            )
        )

    def leave_out(self, segment: Segment) -> Segment:
        """Take a gap in a segment's place."""
        self._keep(segment)
        return segment

    def lose(self, number: int) -> None:
        """Say that a segment is kept nowhere once it is out of the window."""
        index = number - self.first_number
        if 0 <= index < len(self.segments) and not self.segments[index].data:
            self.segments[index] = replace(self.segments[index], gap=True)
        else:
            self._lost.add(number)

    def restart(self) -> None:
        """Forget the segments: the rendition comes back after too long, or not at all."""
        self.segments = []
        self.window.renew([])

    def _keep(self, segment: Segment) -> None:
        self.segments.append(segment)
        out = self.window.push(segment)
        if out is None:
            return
        index = out.number - self.first_number
        old = self.segments[index]
        if self._rewinds:
            gap = old.gap or old.number in self._lost
            self.segments[index] = replace(old, data=b"", parts=(), gap=gap)
        else:
            self.discontinuities += self.segments.pop(index).discontinuity
