"""Viewers by LL-HLS in a soak: each watches in its manner and counts the bodies that it read.

The walk through playlists and parts is storm_joins.py.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urljoin

import aiohttp

from loadtests.live_wire import playlist_text
from loadtests.soak_books import Ledger, What
from loadtests.soak_profile import Manner, Profile, in_a_while, reset_at_close
from loadtests.storm_joins import TrackJoin, addresses, picture_and_sound

AGAIN_S = 0.5
SIP_BYTES, SIP_S = 2048, 0.05
# What an answer whose head never came may have been counted with: a part at its longest.
UNKNOWN_BYTES = 512 * 1024
CMCD = {"CMCD-Object": "br=2000,d=200,ot=v", "CMCD-Session": 'sid="soak",sf=h,st=l'}
BROKEN = (aiohttp.ClientError, OSError, ValueError)
T = TypeVar("T")


class Left(Exception):
    """The viewer has gone."""


class HlsViewer:
    """One viewer; `over` tells when everybody is to leave."""

    def __init__(self, profile: Profile, ledger: Ledger, over: Callable[[], bool]) -> None:
        self.read_bytes = 0
        self._profile, self._ledger = profile, ledger
        self._over = in_a_while(profile.seconds, over)
        self._sockets: list[socket.socket] = []
        self._headers = CMCD if profile.cmcd else {}
        self._http: aiohttp.ClientSession

    async def run(self) -> None:
        """Watch until it is over, or the lesson is."""
        connector = aiohttp.TCPConnector(limit=0, socket_factory=self._socket)
        async with aiohttp.ClientSession(
            connector=connector, auto_decompress=False, headers={"Accept-Encoding": "gzip"}
        ) as self._http:
            await self._watch()
            if not self._profile.manner.polite:
                self._reset()

    async def _watch(self) -> None:
        impatient = self._profile.manner is Manner.RESET
        with suppress(TimeoutError):
            async with asyncio.timeout(self._profile.seconds if impatient else None):
                await self._follow_all()

    async def _follow_all(self) -> None:
        try:
            tracks = await self._insist(self._tracks)
            async with asyncio.TaskGroup() as group:
                for url in tracks:
                    group.create_task(self._follow(url))
        except* Left:
            pass

    async def _insist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it until it is done. Raises: Left."""
        while True:
            try:
                return await work()
            except BROKEN:
                await self._refused()

    async def _refused(self) -> None:
        """Note it and wait before the next try. Raises: Left."""
        self._ledger.note(What.REFUSED)
        await asyncio.sleep(AGAIN_S)
        if self._over():
            raise Left

    async def _tracks(self) -> list[str]:
        async with self._http.get(
            self._profile.url, headers={"Accept-Encoding": "identity"}
        ) as answer:
            answer.raise_for_status()
            url = urljoin(self._profile.url, addresses(await answer.read())["hls"])
        picture, sound = picture_and_sound(url, await self._get(url))
        return [url for url in (picture, sound) if url]

    async def _follow(self, url: str) -> None:
        """Read a rendition as it grows, up to its end."""
        track, ended, following = TrackJoin(url), False, url
        while not (ended and _is_reload(following, url)):
            asked = following
            try:
                body = await self._get(asked)
                following = track.took(body)
            except BROKEN:
                await self._refused()
                following = track.began()
            else:
                ended = ended or (
                    _is_reload(asked, url) and "#EXT-X-ENDLIST" in playlist_text(body)
                )

    async def _get(self, url: str) -> bytes:
        """Read an answer in this viewer's manner. Raises: Left, and what BROKEN lists."""
        if self._over() and self._profile.manner.polite:
            raise Left
        length, body = UNKNOWN_BYTES, None
        try:
            async with self._http.get(url, headers=self._headers) as answer:
                length = int(answer.headers.get("Content-Length", UNKNOWN_BYTES))
                if answer.status >= 400:
                    length = 0
                answer.raise_for_status()
                body = await self._read(answer)
                return body
        finally:
            self._count(length, body, url)

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        while chunk := await answer.content.read(SIP_BYTES):
            body += chunk
            if self._over() and self._profile.manner is Manner.MID_RESPONSE:
                self._reset()
                self._ledger.note(What.MID_RESPONSE)
                raise Left
            if self._profile.manner is Manner.SLOW and not self._over():
                await asyncio.sleep(SIP_S)
        return bytes(body)

    def _count(self, length: int, body: bytes | None, url: str) -> None:
        """Count a body, or how much of one may have been sent and was not read."""
        self.read_bytes += len(body or b"")
        if not self._profile.at_origin:
            return
        self._ledger.hls_bytes += len(body or b"")
        self._ledger.hls_unread_bytes += 0 if body is not None else length
        if self._headers:
            self._ledger.note(What.UNHEARD if length == UNKNOWN_BYTES else What.HEARD)

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        made = socket.socket(*address[:3])
        self._sockets.append(made)
        return made

    def _reset(self) -> None:
        """Let all connections end with a reset."""
        for one in self._sockets:
            with suppress(OSError):
                reset_at_close(one)


def _is_reload(asked: str, playlist: str) -> bool:
    return asked.partition("?")[0] == playlist.partition("?")[0]
