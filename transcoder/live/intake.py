"""Tags of one feed, from its publishers to its encoder. Pure.

The tags of a new connection are held until it is known what it sends (headers, a keyframe, sound or
a second without) and its times have settled; then they go on, placed on the feed's timeline. Keeps
the tags since the last keyframe, so that an encoder that died begins where it was.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from streaming.live.channel import KEYFRAME_LIMIT_US
from transcoder.live.errors import BadContribution
from transcoder.live.flv import Hints, Kind, Look, Tag, look, modern
from transcoder.live.source import Picture, Source, is_plain_sound, read_picture
from transcoder.live.timeline import START_MS, Timeline

HOLD_MS = 300
BACKLOG_MS = 2_000
PROBE_MS = 1_000
LATE_MS = 3_000
HELD_LIMIT_MS = 12_000
HELD_LIMIT_BYTES = 32 << 20
GOP_LIMIT_BYTES = 32 << 20
# Before the origin turns a copied picture out: what ffmpeg still holds comes there, too.
KEYFRAME_LIMIT_MS = KEYFRAME_LIMIT_US // 1000 - 100
GAP_MS = 500
CHANGES_LIMIT = 20
_HEADERLESS = {"mp3", "alaw", "ulaw"}


@dataclass(frozen=True, slots=True)
class Begin:
    """From here on tags are of this source: an encoder must begin anew."""

    source: Source


@dataclass(frozen=True, slots=True)
class Sparse:
    """Keyframes are too far apart for players to join: the picture must be encoded anew."""


Step = Begin | Sparse | Tag


@dataclass(slots=True)
class Tally:
    """What came, for metrics."""

    bytes: dict[Kind, int]
    frames: int = 0
    gaps: int = 0
    strange: int = 0
    overlaps: int = 0


class Intake:
    """Tags in, steps for the encoder out. Times in milliseconds since the feed's anchor."""

    def __init__(self) -> None:
        self.source: Source | None = None
        self.timeline = Timeline()
        self.gop: deque[Tag] = deque()
        self.tally = Tally(dict.fromkeys(Kind, 0))
        self._hints = Hints()
        self._headers: dict[Kind, Tag] = {}
        self._picture: Picture | None = None
        self._held: list[tuple[Tag, Look, int]] = []
        self._held_bytes = self._gop_bytes = self._changes = 0
        self._holding = True
        self._sparse = self._skips_gop = self._awaits_keyframe = False
        self._keyframe_ms: int | None = None
        self._picture_ms: int | None = None

    @property
    def awaits_keyframe(self) -> bool:
        """Tell whether nothing can be shown before the next keyframe."""
        return self._awaits_keyframe

    def join(self) -> None:
        """A connection begins."""
        self.timeline.join()
        self._hints = Hints()
        self._headers.clear()
        self._held.clear()
        self._held_bytes = self._changes = 0
        self._holding = True
        self._keyframe_ms = self._picture_ms = None

    def hint(self, hints: Hints) -> None:
        """Take what the publisher says of itself."""
        self._hints = hints

    def take(self, tag: Tag, now_ms: int) -> list[Step]:
        """Take the next tag of the connection. Raises: BadContribution."""
        tag = modern(tag)
        seen = look(tag)
        if seen.codec is None:
            self.tally.strange += 1
            return []
        self.tally.bytes[tag.kind] += len(tag.data)
        if seen.header:
            return self._on_header(tag)
        if self._holding:
            return self._hold(tag, seen, now_ms)
        found: list[Step] = list(self._on_late_sound(tag, seen))
        return found + self._place(tag, seen, now_ms)

    def lead(self) -> list[Tag]:
        """Give the header tags that an encoder of the present source begins with."""
        if self.source is None:
            return []
        pairs = (
            (Kind.VIDEO, self.source.picture_header),
            (Kind.AUDIO, self.source.sound_header),
        )
        return [Tag(kind, 0, data) for kind, data in pairs if data]

    def _on_header(self, tag: Tag) -> list[Step]:
        before = self._headers.get(tag.kind)
        self._headers[tag.kind] = tag
        if self._holding or (before is not None and before.data == tag.data):
            return []
        return self._changed()

    def _on_late_sound(self, tag: Tag, seen: Look) -> list[Step]:
        """A track that was not there when the feed began."""
        if tag.kind not in self._headers and seen.codec in _HEADERLESS:
            self._headers[tag.kind] = Tag(tag.kind, 0, b"")
            return self._changed(seen.codec)
        return []

    def _changed(self, sound: str | None = None) -> list[Step]:
        self._changes += 1
        if self._changes > CHANGES_LIMIT:
            raise BadContribution(f"the encoder changed its settings {CHANGES_LIMIT} times")
        source = self._read_source(sound)
        if source == self.source:
            return []
        self.source = source
        self._forget_gop()
        self._sparse = False
        self._awaits_keyframe = source.picture is not None
        return [Begin(source)]

    def _read_source(self, headerless: str | None = None) -> Source:
        video, audio = self._headers.get(Kind.VIDEO), self._headers.get(Kind.AUDIO)
        picture = read_picture(video, self._hints) if video is not None else None
        sound = headerless or (look(audio).codec if audio is not None else None)
        if sound is None and self.source is not None and audio is not None:
            sound = self.source.sound
        return Source(
            picture,
            sound,
            video.data if video is not None else b"",
            audio.data if audio is not None else b"",
            audio is not None and is_plain_sound(audio, self._hints),
        )

    def _hold(self, tag: Tag, seen: Look, now_ms: int) -> list[Step]:
        self.timeline.notice(tag.time_ms, now_ms)
        self._held.append((tag, seen, now_ms))
        self._held_bytes += len(tag.data)
        if tag.kind is Kind.AUDIO and seen.codec in _HEADERLESS:
            self._headers.setdefault(tag.kind, Tag(tag.kind, 0, b""))
        waited_ms = now_ms - self._held[0][2]
        if self._is_known(waited_ms, now_ms) and (found := self._release(now_ms, waited_ms)):
            return found
        if waited_ms > HELD_LIMIT_MS or self._held_bytes > HELD_LIMIT_BYTES:
            raise BadContribution(
                "no picture that can be shown: set the encoder to H.264 with a keyframe every 2 s"
            )
        return []

    def _is_known(self, waited_ms: int, now_ms: int) -> bool:
        """Tell whether it is known what is sent and when; a backlog is waited for, but not long."""
        if self.timeline.rested_ms(now_ms) < HOLD_MS and waited_ms < BACKLOG_MS:
            return False
        keyframe = any(seen.keyframe for _, seen, _ in self._held) and Kind.VIDEO in self._headers
        pictures = Kind.VIDEO in self._headers or any(
            tag.kind is Kind.VIDEO for tag, _, _ in self._held
        )
        sound = Kind.AUDIO in self._headers
        if keyframe and sound:
            return waited_ms >= HOLD_MS
        return waited_ms >= PROBE_MS and (keyframe or (sound and not pictures))

    def _release(self, now_ms: int, waited_ms: int) -> list[Step]:
        """Let the held tags go, from the first keyframe after the feed's beginning on."""
        kept = self._kept(late=waited_ms > LATE_MS)
        if not kept:
            return []
        self._holding = False
        held, self._held = self._held, []
        sounds = [seen.codec for tag, seen, _ in held if tag.kind is Kind.AUDIO]
        headerless = sounds[0] if sounds and sounds[0] in _HEADERLESS else None
        source = self._read_source(headerless)
        found: list[Step] = []
        self._awaits_keyframe = source.picture is not None
        self._forget_gop()
        if source != self.source:
            self.source, self._sparse = source, False
            found.append(Begin(source))
        self.timeline.settle(kept[0][0].time_ms)
        for tag, seen, _ in kept:
            found += self._place(tag, seen, now_ms)
        return found

    def _kept(self, *, late: bool) -> list[tuple[Tag, Look, int]]:
        """Leave out what is older than the first keyframe, or than the feed (a burst).

        When no other keyframe comes, a feed rather begins with times that are too late.
        """
        pictures = Kind.VIDEO in self._headers
        for number, (tag, seen, _) in enumerate(self._held):
            fits = late or self.timeline.is_representable(tag.time_ms)
            if fits and (seen.keyframe or not pictures):
                return self._held[number:]
        return []

    def _place(self, tag: Tag, seen: Look, now_ms: int) -> list[Step]:
        if tag.kind not in self._headers:
            self.tally.strange += 1
            return []
        time_ms = self.timeline.place(tag.kind, tag.time_ms, now_ms)
        if time_ms is None:
            self.tally.overlaps += 1
            self._awaits_keyframe |= tag.kind is Kind.VIDEO
            return []
        placed = replace(tag, time_ms=time_ms)
        if tag.kind is Kind.AUDIO:
            if placed.time_ms < START_MS:
                return []
            self._remember(placed, keyframe=False)
            return [placed]
        return self._place_picture(placed, seen)

    def _place_picture(self, placed: Tag, seen: Look) -> list[Step]:
        if self._awaits_keyframe and not seen.keyframe:
            return []
        self._awaits_keyframe = False
        self._remember(placed, keyframe=seen.keyframe)
        self.tally.frames += 1
        gap = self._picture_ms is not None and placed.time_ms - self._picture_ms > GAP_MS
        self.tally.gaps += gap
        self._picture_ms = placed.time_ms
        if seen.keyframe or self._keyframe_ms is None:
            self._keyframe_ms = placed.time_ms
        elif placed.time_ms - self._keyframe_ms > KEYFRAME_LIMIT_MS and not self._sparse:
            self._sparse = True
            return [placed, Sparse()]
        return [placed]

    def _remember(self, placed: Tag, *, keyframe: bool) -> None:
        if keyframe:
            self._forget_gop()
            self._skips_gop = False
        if self._skips_gop or (not keyframe and not self.gop):
            return
        self.gop.append(placed)
        self._gop_bytes += len(placed.data)
        if self._gop_bytes > GOP_LIMIT_BYTES:
            self._forget_gop()
            self._skips_gop = True

    def _forget_gop(self) -> None:
        self.gop.clear()
        self._gop_bytes = 0
