"""Who may have a lesson's bytes: everyone, the bearer of a playback token, or a known viewer.

A token is checked by signature alone (an edge does the same with no link to the origin); what was
found is remembered, since a player asks for hundreds of segments with the same token. A token that
does not hold is refused even when a cookie would do, so that a mistake shows.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import quote

from aiohttp import web

from catalog.errors import NoRight
from catalog.tokens import Grant
from streaming.vod.kept import Kept
from streaming.vod.view import View

TOKEN = "token"  # noqa: S105 (the name of a query parameter)
REMEMBERED_LIMIT = 10_000
REMEMBER_VIEWER_S = 15.0
CREDENTIALS = ("Cookie", "Authorization")

MayWatch = Callable[[web.Request, str], Awaitable[bool]]


class TokenVerifier(Protocol):
    """catalog.tokens.Verifier or a Keyring."""

    def verify(self, token: str, lesson: str, now_utc: float) -> Grant:
        """Give what the token grants for this lesson. Raises: TokenError."""


class Gate:
    """Admits requests. `may_watch` asks the catalogue about who is signed in."""

    def __init__(
        self,
        verifier: TokenVerifier,
        may_watch: MayWatch,
        clock_utc: Callable[[], float] = time.time,
    ) -> None:
        self._verifier = verifier
        self._may_watch = may_watch
        self._clock_utc = clock_utc
        self._granted: Kept[tuple[str, str], Grant] = Kept(REMEMBERED_LIMIT)
        self._viewers: Kept[tuple[int, tuple[str, ...]], bool] = Kept(REMEMBERED_LIMIT)

    async def admit(self, request: web.Request, view: View) -> str:
        """Let the request in and give the suffix of its child URLs. Raises: NoRight."""
        if view.public:
            return ""
        lesson = view.presentation.lesson
        token = request.query.get(TOKEN)
        if token is not None:
            self._check(token, lesson)
            return f"?{TOKEN}={quote(token, safe='')}"
        if not await self._known(request, view):
            raise NoRight("this lesson is not public: sign in, or open it from its page")
        return ""

    def _check(self, token: str, lesson: str) -> None:
        now = self._clock_utc()
        if self._granted.fresh((token, lesson), now) is None:
            grant = self._verifier.verify(token, lesson, now)
            self._granted.put((token, lesson), grant, grant.expires_utc)

    async def _known(self, request: web.Request, view: View) -> bool:
        """Ask once a while and a viewer; a lesson that changed has another view."""
        asker = (view.number, tuple(request.headers.get(name, "") for name in CREDENTIALS))
        now = self._clock_utc()
        known = self._viewers.fresh(asker, now)
        if known is None:
            known = await self._may_watch(request, view.presentation.lesson)
            self._viewers.put(asker, known, now + REMEMBER_VIEWER_S)
        return known
