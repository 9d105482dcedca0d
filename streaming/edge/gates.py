"""Who may watch through the box: bearers of the origin's tokens, and whom the origin lets in.

Tokens are checked here with the origin's public keys, which are kept on disk: a box cannot make
one. While the line is cut a token that was good counts for GRACE_S longer, since nobody can get a
new one; who comes with a cookie may see what they could see before.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Mapping

from aiohttp import web
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from catalog.errors import NoRight, SignInNeeded
from catalog.tokens import Grant, SessionGrant, TokenExpired, Verifier
from streaming.edge.answers import Answers
from streaming.edge.proxy import CREDENTIALS, Proxy
from streaming.edge.upstream import BadAnswer, LineCut, Upstream
from streaming.vod.access import TOKEN
from streaming.vod.kept import Kept

log = logging.getLogger(__name__)

SELF_PATH = "/api/v1/edge/self"
SELF = "self"
KEYS_LIMIT = 16
REMEMBERED_LIMIT = 20_000
REMEMBER_S = 5.0
GRACE_S = 12 * 3600.0


class Keys:
    """The origin's public keys, as last told (`streaming.vod.access.TokenVerifier`)."""

    def __init__(
        self,
        upstream: Upstream,
        answers: Answers,
    ) -> None:
        self._upstream = upstream
        self._answers = answers
        self.revoked = False
        self._verifier = Verifier({})

    async def load(self) -> None:
        """Take the keys that were kept."""
        kept = await self._answers.get(SELF)
        if kept is not None:
            self._verifier = Verifier(read_keys(kept.body))

    async def refresh(self) -> bool:
        """Ask for the keys; tell whether the upstream answered."""
        try:
            answer = await self._upstream.text(SELF_PATH)
        except (LineCut, BadAnswer):
            return False
        self.revoked = answer.status in (401, 403)
        if answer.status != 200:
            return False
        keys = read_keys(answer.body)
        if keys:
            self._verifier = Verifier(keys)
            await self._answers.put(SELF, answer.body)
        return True

    def verify(self, token: str, lesson: str, now_utc: float) -> Grant:
        """Check a playback token. Raises: TokenError."""
        try:
            return self._verifier.verify(token, lesson, now_utc)
        except TokenExpired:
            if self._upstream.cut is None:
                raise
            return self._verifier.verify(token, lesson, now_utc - GRACE_S)

    def verify_session(self, token: str, session: str, now_utc: float) -> SessionGrant:
        """Check a session's token. Raises: TokenError."""
        try:
            return self._verifier.verify_session(token, session, now_utc)
        except TokenExpired:
            if self._upstream.cut is None:
                raise
            return self._verifier.verify_session(token, session, now_utc - GRACE_S)


def read_keys(body: bytes) -> Mapping[str, Ed25519PublicKey]:
    """Read the keys of the upstream's answer; none when it makes no sense."""
    try:
        rows = json.loads(body)["keys"]
        found = {str(key): base64.b64decode(rows[key], validate=True) for key in rows}
        if len(found) > KEYS_LIMIT:
            raise ValueError("too many keys")
        return {key: Ed25519PublicKey.from_public_bytes(data) for key, data in found.items()}
    except (ValueError, KeyError, TypeError, RecursionError, UnsupportedAlgorithm) as error:
        log.warning("the upstream's keys make no sense: %r", error)
        return {}


class LiveGate:
    """The gate of the box's /live (`streaming.live.app.LiveGate`)."""

    def __init__(
        self, keys: Keys, proxy: Proxy, clock_utc: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._proxy = proxy
        self._clock_utc = clock_utc
        self._tokens: Kept[tuple[str, str], bool] = Kept(REMEMBERED_LIMIT)
        self._viewers: Kept[tuple[str, ...], bool] = Kept(REMEMBERED_LIMIT)

    async def admitted(self, request: web.Request, session: str) -> None:
        """Let a member into the room. Raises: NoRight, SignInNeeded, TokenError."""
        await self.admit(request, session, request.query.get(TOKEN))

    async def admit(self, request: web.Request, session: str, token: str | None) -> None:
        """Let a viewer in. Raises: NoRight, SignInNeeded, TokenError."""
        now = self._clock_utc()
        if token is not None:
            if self._tokens.fresh((token, session), now) is None:
                grant = self._keys.verify_session(token, session, now)
                until = max(float(grant.expires_utc), now + REMEMBER_S)
                self._tokens.put((token, session), True, until)
            return
        asker = (session, *(request.headers.get(name, "") for name in CREDENTIALS))
        known = self._viewers.fresh(asker, now)
        if known is None:
            known = await self._proxy.allows(request, f"/api/v1/sessions/{session}")
            self._viewers.put(asker, known, now + REMEMBER_S)
        if not known and not any(asker[1:]):
            raise SignInNeeded("this session is not open to all: sign in first")
        if not known:
            raise NoRight("this session is for invited classrooms and their schools")
