"""The WebSocket viewers of a channel: frames made once, offered to all, and what a new one needs.

Nothing here waits: the channel only appends to queues.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from streaming.live.channel import Channel
from streaming.live.events import Event, FragmentReady, RunStarted, StateChanged
from streaming.live.frame import Frame, Kind, frame_of
from streaming.live.lanes import Connection, Lanes
from streaming.live.metrics import LiveMetrics, rung_label
from streaming.live.segments import MICROSECONDS
from streaming.live.track import Track
from streaming.live.viewer import AUDIO, Rung, Viewer

SOUND_KEPT_US = 7 * MICROSECONDS
SOUND_ALONE_US = MICROSECONDS // 2
ANCHOR_STEP_S = 0.005


@dataclass(slots=True)
class _Ring:
    """What a viewer needs to begin: the init, and frames since the newest keyframe."""

    init: Frame | None = None
    frames: deque[Frame] = field(default_factory=deque)

    def add(self, frame: Frame) -> None:
        if frame.kind is Kind.KEYFRAME:
            self.frames.clear()
        self.frames.append(frame)
        if frame.kind is Kind.SOUND:
            while frame.at_us - self.frames[0].at_us > SOUND_KEPT_US:
                self.frames.popleft()


class Hub:
    """All WebSocket viewers of one channel."""

    def __init__(self, channel: Channel, about: dict[str, Any], metrics: LiveMetrics) -> None:
        self._channel = channel
        self._about = about
        self._metrics = metrics
        self._sent = metrics.sent.labels("ws")
        self._rings: dict[int, _Ring] = {}
        self.viewers = Lanes(self._on_skip)
        self._told_anchor_utc = 0.0
        self.begun = asyncio.Event()
        self.skips: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self.viewers)

    def hello(self, now_utc: float, anchor_utc: float, viewer: Viewer) -> str:
        """Say what there is, and what this viewer gets."""
        return json.dumps(
            {
                "type": "hello",
                **self._about,
                "now": round(now_utc, 3),
                "anchor": round(anchor_utc, 6),
                "renditions": [_described(track) for track in self._running()],
                "video": viewer.video,
                "audio": viewer.audio,
            },
            ensure_ascii=False,
        )

    def join(self, rendition: str, now: float, now_utc: float, anchor_utc: float) -> Connection:
        """Add a viewer; `rendition` is a rung's name, `audio`, or empty for the largest."""
        rungs, audio = self._rungs(), self._audio()
        chosen = next((rung.id for rung in rungs if rung.name == rendition), None)
        sound_alone = rendition == AUDIO
        video = None if sound_alone or not rungs else (chosen or rungs[0].id)
        viewer = Viewer(rungs, video, audio, sound_alone=sound_alone)
        connection = Connection(viewer)
        viewer.say(self.hello(now_utc, anchor_utc, viewer), now)
        viewer.say(self._state(), now)
        for frame in self._beginning(video, audio):
            viewer.offer(frame, now)
        if self.ended:
            connection.close()
        self.viewers.join(connection)
        connection.bell.set()
        return connection

    @property
    def ended(self) -> bool:
        """Tell whether the channel has ended."""
        return self._channel.state.value == "ended"

    def leave(self, connection: Connection) -> None:
        """Forget a viewer."""
        self.viewers.leave(connection)

    def renditions_changed(self, now: float, now_utc: float, anchor_utc: float) -> None:
        """Greet everyone again: what there is has changed."""
        rungs, audio = self._rungs(), self._audio()
        inits = [self._init(track) for track in self._running()]
        for connection in self.viewers.all_behind(now):
            for init in inits:
                connection.viewer.offer(init, now)
            connection.viewer.begin(rungs, audio)
            connection.viewer.say(self.hello(now_utc, anchor_utc, connection.viewer), now)
            connection.send()

    def ask(self, connection: Connection, name: str, now: float) -> bool:
        """Take what a viewer asked for: a rung's name, `auto` or `audio`; False if unknown."""
        self.viewers.fall_behind(connection, now)
        known = connection.viewer.ask(name, now)
        connection.bell.set()
        return known

    def in_use(self) -> set[int]:
        """Give the renditions that viewers get or wait for."""
        viewers = [connection.viewer for connection in self.viewers]
        return {item for viewer in viewers for item in viewer.uses if item is not None}

    def forget(self, track: Track) -> None:
        """A rendition comes no more for a while: nobody may begin with what is here of it."""
        ring = self._rings.get(track.id)
        if ring is not None:
            ring.frames.clear()

    def publish(self, events: Iterable[Event], now: float, now_utc: float, anchor: float) -> None:
        """Give everyone what happened."""
        for event in events:
            if isinstance(event, RunStarted):
                self._on_run(event, now, now_utc, anchor)
            elif isinstance(event, FragmentReady) and not event.again:
                self._spread(_frame(event), now)
            elif isinstance(event, StateChanged):
                self._say(self._state(), now)
        if abs(anchor - self._told_anchor_utc) > ANCHOR_STEP_S:
            if self._told_anchor_utc:
                self._say(json.dumps({"type": "anchor", "anchor": round(anchor, 6)}), now)
            self._told_anchor_utc = anchor

    def close(self, now: float) -> None:
        """The channel has ended: let everyone go when their queue is empty."""
        self.begun.set()
        for connection in self.viewers.all_behind(now):
            connection.close()

    def _on_run(self, event: RunStarted, now: float, now_utc: float, anchor: float) -> None:
        self._init(event.track)
        self._rings[event.track.id].frames.clear()
        self.renditions_changed(now, now_utc, anchor)

    def _init(self, track: Track) -> Frame:
        """Give the init that the rendition's fragments need now; a restored one was never told."""
        ring, run = self._rings.setdefault(track.id, _Ring()), track.runs[-1]
        if ring.init is None or ring.init.run != run.number:
            ring.init = frame_of(track.id, Kind.INIT, run.number, 0, run.init.data)
            # Counted from 0 on, so that the first skip is a change too.
            self._metrics.skips.labels(self._label(track.id))
        return ring.init

    def _spread(self, frame: Frame, now: float) -> None:
        self._rings.setdefault(frame.rendition, _Ring()).add(frame)
        self.begun.set()
        self._sent.inc(self.viewers.deliver(frame, now))

    def _on_skip(self, viewer: Viewer) -> None:
        rung = self._label(viewer.video)
        self.skips[rung] += 1
        self._metrics.skips.labels(rung).inc()

    def _say(self, text: str, now: float) -> None:
        for connection in self.viewers.all_behind(now):
            connection.viewer.say(text, now)
            connection.send()

    def _state(self) -> str:
        return json.dumps({"type": "state", "state": self._channel.state.value})

    def _beginning(self, video: int | None, audio: int | None) -> list[Frame]:
        """Frames from the rung's newest keyframe on, and the sound that belongs to them."""
        rings = [self._rings[i] for i in sorted(self._rings) if i in (video, audio)]
        frames = [self._init(track) for track in self._running()]
        picture = self._rings.get(video) if video is not None else None
        if picture is not None and picture.frames:
            from_us = picture.frames[0].at_us
        else:
            newest = [ring.frames[-1].at_us for ring in rings if ring.frames]
            from_us = max(newest, default=0) - SOUND_ALONE_US
        media = [frame for ring in rings for frame in ring.frames if frame.at_us >= from_us]
        return frames + sorted(media, key=lambda frame: frame.at_us)

    def _running(self) -> list[Track]:
        return [track for track in self._channel.present() if track.runs]

    def _rungs(self) -> list[Rung]:
        videos = [track for track in self._running() if track.video]
        return [Rung(t.id, t.name) for t in sorted(videos, key=lambda t: t.rendition.rung)]

    def _audio(self) -> int | None:
        return next((track.id for track in self._running() if not track.video), None)

    def _label(self, video: int | None) -> str:
        name = next((t.name for t in self._channel.tracks.values() if t.id == video), "aac")
        return rung_label(name)


def _frame(event: FragmentReady) -> Frame:
    track, fragment = event.track, event.fragment
    kind = Kind.SOUND
    if track.video:
        kind = Kind.KEYFRAME if fragment.starts_with_sync else Kind.PICTURE
    run = track.runs[-1].number
    return frame_of(track.id, kind, run, track.us(fragment.start_ts), fragment.data)


def _described(track: Track) -> dict[str, Any]:
    media = track.runs[-1].init.track
    found: dict[str, Any] = {
        "id": track.id,
        "name": track.name,
        "media": track.rendition.media.value,
        "codecs": media.codecs,
        "timescale": media.timescale,
        "bandwidth": track.rendition.bandwidth_bps,
    }
    if track.video:
        found |= {"width": media.width_px, "height": media.height_px}
    return found
