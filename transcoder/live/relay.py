"""Contributions that ffmpeg must take apart first: WebM of a browser, SRT, RTSP.

One ffmpeg copies the packets into FLV on a pipe and decodes nothing; the tags go to the publisher
like those of RTMP. Only the one that reads WebM from us runs without the network, and only that one
decodes: a picture in VP8 or VP9, which FLV cannot carry, is made H.264 first.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from transcoder.errors import ProcessError
from transcoder.live.address import Address
from transcoder.live.child import LIVE_SANDBOX, Child, running
from transcoder.live.errors import BadContribution, Refusal, Refused
from transcoder.live.feeds import LiveIngest
from transcoder.live.flv import FileReader, Tag
from transcoder.live.live_feed import Publisher
from transcoder.process import Output
from transcoder.sandbox import Sandbox

REACH = Path(__file__).with_name("reach.py")
WEBM_PIPE = "pipe:0"
PROBE_BYTES = 500_000
ANALYSE_US = 1_000_000
SOCKET_LIMIT_US = 10_000_000
RECODED = ("-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-b:v", "2500000",
           "-maxrate", "2500000", "-bufsize", "2500000", "-g", "60", "-pix_fmt", "yuv420p",
           "-threads", "1", "-fps_mode", "passthrough")  # fmt: skip
AGAIN_S = 1.0
LOOK_EVERY_S = 0.5
_SECRETS = re.compile(r"(passphrase=|//)[^&\s@/]+(?=@|&|\s|$)")

log = logging.getLogger(__name__)


class Reaching(Sandbox):
    """A room with a door to the network, for what decodes nothing."""

    def wrap(self, command: Sequence[str], parent_pid: int) -> tuple[str, ...]:
        """Put the launcher in front of a command."""
        return (sys.executable, "-I", "-S", str(REACH), str(parent_pid), *command)


def relay_command(program: str, way: str, fd: int, *, recode: bool = False) -> list[str]:
    """Copy what comes by a way (an address, or pipe:0 for WebM) into FLV on a pipe."""
    scheme = way.partition(":")[0]
    options = {
        "pipe": ["-f", "matroska", "-protocol_whitelist", "pipe"],
        "srt": ["-f", "mpegts", "-protocol_whitelist", "srt,udp"],
        "rtsp": ["-rtsp_transport", "tcp", "-timeout", str(SOCKET_LIMIT_US),
                 "-protocol_whitelist", "rtsp,tcp,rtp"],
    }[scheme]  # fmt: skip
    return [
        program, "-nostdin", "-hide_banner", "-nostats", "-v", "error",
        "-flags", "low_delay", "-probesize", str(PROBE_BYTES), "-analyzeduration", str(ANALYSE_US),
        *options, "-i", way, "-map", "0:v:0?", "-map", "0:a:0?", "-c", "copy",
        *(RECODED if recode else ()),
        "-flush_packets", "1", "-flvflags", "no_duration_filesize+no_sequence_end",
        "-f", "flv", f"pipe:{fd}",
    ]  # fmt: skip


class Relay:
    """One ffmpeg that takes a contribution apart. `admit` is asked when its first bytes come."""

    def __init__(
        self,
        program: str,
        way: str,
        admit: Callable[[], Awaitable[Publisher]],
        *,
        recode: bool = False,
    ) -> None:
        self._recode = recode
        self.publisher: Publisher | None = None
        self._program = program
        self._way = way
        self._admit = admit

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Child]:
        """Run it; gives the child, to write WebM to or to wait for.

        Raises: what `child.running` raises; Refused, BadContribution from the publisher.
        """
        sandbox = LIVE_SANDBOX if self._way == WEBM_PIPE else Reaching()
        async with running(self._build, [self._consume], lambda _data: None, sandbox) as child:
            yield child

    def _build(self, fds: Sequence[int]) -> list[str]:
        return relay_command(self._program, self._way, fds[0], recode=self._recode)

    async def _consume(self, output: Output) -> None:
        reader = FileReader()
        while data := await output.read():
            if self.publisher is None:
                self.publisher = await self._admit()
            for item in reader.feed(data):
                if isinstance(item, Tag):
                    self.publisher.take(item)
                else:
                    self.publisher.hint(item)


async def keep_relaying(ingest: LiveIngest, way: str, address: Address, kind: str) -> None:
    """Take a contribution again and again until its feed has ended.

    Whoever starts this vouches for the address: it was made from a booked session.
    """

    async def admit() -> Publisher:
        publisher = await ingest.admit(lambda: address, kind, trusted=True)
        ingest.metrics.publishers.labels(kind).inc()
        return publisher

    on_air = False

    def over() -> bool:
        """Tell whether the feed was on air and is no more."""
        return on_air and ingest.find(address.session, address.feed) is None

    while not over():
        relay = Relay(str(ingest.settings.ffmpeg), way, admit)
        try:
            await _relay_once(relay, over)
        except Refused as refused:
            if refused.why is Refusal.ENDED:
                return
            log.info("%s of %s: %s", kind, address.session, refused)
        except (ProcessError, BadContribution, OSError) as error:
            log.info("%s of %s broke off: %s", kind, address.session, redacted(str(error), way))
        finally:
            if relay.publisher is not None:
                on_air = True
                ingest.metrics.publishers.labels(kind).dec()
                relay.publisher.leave()
        await asyncio.sleep(AGAIN_S)


async def _relay_once(relay: Relay, over: Callable[[], bool]) -> None:
    """Run until the peer goes, or the feed ends."""
    async with relay.running() as child:
        ended = asyncio.create_task(child.ended())
        try:
            while not ended.done():
                await asyncio.wait((ended,), timeout=LOOK_EVERY_S)
                if over():
                    raise Refused(Refusal.ENDED, "the session has ended")
                if relay.publisher is not None and relay.publisher.ended.done():
                    raise Refused(Refusal.BUSY, relay.publisher.ended.result())
            await ended
        finally:
            ended.cancel()
            await asyncio.gather(ended, return_exceptions=True)


def redacted(text: str, way: str) -> str:
    """Take an address, and keys and passwords of any, out of what ffmpeg says."""
    shown = f"{way.partition('://')[0]}://***"
    return _SECRETS.sub(r"\1***", text.replace(way, shown))
