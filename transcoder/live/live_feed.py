"""One feed on air: its publisher in, its encoder out. One task owns it.

The publisher's shell calls `take`, `hint` and `leave` on its `Publisher`; these only move the pure
cores and wake the owner, which alone speaks with the origin's feed and ends everything.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from catalog.errors import TongbuError
from catalog.live import FeedName
from streaming.errors import BadMedia
from streaming.live.port import Feed
from transcoder.live.admission import Admission
from transcoder.live.encoder import Encoder, EncoderFailed
from transcoder.live.errors import Refusal, Refused
from transcoder.live.feed_state import END_STATES, FeedInput, FeedState, after
from transcoder.live.figures import IngestFigures
from transcoder.live.flv import Hints, Kind, Tag
from transcoder.live.intake import Begin, Intake, Sparse
from transcoder.live.ladder import ways
from transcoder.live.metrics import LiveMetrics
from transcoder.live.settings import IngestSettings
from transcoder.live.source import Source

FIGURES_EVERY_S = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a publisher is told once a second."""

    video_bps: int
    audio_bps: int
    fps: float
    dropped: int
    speed: float | None
    wants_keyframe: bool = False


class Publisher:
    """One connection that may publish; `ended` is set with a sentence when it must close."""

    def __init__(self, live: LiveFeed) -> None:
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._live = live

    def take(self, tag: Tag) -> None:
        """Take the next tag; nothing once the feed has ended. Raises: BadContribution, Refused."""
        if not self.ended.done():
            self._live.take(tag)

    def hint(self, hints: Hints) -> None:
        """Take what the publisher says of itself."""
        if not self.ended.done():
            self._live.intake.hint(hints)

    def leave(self) -> None:
        """The connection is over."""
        self._live.left(self)

    def close(self, sentence: str) -> None:
        """Tell the connection to end."""
        if not self.ended.done():
            self.ended.set_result(sentence)

    @property
    def figures(self) -> Figures:
        """How it goes."""
        return self._live.figures


class LiveFeed:
    """A feed from its first publisher to its end.

    rests: it outlives a publisher who does not return; else it ends away_s after the last one.
    """

    def __init__(
        self,
        name: str,
        feed: Feed,
        settings: IngestSettings,
        admission: Admission,
        metrics: LiveMetrics,
        wall: Callable[[], float] = time.time,
        *,
        rests: bool = True,
    ) -> None:
        self.name = name
        self._rests = rests
        self.state = FeedState.PROBING
        self.intake = Intake()
        self.publisher: Publisher | None = None
        self.last_tag_at = 0.0
        self.reconnects = 0
        self.figures = Figures(0, 0, 0.0, 0, None)
        self._feed = feed
        self._settings = settings
        self._admission = admission
        self._metrics = metrics
        self._wall = wall
        self._clock = asyncio.get_running_loop().time
        self._since_at = self._clock()
        self._encoder = Encoder(
            str(settings.ffmpeg), feed, self.intake, self._since_anchor_s, metrics
        )
        self._changed = asyncio.Event()
        self._fault: Exception | None = None
        self._away_until = float("inf")
        self._on_air = self._told_away = False
        metrics.feeds.labels(self.state.value).inc()

    def join(self) -> Publisher:
        """Let a publisher in; there must be none."""
        if self.state in (FeedState.AWAY, FeedState.RESTING):
            self._step(FeedInput.JOINED)
            self.reconnects += 1
            self._metrics.reconnects.inc()
        self.intake.join()
        self.last_tag_at = self._clock()
        self.publisher = Publisher(self)
        return self.publisher

    def figures_of(self, session: str, name: FeedName) -> IngestFigures:
        """Give what came so far and how it goes, as that feed."""
        video, audio, _, gaps, dropped = self._tallied()
        flows = self.state is FeedState.PUBLISHING
        return IngestFigures(
            session, name, self._since_at,
            self.figures.video_bps + self.figures.audio_bps if flows else 0,
            self._encoder.speed if flows else None,
            video + audio, gaps, dropped, self.reconnects,
        )  # fmt: skip

    def is_silent(self) -> bool:
        """Tell whether the publisher has sent nothing for so long that another may take over."""
        return self._clock() - self.last_tag_at > self._settings.silent_s

    def take(self, tag: Tag) -> None:
        """Take the publisher's next tag. Raises: BadContribution, Refused."""
        self.last_tag_at = self._clock()
        for step in self.intake.take(tag, round(1000 * self._since_anchor_s())):
            if isinstance(step, Begin):
                self._plan(step.source)
            elif isinstance(step, Sparse):
                self._on_sparse()
            else:
                self._encoder.push(step)
                if self.state is FeedState.PROBING:
                    self._on_air = True
                    self._step(FeedInput.FLOWS)

    def left(self, publisher: Publisher) -> None:
        """The publisher's connection is over; one that was replaced changes nothing."""
        if self.publisher is publisher and self.state not in END_STATES:
            self.publisher = None
            self._away_until = self._clock() + self._settings.away_s
            self._step(FeedInput.LEFT)

    def close(self) -> None:
        """End the feed: the lesson is over."""
        if self.state not in END_STATES:
            self._step(FeedInput.CLOSED)

    def replace(self) -> None:
        """Make room for another publisher with the same key."""
        self._turn_out(Refused(Refusal.BUSY, "another encoder has taken over"))

    async def run(self) -> None:
        """Own the feed until it ends."""
        encoding = asyncio.create_task(self._encode(), name=f"encoder {self.name}")
        counting = asyncio.create_task(self._count(), name=f"figures {self.name}")
        encoding.add_done_callback(self._on_encoder_end)
        try:
            await self._watch()
            self._encoder.finish()
            await asyncio.gather(encoding, return_exceptions=True)
            await self._feed.end()
        except TongbuError as error:
            self._fail(error)
            log.warning("feed %s: %s", self.name, error)
        finally:
            for task in (encoding, counting):
                task.cancel()
            await asyncio.gather(encoding, counting, return_exceptions=True)
            self._admission.release(self.name)
            self._metrics.feeds.labels(self.state.value).dec()
            if self.publisher is not None:
                self.publisher.close(str(self._fault or "the session has ended"))

    async def _encode(self) -> None:
        """Encode to the end; what cannot be encoded costs the publisher its place, not the feed."""
        while True:
            try:
                return await self._encoder.run()
            except (EncoderFailed, BadMedia) as error:
                self._turn_out(error)
            except TongbuError:
                raise
            except Exception as error:  # a lesson goes on, whatever we did wrong
                log.exception("feed %s: the encoder broke", self.name)
                self._turn_out(error)
            if self.state in END_STATES:
                return None
            self._encoder.reset()
            self.intake.source = None

    async def _watch(self) -> None:
        """Tell the origin what changes, until an end state."""
        while self.state not in END_STATES:
            self._changed.clear()
            await self._tell()
            limit_s = None
            if self.state is FeedState.AWAY:
                limit_s = max(0.0, self._away_until - self._clock())
            try:
                async with asyncio.timeout(limit_s):
                    await self._changed.wait()
            except TimeoutError:
                if self.state is FeedState.AWAY:
                    self._on_overdue()

    def _on_overdue(self) -> None:
        """Give back what the encoder takes; the feed waits for as long as its session lasts."""
        if not self._rests:
            self._step(FeedInput.CLOSED)
            return
        log.info("feed %s: its publisher stays away, the encoder rests", self.name)
        self._encoder.rest()
        self.intake.source = None
        self._admission.release(self.name)
        self._step(FeedInput.OVERDUE)

    async def _tell(self) -> None:
        if self.state is FeedState.AWAY and self._on_air and not self._told_away:
            self._told_away = True
            await self._feed.interrupted()
        elif self.state is FeedState.PUBLISHING and self._told_away:
            self._told_away = False
            await self._feed.resumed()

    async def _count(self) -> None:
        """Once a second: what came since the last time."""
        before, shifts = self._tallied(), 0
        while True:
            await asyncio.sleep(FIGURES_EVERY_S)
            if shifts != self.intake.timeline.shifts:
                shifts = self.intake.timeline.shifts
                await self._feed.retimed()
            now = self._tallied()
            video, audio, frames, gaps, dropped = (b - a for a, b in zip(before, now, strict=True))
            self.figures = Figures(
                8 * video,
                8 * audio,
                float(frames),
                now[4],
                self._encoder.speed,
                self.intake.awaits_keyframe or self._encoder.awaits_keyframe,
            )
            self._metrics.received.labels("video").inc(video)
            self._metrics.received.labels("audio").inc(audio)
            self._metrics.frames.inc(frames)
            self._metrics.gaps.inc(gaps)
            self._metrics.dropped.inc(dropped)
            if self.state is FeedState.PUBLISHING:
                self._metrics.bitrate.observe(8 * (video + audio))
            before = now

    def _tallied(self) -> tuple[int, int, int, int, int]:
        tally = self.intake.tally
        sizes = (tally.bytes[Kind.VIDEO], tally.bytes[Kind.AUDIO])
        return (*sizes, tally.frames, tally.gaps, self._encoder.dropped)

    def _since_anchor_s(self) -> float:
        return self._wall() - self._feed.anchor_utc

    def _plan(self, source: Source, tags: Iterable[Tag] = (), *, copy: bool = True) -> None:
        """Take the best way that the machine can carry. Raises: Refused."""
        try:
            plan = self._admission.admit(self.name, ways(source, copy=copy))
        except Refused as refused:
            self._turn_out(refused)
            self.intake.source = None
            raise
        log.info("feed %s: %s, %.2f cores", self.name, ", ".join(plan.names), plan.cores)
        self._encoder.begin(plan, tags)

    def _on_sparse(self) -> None:
        """Encode all rungs when the source's keyframes are too rare. Raises: Refused."""
        assert self.intake.source is not None
        log.warning("feed %s: keyframes are more than 4 s apart, all rungs are encoded", self.name)
        self._plan(self.intake.source, self.intake.gop, copy=False)

    def _on_encoder_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error if isinstance(error, Exception) else RuntimeError(str(error)))

    def _turn_out(self, error: Exception) -> None:
        """End the publisher's connection; the feed waits for a better one."""
        if self.publisher is not None:
            log.warning("feed %s: its publisher has to go: %s", self.name, error)
            old = self.publisher
            self.left(old)
            old.close(str(error))

    def _fail(self, error: Exception) -> None:
        self._fault = self._fault or error
        if self.state not in END_STATES:
            self._step(FeedInput.FAULT)

    def _step(self, happened: FeedInput) -> None:
        self._metrics.feeds.labels(self.state.value).dec()
        self.state = after(self.state, happened)
        self._metrics.feeds.labels(self.state.value).inc()
        self._changed.set()


def refuse_ended() -> Refused:
    """What a publisher hears that comes after the end."""
    return Refused(Refusal.ENDED, "this session has ended; publish to the next one")
