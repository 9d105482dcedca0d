"""SRT contributions: one port and one passphrase a feed, listened on by ffmpeg.

SRT's stream id is not checked by ffmpeg, so the port names the feed and the passphrase (AES-128) is
its key: without it no byte is decrypted. Ports come from a configured range.

Spec: draft-sharabayko-srt-01 6.1 (encryption).
"""

from __future__ import annotations

import asyncio
import logging
import string
from urllib.parse import urlencode

from catalog.live import FeedName
from transcoder.live.address import Address
from transcoder.live.errors import Refusal, Refused
from transcoder.live.feeds import LiveIngest
from transcoder.live.relay import keep_relaying

LATENCY_US = 120_000
KEY_BYTES = 16
SHORTEST_PASSPHRASE, LONGEST_PASSPHRASE = 10, 79
PASSPHRASE_LETTERS = frozenset(string.ascii_letters + string.digits + "-_")

log = logging.getLogger(__name__)


class SrtIngest:
    """Listens for feeds that were asked for."""

    def __init__(self, ingest: LiveIngest) -> None:
        self._ingest = ingest
        first, last = ingest.settings.srt_ports
        self._free = list(range(last, first - 1, -1)) if first else []
        self._listeners: dict[tuple[str, FeedName], tuple[int, asyncio.Task[None]]] = {}

    @property
    def ports(self) -> dict[tuple[str, FeedName], int]:
        """Who is expected on which port."""
        return {at: port for at, (port, _) in self._listeners.items()}

    def listen(self, session: str, feed: FeedName, passphrase: str) -> int:
        """Give the port on which a feed's encoder is expected from now on; the same when asked
        again, until the feed has ended.

        Raises: Refused when all ports are taken or the passphrase is none.
        """
        at = (session, feed)
        if at in self._listeners:
            return self._listeners[at][0]
        length = len(passphrase)
        if not SHORTEST_PASSPHRASE <= length <= LONGEST_PASSPHRASE:
            raise Refused(Refusal.KEY, "an SRT passphrase has 10 to 79 characters")
        if not set(passphrase) <= PASSPHRASE_LETTERS:
            raise Refused(Refusal.KEY, "an SRT passphrase has letters, digits, - and _ only")
        if not self._free:
            raise Refused(Refusal.CAPACITY, "all SRT ports are taken; publish by RTMP")
        port = self._free.pop()
        way = srt_way(self._ingest.settings.host, port, passphrase)
        work = keep_relaying(self._ingest, way, Address(session, feed, ""), "srt")
        task = asyncio.create_task(work, name=f"srt {port}")
        self._listeners[at] = (port, task)
        task.add_done_callback(lambda done: self._over(at, done))
        return port

    async def close(self) -> None:
        """Stop listening."""
        tasks = [task for _, task in self._listeners.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _over(self, at: tuple[str, FeedName], task: asyncio.Task[None]) -> None:
        port, _ = self._listeners.pop(at)
        self._free.append(port)
        if not task.cancelled() and task.exception() is not None:
            log.error("SRT port %d broke", port, exc_info=task.exception())


def srt_way(host: str, port: int, passphrase: str) -> str:
    """Write the address that ffmpeg listens on."""
    options = urlencode(
        {
            "mode": "listener",
            "passphrase": passphrase,
            "pbkeylen": KEY_BYTES,
            "latency": LATENCY_US,
        }
    )
    return f"srt://{host}:{port}?{options}"
