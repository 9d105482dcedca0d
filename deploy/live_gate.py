"""Who may watch a session, take part in it and publish to it: its token, or who is signed in.

A token is checked by its signature alone and remembered; a viewer known by cookie or bearer is
asked for at most once in REMEMBER_VIEWER_S, because a player asks ten times a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256

from aiohttp import web

from catalog.db.sessions_life import Sessions
from catalog.edges import EDGE_PERSON
from catalog.errors import NoRight, NotFound, SignInNeeded
from catalog.http.signin import SignIn
from catalog.live import FeedName
from catalog.session_grants import may_publish, session_grant
from catalog.tokens import Keyring, SessionGrant
from streaming.room.inputs import Admitted
from streaming.vod.access import CREDENTIALS, TOKEN
from streaming.vod.kept import Kept
from transcoder.live.address import Address

REMEMBERED_LIMIT = 20_000
REMEMBER_VIEWER_S = 5
GUEST_CHARS = 16


class SessionGate:
    """The gate of /live, the room's door and the publisher's."""

    def __init__(
        self,
        book: Sessions,
        keyring: Keyring,
        sign_in: SignIn,
        clock_utc: Callable[[], float] = time.time,
    ) -> None:
        self._book = book
        self._keyring = keyring
        self._sign_in = sign_in
        self._clock_utc = clock_utc
        self._tokens: Kept[tuple[str, str], SessionGrant] = Kept(REMEMBERED_LIMIT)
        self._viewers: Kept[tuple[str, ...], SessionGrant] = Kept(REMEMBERED_LIMIT)

    async def admit(self, request: web.Request, session: str, token: str | None) -> None:
        """Let a viewer in. Raises: NoRight, NotFound, SignInNeeded, TokenError."""
        await self._grant(request, session, token)

    async def member(self, request: web.Request, session: str) -> Admitted:
        """Tell who comes into the room. A guest is told apart by address and browser."""
        grant = await self.grant(request, session)
        boxed = self._sign_in.by_a_box(request)
        return Admitted(self._identity(request, grant), grant.role, grant.name, boxed)

    def _identity(self, request: web.Request, grant: SessionGrant) -> str:
        if grant.person.startswith(EDGE_PERSON):
            return grant.person
        if grant.classroom:
            return f"classroom:{grant.classroom}"
        if grant.person:
            return f"person:{grant.person}"
        seen = f"{self._sign_in.network_of(request)} {request.headers.get('User-Agent', '')}"
        return f"guest:{sha256(seen.encode()).hexdigest()[:GUEST_CHARS]}"

    async def publishes(self, request: web.Request, address: Address) -> bool:
        """Tell whether who asks may publish without a key: the main picture, from the studio."""
        if address.feed is FeedName.FLOOR:
            return False
        try:
            return may_publish(await self.grant(request, address.session))
        except (NoRight, NotFound, SignInNeeded):
            return False

    async def grant(self, request: web.Request, session: str) -> SessionGrant:
        """Give what the request may do in the session.

        Raises: NoRight, NotFound, SignInNeeded, TokenError; a token that does not hold is refused
        even when a cookie would do, so that a mistake shows.
        """
        return await self._grant(request, session, request.query.get(TOKEN))

    async def _grant(self, request: web.Request, session: str, token: str | None) -> SessionGrant:
        now = self._clock_utc()
        if token is not None:
            known = self._tokens.fresh((token, session), now)
            if known is None:
                known = self._keyring.verify_session(token, session, now)
                self._tokens.put((token, session), known, known.expires_utc)
            return known
        asker = (session, *(request.headers.get(name, "") for name in CREDENTIALS))
        seen = self._viewers.fresh(asker, now)
        if not self._sign_in.still_holds(request.headers.get("Authorization", "")):
            seen = None
        if seen is None:
            seen = await self._asked(request, session, now)
            self._viewers.put(asker, seen, now + REMEMBER_VIEWER_S)
        return seen

    async def _asked(self, request: web.Request, session: str, now: float) -> SessionGrant:
        record = await self._book.record(session)
        if record is None:
            raise NotFound("there is no such session")
        viewer = await self._sign_in.viewer(request)
        found = session_grant(viewer, session, record.place, record.rooms, now, REMEMBER_VIEWER_S)
        if found is None and not viewer.signed_in:
            raise SignInNeeded("this session is not open to all: sign in first")
        if found is None:
            raise NoRight("this session is for invited classrooms and their schools")
        return found
