"""One WebSocket viewer's queue: which frames it gets, and what happens when it is slow. Pure.

Rules. A viewer begins with its rung's newest keyframe and the sound from there. Its queue may hold
4 MiB, and no picture that has waited for 2 s: beyond that all pictures up to the newest keyframe
in it go (or all of them, until the next keyframe comes). Sound goes only when it is too much by
itself, or has waited twice as long. The second time within 10 s the viewer goes one rung down.
Another rung begins with its next keyframe; until then the old one goes on, unless it was too much.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from streaming.live.frame import Frame, Kind

QUEUE_LIMIT_S = 2.0
SOUND_LIMIT_S = 2 * QUEUE_LIMIT_S
QUEUE_LIMIT_BYTES = 4 * 1024 * 1024
SECOND_SKIP_S = 10.0
AUTO, AUDIO = "auto", "audio"


@dataclass(frozen=True, slots=True)
class Rung:
    """A picture that can be had, largest first."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class RungChanged:
    """The viewer now gets this picture (None: only sound), and why: slow, cap or asked."""

    video: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """So many frames were left out."""

    frames: int


@dataclass(frozen=True, slots=True)
class Said:
    """A text message."""

    text: str


Step = tuple[int | None, int | None]
Item = Frame | RungChanged | Skipped | Said


class Viewer:
    """What one viewer is sent: `offer` what comes, `next` gives what goes out."""

    def __init__(
        self,
        rungs: Sequence[Rung],
        video: int | None,
        audio: int | None,
        *,
        sound_alone: bool = False,
    ) -> None:
        self._rungs = list(rungs)
        self._auto = self._top if sound_alone else video
        self.video = video
        self.audio = audio
        self._wanted = video
        self._why = "asked"
        self._missed: int | None = None
        self._follows_top = not sound_alone and video == self._top
        self._queue: deque[tuple[Item, float]] = deque()
        self._size_bytes = 0
        self._needs_keyframe = True
        self._runs: dict[int, Frame] = {}
        self._sent_runs: dict[int, int] = {}
        self._skipped_at: float | None = None
        self.skips = 0

    @property
    def size_bytes(self) -> int:
        """What the queue holds."""
        return self._size_bytes

    @property
    def _top(self) -> int | None:
        """The largest picture; None as long as there is none, which who follows it waits for."""
        return self._rungs[0].id if self._rungs else None

    def __len__(self) -> int:
        return len(self._queue)

    def begin(self, rungs: Sequence[Rung], audio: int | None) -> None:
        """Take that there are other renditions now.

        Who chose nothing goes with the largest; who lost its rung gets it back when it returns.
        """
        self._rungs = list(rungs)
        self.audio = audio
        ids = [rung.id for rung in rungs]
        if self._follows_top:
            self._wanted, self._why = self._top, "cap"
        elif self._wanted is not None and self._wanted not in ids:
            self._missed = self._missed or self._wanted
            self._wanted, self._why = self._top, "cap"
        elif self._missed in ids:
            self._wanted, self._missed, self._why = self._missed, None, "cap"
        else:
            self._auto = self._auto if self._auto in ids else self._top
            return
        self._auto = self._wanted

    def ask(self, name: str, now: float) -> bool:
        """Take what the viewer asked for: a rung's name, `auto` or `audio`; False if unknown."""
        known: dict[str, int | None] = {rung.name: rung.id for rung in self._rungs}
        known |= {AUTO: self._auto, AUDIO: None}
        if name not in known:
            return False
        self._wanted, self._why, self._missed = known[name], "asked", None
        self._follows_top = name == AUTO and known[name] == self._top
        if self._wanted is None and self.video is not None:
            self._drop_pictures(everything=True)
            self._change(now)
        return True

    @property
    def uses(self) -> tuple[int | None, int | None, int | None]:
        """The renditions that this viewer has or waits for."""
        return self.video, self.audio, self._wanted

    def gets(self, frame: Frame) -> bool:
        """Tell whether a frame is of a rendition that this viewer has or waits for."""
        return frame.rendition in self.uses

    @property
    def step(self) -> Step | None:
        """What it gets, as long as nothing waits and nothing changes; else None."""
        if self._queue or self.video != self._wanted:
            return None
        if self.video is not None and (self._needs_keyframe or not self._begun(self.video)):
            return None
        if self.audio is not None and not self._begun(self.audio):
            return None
        return self.video, self.audio

    def _begun(self, rendition: int) -> bool:
        """Tell whether the newest init of a rendition was sent."""
        init = self._runs.get(rendition)
        return init is not None and self._sent_runs.get(rendition) == init.run

    def offer(self, frame: Frame, now: float) -> None:
        """Take the next frame of any rendition; what this viewer does not get is passed over."""
        if frame.kind is Kind.INIT:
            self._runs[frame.rendition] = frame
            return
        if frame.rendition == self._wanted != self.video and frame.kind is Kind.KEYFRAME:
            self._change(now)
        if frame.rendition == self.video:
            self._offer_picture(frame, now)
        elif frame.rendition == self.audio:
            self._push(frame, now)
        self._hold_bounds(now)

    def say(self, text: str, now: float) -> None:
        """Queue a text message."""
        self._put(Said(text), now)

    def next(self) -> Item | None:
        """Take out what goes out next."""
        if not self._queue:
            return None
        item, _ = self._queue.popleft()
        if isinstance(item, Frame):
            self._size_bytes -= len(item.wire)
        return item

    def _change(self, now: float) -> None:
        self.video = self._wanted
        self._needs_keyframe = True
        self._put(RungChanged(self.video, self._why), now)

    def _offer_picture(self, frame: Frame, now: float) -> None:
        if self._needs_keyframe and frame.kind is not Kind.KEYFRAME:
            return
        self._needs_keyframe = False
        self._push(frame, now)

    def _push(self, frame: Frame, now: float) -> None:
        """Queue a frame behind its init, if the viewer does not have that yet."""
        init = self._runs.get(frame.rendition)
        if init is not None and self._sent_runs.get(frame.rendition) != init.run:
            self._sent_runs[frame.rendition] = init.run
            self._put(init, now)
        self._put(frame, now)

    def _put(self, item: Item, now: float) -> None:
        self._queue.append((item, now))
        if isinstance(item, Frame):
            self._size_bytes += len(item.wire)

    def _hold_bounds(self, now: float) -> None:
        dropped = 0
        while self._pictures_are_over(now) and (gone := self._drop_pictures(everything=False)):
            dropped += gone
        if dropped:
            self._skip(dropped, now)
        while self._is_over(now, SOUND_LIMIT_S) and self._drop_oldest_sound():
            pass

    def _is_over(self, now: float, limit_s: float) -> bool:
        if self._size_bytes > QUEUE_LIMIT_BYTES:
            return True
        return bool(self._queue) and now - self._queue[0][1] > limit_s

    def _pictures_are_over(self, now: float) -> bool:
        if not self._is_over(now, QUEUE_LIMIT_S):
            return False
        oldest = next((at for item, at in self._queue if _is_picture(item)), now)
        return self._size_bytes > QUEUE_LIMIT_BYTES or now - oldest > QUEUE_LIMIT_S

    def _drop_pictures(self, everything: bool) -> int:
        """Drop pictures up to the newest keyframe that is queued, or all; tell how many."""
        keep_from = len(self._queue)
        if not everything:
            keep_from = self._newest_keyframe() or keep_from
        kept: deque[tuple[Item, float]] = deque()
        dropped = 0
        for index, (item, at) in enumerate(self._queue):
            if index < keep_from and _is_picture(item):
                self._size_bytes -= len(item.wire) if isinstance(item, Frame) else 0
                dropped += 1
            else:
                kept.append((item, at))
        self._queue = kept
        if keep_from == len(kept) + dropped:
            self._needs_keyframe = True
        return dropped

    def _newest_keyframe(self) -> int | None:
        """Where the newest keyframe is, if there are pictures in front of it."""
        pictures = [i for i, (item, _) in enumerate(self._queue) if _is_picture(item)]
        found = [i for i in pictures if self._is_keyframe(i)]
        return found[-1] if found and found[-1] != pictures[0] else None

    def _is_keyframe(self, index: int) -> bool:
        item = self._queue[index][0]
        return isinstance(item, Frame) and item.kind is Kind.KEYFRAME

    def _drop_oldest_sound(self) -> bool:
        for index, (item, _) in enumerate(self._queue):
            if isinstance(item, Frame) and item.kind is Kind.SOUND:
                del self._queue[index]
                self._size_bytes -= len(item.wire)
                return True
        return False

    def _skip(self, frames: int, now: float) -> None:
        self.skips += 1
        self._put(Skipped(frames), now)
        again = self._skipped_at is not None and now - self._skipped_at <= SECOND_SKIP_S
        self._skipped_at = None if again else now
        lower = self._lower()
        if again and lower is not None:
            self._wanted, self._why, self._follows_top = lower, "slow", False
            self._change(now)

    def _lower(self) -> int | None:
        ids = [rung.id for rung in self._rungs]
        if self.video not in ids:
            return None
        at = ids.index(self.video)
        return ids[at + 1] if at + 1 < len(ids) else None


def _is_picture(item: Item) -> bool:
    return isinstance(item, Frame) and item.kind in (Kind.KEYFRAME, Kind.PICTURE)
