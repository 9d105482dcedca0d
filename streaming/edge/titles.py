"""What live sessions are called, heard as the city's answers pass through the box.

A page asks for its session before it shows it; whoever comes with an address alone tells nothing.
"""

from __future__ import annotations

import asyncio
import re

import msgspec

from streaming.edge.answers import Answers
from streaming.vod.kept import Kept

TITLES_LIMIT = 500
TITLE_LIMIT_CHARS = 200
PREFIX = "title/"
_SESSION = re.compile(r"/api/v1/sessions/([0-9a-z]{1,40})(?:\?.*)?")


class _Named(msgspec.Struct):
    title: str


class Titles:
    """Remembers them, also over a restart."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._known: Kept[str, str] = Kept(TITLES_LIMIT)

    async def hear(self, path: str, body: bytes) -> None:
        """Take an answer of the city's API; most say nothing of a session."""
        found = _SESSION.fullmatch(path)
        if found is None:
            return
        try:
            title = (await asyncio.to_thread(msgspec.json.decode, body, type=_Named)).title
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        session, title = found[1], title[:TITLE_LIMIT_CHARS]
        if self._known.any(session) != title:
            self._known.put(session, title, 0.0)
            await self._answers.put(PREFIX + session, title.encode())

    async def of(self, session: str) -> str:
        """Give a session's title; empty where nobody asked for it."""
        known = self._known.any(session)
        if known is None:
            kept = await self._answers.get(PREFIX + session)
            known = "" if kept is None else kept.body.decode("utf-8", "replace")
            self._known.put(session, known, 0.0)
        return known
