"""SRT contributions: one port and one passphrase a feed, listened on by ffmpeg.

SRT's stream id is not checked by ffmpeg, so the port names the feed and the passphrase (AES-128) is
its key: without it no byte is decrypted. Ports come from a configured range.

Spec: draft-sharabayko-srt-01 6.1 (encryption).
"""

from __future__ import annotations

import asyncio
import logging
import string
from collections import deque
from dataclasses import dataclass
from urllib.parse import urlencode

from catalog.live import SRT_KEY_BYTES, SRT_LATENCY_US, FeedName
from transcoder.live.address import Address
from transcoder.live.errors import Refusal, Refused
from transcoder.live.feeds import LiveIngest
from transcoder.live.relay import keep_relaying

SHORTEST_PASSPHRASE, LONGEST_PASSPHRASE = 10, 79
PASSPHRASE_LETTERS = frozenset(string.ascii_letters + string.digits + "-_")

log = logging.getLogger(__name__)

At = tuple[str, FeedName]


@dataclass(frozen=True, slots=True)
class Expected:
    """A feed that is listened for."""

    port: int
    passphrase: str
    task: asyncio.Task[None]


class SrtIngest:
    """Listens for feeds that were asked for."""

    def __init__(self, ingest: LiveIngest) -> None:
        self._ingest = ingest
        first, last = ingest.settings.srt_ports
        # A port that was freed is taken last: its old encoder may go on calling for a while.
        self._free = deque(range(first, last + 1) if first else ())
        self._expected: dict[At, Expected] = {}
        self._tasks: dict[asyncio.Task[None], At] = {}  # also those whose key is void
        self.has_ports = bool(self._free)

    @property
    def ports(self) -> dict[At, int]:
        """Who is expected on which port."""
        return {at: expected.port for at, expected in self._expected.items()}

    def port(self, session: str, feed: FeedName) -> int | None:
        """Give the port on which a feed is expected now."""
        expected = self._expected.get((session, feed))
        return expected.port if expected else None

    def listen(self, session: str, feed: FeedName, passphrase: str) -> int:
        """Give the port on which a feed's encoder is expected from now on; the same when asked
        again, until the feed has ended. Another passphrase makes the one before void, and whoever
        publishes with it is cut off.

        Raises: Refused when all ports are taken or the passphrase is none.
        """
        at = (session, feed)
        before = self._expected.get(at)
        if before is not None and before.passphrase == passphrase:
            return before.port
        _check(passphrase)
        if before is not None:
            before.task.cancel()
        port = before.port if before is not None else self._take_port()
        settings = self._ingest.settings
        way = srt_way(settings.srt_host or settings.host, port, passphrase)
        work = self._keep(at, way, before)
        task = asyncio.create_task(work, name=f"srt {port}")
        self._expected[at] = Expected(port, passphrase, task)
        self._tasks[task] = at
        task.add_done_callback(lambda done: self._over(at, done))
        return port

    async def end(self, session: str) -> None:
        """Listen for a session's feeds no longer; their ports are free when this comes back."""
        await _cancelled([task for task, (one, _) in self._tasks.items() if one == session])

    async def close(self) -> None:
        """Stop listening; nothing of it is left when this comes back."""
        await _cancelled(list(self._tasks))

    async def _keep(self, at: At, way: str, before: Expected | None) -> None:
        if before is not None:
            await asyncio.wait((before.task,))  # its ffmpeg has the port
        await keep_relaying(self._ingest, way, Address(*at, ""), "srt")

    def _take_port(self) -> int:
        if not self._free:
            raise Refused(Refusal.CAPACITY, "all SRT ports are taken; publish by RTMP")
        return self._free.popleft()

    def _over(self, at: At, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        expected = self._expected.get(at)
        if expected is not None and expected.task is task:
            del self._expected[at]
            self._free.append(expected.port)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s broke", task.get_name(), exc_info=task.exception())


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _check(passphrase: str) -> None:
    if not SHORTEST_PASSPHRASE <= len(passphrase) <= LONGEST_PASSPHRASE:
        raise Refused(Refusal.KEY, "an SRT passphrase has 10 to 79 characters")
    if not set(passphrase) <= PASSPHRASE_LETTERS:
        raise Refused(Refusal.KEY, "an SRT passphrase has letters, digits, - and _ only")


def srt_way(host: str, port: int, passphrase: str) -> str:
    """Write the address that ffmpeg listens on; an IPv6 host goes into brackets."""
    shown = f"[{host}]" if ":" in host else host
    options = urlencode(
        {
            "mode": "listener",
            "passphrase": passphrase,
            "pbkeylen": SRT_KEY_BYTES,
            "latency": SRT_LATENCY_US,
        }
    )
    return f"srt://{shown}:{port}?{options}"
