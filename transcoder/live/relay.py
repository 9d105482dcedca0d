"""Contributions that ffmpeg must take apart first: WebM of a browser, SRT, RTSP.

One ffmpeg copies the packets into FLV on a pipe and decodes nothing; the tags go to the publisher
like those of RTMP. Only the one that reads WebM from us runs without the network.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from transcoder.live.child import LIVE_SANDBOX, Child, running
from transcoder.live.flv import FileReader, Tag
from transcoder.live.live_feed import Publisher
from transcoder.process import Output
from transcoder.sandbox import Sandbox

REACH = Path(__file__).with_name("reach.py")
WEBM_PIPE = "pipe:0"
PROBE_BYTES = 500_000
ANALYSE_US = 1_000_000
SOCKET_LIMIT_US = 10_000_000


class Reaching(Sandbox):
    """A room with a door to the network, for what decodes nothing."""

    def wrap(self, command: Sequence[str], parent_pid: int) -> tuple[str, ...]:
        """Put the launcher in front of a command."""
        return (sys.executable, "-I", "-S", str(REACH), str(parent_pid), *command)


def relay_command(program: str, way: str, fd: int) -> list[str]:
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
        "-flush_packets", "1", "-flvflags", "no_duration_filesize+no_sequence_end",
        "-f", "flv", f"pipe:{fd}",
    ]  # fmt: skip


@asynccontextmanager
async def relaying(program: str, way: str, publisher: Publisher) -> AsyncIterator[Child]:
    """Run a relay into a publisher; gives the child, to write WebM to or to wait for.

    Raises: what `running` raises; BadContribution, Refused from the publisher.
    """

    async def consume(output: Output) -> None:
        reader = FileReader()
        while data := await output.read():
            for item in reader.feed(data):
                if isinstance(item, Tag):
                    publisher.take(item)
                else:
                    publisher.hint(item)

    def build(fds: Sequence[int]) -> list[str]:
        return relay_command(program, way, fds[0])

    sandbox = LIVE_SANDBOX if way == WEBM_PIPE else Reaching()
    async with running(build, [consume], lambda _data: None, sandbox) as child:
        yield child
