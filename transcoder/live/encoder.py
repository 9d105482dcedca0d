"""The one ffmpeg of a feed: tags in, fragments into the origin's feed.

Its owner calls `begin` with a plan, `push` for each tag, `rest` when no more comes for a long time,
`finish` at the end; `run` is the task. An
ffmpeg that dies is started again with the tags since the last keyframe; what viewers already have
is left out (copied and sound) or not encoded (the other rungs begin there with a keyframe), so the
timeline goes on without a hole. Lives through pauses of the publisher by simply waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader, Init
from streaming.live.port import Feed
from transcoder.errors import ProcessError
from transcoder.live.argv import live_command
from transcoder.live.child import Child, running
from transcoder.live.errors import LiveError
from transcoder.live.flv import Hints, Tag, write_header, write_hints, write_tag
from transcoder.live.intake import Intake
from transcoder.live.ladder import LivePlan
from transcoder.live.metrics import LiveMetrics
from transcoder.live.source import Source
from transcoder.live.tags import TagQueue
from transcoder.process import Output
from transcoder.progress import ProgressReader

AGAIN_WAITS_S = (0.0, 0.1, 0.4, 1.0)
DEATHS_LIMIT = 6
DEATHS_WINDOW_S = 30.0
END_LIMIT_S = 5.0
STUCK_LIMIT_S = 10.0
SEND_BYTES = 1 << 16
OVERLAP_S = 0.005

log = logging.getLogger(__name__)


class EncoderFailed(LiveError):
    """ffmpeg died again and again."""


async def _send_in_time(child: Child, data: bytes) -> None:
    """Write to a child that may be slow, but must take something. Raises: ConnectionError."""
    try:
        for start in range(0, len(data), SEND_BYTES):
            async with asyncio.timeout(STUCK_LIMIT_S):
                await child.send(data[start : start + SEND_BYTES])
    except TimeoutError as error:
        raise ConnectionError(f"ffmpeg took nothing for {STUCK_LIMIT_S:g} s") from error


class _SpeedMeter:
    """Media seconds a second between two reports, told once a second."""

    def __init__(self) -> None:
        self._reader = ProgressReader()
        self._before: tuple[float, float] | None = None

    def feed(self, data: bytes, now_s: float) -> list[float]:
        """Take what ffmpeg says at a time; gives the speeds that follow from it."""
        found: list[float] = []
        for report in self._reader.feed(data):
            before, self._before = self._before, (report.out_time_s, now_s)
            if before is not None and now_s > before[1]:
                found.append((report.out_time_s - before[0]) / (now_s - before[1]))
        return found


class Encoder:
    """Encodes one feed. `since_anchor_s` is the clock: wall seconds since media time 0."""

    def __init__(
        self,
        program: str,
        feed: Feed,
        intake: Intake,
        since_anchor_s: Callable[[], float],
        metrics: LiveMetrics,
    ) -> None:
        self.speed: float | None = None
        self.ends_s: dict[str, float] = {}
        self.dropped = 0
        self._inits: dict[str, bytes] = {}
        self._program = program
        self._feed = feed
        self._intake = intake
        self._since_anchor_s = since_anchor_s
        self._metrics = metrics
        self._plan: LivePlan | None = None
        self._queue = TagQueue()
        self._planned = asyncio.Event()
        self._finished = False
        self._deaths: deque[float] = deque(maxlen=DEATHS_LIMIT)

    def begin(self, plan: LivePlan, tags: Iterable[Tag] = ()) -> None:
        """From here on encode by this plan; tags were pushed before, but must be seen again."""
        self._plan = plan
        self._renew(tags)
        self._planned.set()

    def push(self, tag: Tag) -> None:
        """Take the next tag."""
        self._queue.push(tag)

    @property
    def awaits_keyframe(self) -> bool:
        """Tell whether pictures were left out up to the next keyframe."""
        return self._queue.skipping

    def finish(self) -> None:
        """No more will come: `run` comes back when all is out."""
        self._finished = True
        self._queue.close()
        self._planned.set()

    def rest(self) -> None:
        """Let ffmpeg end with what it has; `begin` starts another."""
        self._plan = self.speed = None
        self._planned.clear()
        self._queue.close()

    def reset(self) -> None:
        """After `run` failed: wait for another plan."""
        self.rest()
        self._deaths.clear()
        self._queue = TagQueue()

    async def run(self) -> None:
        """Encode until `finish`. Raises: EncoderFailed; what the feed raises."""
        while True:
            await self._planned.wait()
            if self._plan is not None:
                await self._encode_once(self._plan, self._queue)
            if self._finished:
                return

    async def _encode_once(self, plan: LivePlan, queue: TagQueue) -> None:
        """Encode until the queue is at an end or ffmpeg has died."""
        try:
            await self._encode(plan, queue)
        except (ProcessError, ConnectionError) as error:
            await self._on_death(error)
            if not self._finished and queue is self._queue:
                self._renew(self._intake.gop)

    def _renew(self, tags: Iterable[Tag]) -> None:
        """Begin a queue with all that a new ffmpeg must see first."""
        self.dropped += self._queue.dropped
        self._queue.close()
        source = self._intake.source
        pictures = source is not None and source.picture is not None
        self._queue = TagQueue([*self._intake.lead(), *tags], picture_first=pictures)

    async def _on_death(self, error: Exception) -> None:
        """Wait a little before the next try, longer each time. Raises: EncoderFailed."""
        now = asyncio.get_running_loop().time()
        self._deaths.append(now)
        self._metrics.restarts.inc()
        recent = sum(now - at < DEATHS_WINDOW_S for at in self._deaths)
        log.warning("live encoder died (%d in %g s): %s", recent, DEATHS_WINDOW_S, error)
        if recent >= DEATHS_LIMIT:
            raise EncoderFailed(
                f"ffmpeg died {recent} times; send H.264 and AAC with a keyframe every 2 s"
            ) from error
        await asyncio.sleep(AGAIN_WAITS_S[min(recent, len(AGAIN_WAITS_S)) - 1])

    async def _encode(self, plan: LivePlan, queue: TagQueue) -> None:
        """Run one ffmpeg until its queue is at an end."""
        source = self._intake.source
        assert source is not None
        await self._feed.begin(plan.renditions())
        resume_s = dict(self.ends_s)
        meter = _SpeedMeter()

        def build(fds: Sequence[int]) -> list[str]:
            return live_command(self._program, plan, fds, resume_s)

        def tell(data: bytes) -> None:
            for speed in meter.feed(data, self._since_anchor_s()):
                self.speed = speed
                self._metrics.speed.observe(speed)

        consumers = [partial(self._consume, name) for name in plan.names]
        async with running(build, consumers, tell) as child:
            await self._feed_child(child, source, queue)

    async def _feed_child(self, child: Child, source: Source, queue: TagQueue) -> None:
        """Write until the queue ends or the child does."""
        ended = asyncio.create_task(child.ended())
        writing = asyncio.create_task(self._write(child, source, queue))
        try:
            await asyncio.wait((ended, writing), return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                writing.result()
                async with asyncio.timeout(END_LIMIT_S):
                    await ended
            await ended
            if not writing.done():
                raise ConnectionError("ffmpeg ended before its input did")
        except TimeoutError as error:
            raise ConnectionError("ffmpeg did not end with its input") from error
        finally:
            for task in (ended, writing):
                task.cancel()
            await asyncio.gather(ended, writing, return_exceptions=True)

    async def _write(self, child: Child, source: Source, queue: TagQueue) -> None:
        picture = source.picture
        head = write_header(video=picture is not None, audio=source.sound is not None)
        if picture is not None:
            head += write_hints(Hints(picture.width_px, picture.height_px, picture.fps))
        await _send_in_time(child, head)
        while tags := await queue.next():
            await _send_in_time(child, b"".join(write_tag(tag) for tag in tags))
        child.close_input()

    async def _consume(self, name: str, output: Output) -> None:
        """Hand on what one pipe gives. Raises: what the feed raises."""
        reader, timescale = CmafReader(), 1
        while data := await output.read():
            for item in reader.feed(data):
                if isinstance(item, Init):
                    timescale = item.track.timescale
                    await self._begin_run(name, item)
                else:
                    await self._hand_on(name, item, timescale)

    async def _begin_run(self, name: str, init: Init) -> None:
        """Tell of an initialization section once: the origin wants a keyframe behind each."""
        if self._inits.get(name) != init.data:
            self._inits[name] = init.data
            await self._feed.take(name, init)

    async def _hand_on(self, name: str, fragment: Fragment, timescale: int) -> None:
        """Give the feed what it does not have yet."""
        start_s = fragment.start_ts / timescale
        if start_s < self.ends_s.get(name, 0.0) - OVERLAP_S:
            return
        self.ends_s[name] = end_s = start_s + fragment.duration_ts / timescale
        self._metrics.delay.observe(max(0.0, self._since_anchor_s() - end_s))
        await self._feed.take(name, fragment)
