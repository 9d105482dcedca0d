"""RTSP cameras of a classroom, pulled over TCP.

Only hosts that the settings name, and this machine, are asked: an address comes from a person, and
must not make the server knock at doors inside of its network.

Spec: RFC 2326 10, RFC 4566.
"""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlsplit

from catalog.errors import Invalid
from catalog.live import FeedName
from transcoder.live.address import Address
from transcoder.live.feeds import LiveIngest
from transcoder.live.relay import keep_relaying

URL_LIMIT_CHARACTERS = 512
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

log = logging.getLogger(__name__)


class RtspIngest:
    """Pulls feeds from cameras."""

    def __init__(self, ingest: LiveIngest) -> None:
        self._ingest = ingest
        self._pulls: dict[tuple[str, FeedName], asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # also those that were let go

    def pull(self, session: str, feed: FeedName, url: str) -> None:
        """Pull a feed from a camera from now on until the feed ends, in place of another camera.

        Raises: Invalid when the address may not be asked.
        """
        way = checked_url(url, self._ingest.settings.rtsp_hosts)
        self.stop(session, feed)
        work = keep_relaying(self._ingest, way, Address(session, feed, ""), "rtsp")
        task = asyncio.create_task(work, name=f"rtsp {session}/{feed.value}")
        self._pulls[session, feed] = task
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._over((session, feed), done))

    def stop(self, session: str, feed: FeedName) -> None:
        """Let go of a feed's camera, if there is one; its ffmpeg ends by itself."""
        task = self._pulls.pop((session, feed), None)
        if task is not None:
            task.cancel()

    def pulled(self) -> set[str]:
        """Give the sessions that have a camera."""
        return {session for session, _ in self._pulls}

    def end(self, session: str) -> None:
        """Let go of all cameras of a session."""
        for one, feed in tuple(self._pulls):
            if one == session:
                self.stop(session, feed)

    async def close(self) -> None:
        """Stop pulling; nothing of it is left when this comes back."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _over(self, at: tuple[str, FeedName], task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._pulls.get(at) is task:
            del self._pulls[at]
        if not task.cancelled() and task.exception() is not None:
            log.error("%s broke", task.get_name(), exc_info=task.exception())


def checked_url(url: str, hosts: tuple[str, ...]) -> str:
    """Give a camera's address if it may be asked. Raises: Invalid."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme != "rtsp" or not host or len(url) > URL_LIMIT_CHARACTERS or not url.isascii():
        raise Invalid("a camera's address begins with rtsp://", {"url": "rtsp://host/path"})
    if not url.isprintable() or " " in url:
        raise Invalid("a camera's address has no spaces", {"url": "rtsp://host/path"})
    if url.count("@") > 1:
        raise Invalid("write @ in a camera's password as %40", {"url": "one @ at most"})
    if host not in LOOPBACK and host not in hosts:
        raise Invalid(
            f"{host} is no camera of ours; add it to the setting rtsp_hosts", {"url": "host"}
        )
    return url
