"""The gate of the origin's /media: what it remembers of an edge ends when the edge is revoked."""

from __future__ import annotations

from catalog.http.signin import SignIn
from streaming.vod.access import CREDENTIALS, Asker, Gate, MayWatch, TokenVerifier
from streaming.vod.view import View

AUTHORIZATION = CREDENTIALS.index("Authorization")


class OriginGate(Gate):
    """A gate that asks the memory of edges before its own, which is up to 15 s old."""

    def __init__(self, verifier: TokenVerifier, may_watch: MayWatch, sign_in: SignIn) -> None:
        super().__init__(verifier, may_watch)
        self._sign_in = sign_in

    def at_once(self, asker: Asker, view: View) -> tuple[str, float] | None:
        """Answer from memory, as Gate does, but nothing to an edge that is not known (any more)."""
        if not self._sign_in.still_holds(asker.credentials[AUTHORIZATION]):
            return None
        return super().at_once(asker, view)
