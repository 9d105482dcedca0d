"""Who may have a lesson's bytes: everyone, the bearer of a playback token, or a known viewer.

A token is checked by signature alone (an edge does the same with no link to the origin); what was
found is remembered, since a player asks for hundreds of segments with the same token. A token that
does not hold is refused even when a cookie would do, so that a mistake shows.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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

FOREVER = float("inf")

MayWatch = Callable[[web.Request, str], Awaitable[bool]]


class TokenVerifier(Protocol):
    """catalog.tokens.Verifier or a Keyring."""

    def verify(self, token: str, lesson: str, now_utc: float) -> Grant:
        """Give what the token grants for this lesson. Raises: TokenError."""


@dataclass(frozen=True, slots=True)
class Asker:
    """What a request says of who asks: its token, and its CREDENTIALS in their order."""

    token: str | None
    credentials: tuple[str, ...]


def asker_of(token: str | None, header: Callable[[str, str], str | None]) -> Asker:
    """Read who asks; `header(name, "")` gives a field of the request."""
    return Asker(token, tuple(header(name, "") or "" for name in CREDENTIALS))


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

    def at_once(self, asker: Asker, view: View) -> tuple[str, float] | None:
        """Give the suffix of child URLs, and the Unix time until which it may be given.

        None when the catalogue must be asked. Raises: NoRight for a token that does not hold.
        """
        if view.public:
            return "", FOREVER
        if asker.token is not None:
            expires_utc = self._check(asker.token, view.presentation.lesson)
            return f"?{TOKEN}={quote(asker.token, safe='')}", expires_utc
        now = self._clock_utc()
        known = self._viewers.fresh((view.number, asker.credentials), now)
        return ("", now) if known else None

    async def admit(self, request: web.Request, view: View) -> str:
        """Let the request in and give the suffix of its child URLs. Raises: NoRight."""
        asker = asker_of(request.query.get(TOKEN), request.headers.get)
        found = self.at_once(asker, view)
        if found is None and not await self._known(request, asker, view):
            raise NoRight("this lesson is not public: sign in, or open it from its page")
        return found[0] if found else ""

    def _check(self, token: str, lesson: str) -> float:
        now = self._clock_utc()
        grant = self._granted.fresh((token, lesson), now)
        if grant is None:
            grant = self._verifier.verify(token, lesson, now)
            self._granted.put((token, lesson), grant, grant.expires_utc)
        return grant.expires_utc

    async def _known(self, request: web.Request, asker: Asker, view: View) -> bool:
        """Ask once a while and a viewer; a lesson that changed has another view."""
        who, now = (view.number, asker.credentials), self._clock_utc()
        known = self._viewers.fresh(who, now)
        if known is None:
            known = await self._may_watch(request, view.presentation.lesson)
            self._viewers.put(who, known, now + REMEMBER_VIEWER_S)
        return known
