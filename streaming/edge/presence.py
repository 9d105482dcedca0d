"""One member of a room behind the box: here, and seen by the origin or not. A seam to `Staying`."""

from __future__ import annotations

from collections.abc import Mapping

from streaming.edge.staying import Staying, verdict_of
from streaming.edge.stays import Key, Voice
from streaming.edge.talk import client_of


class Presence:
    """That a member is here, for the time in which the origin does not see it."""

    def __init__(
        self, staying: Staying, session: str, remote: str, path: str, headers: Mapping[str, str]
    ) -> None:
        self._staying = staying
        self._session = session
        self._remote = remote
        self._path = path
        self._headers = headers
        self._number: int | None = None

    @property
    def cut(self) -> bool:
        """Tell whether the line is known to be cut."""
        return self._staying.cut

    def come(self, join: str) -> None:
        """The member has said its first word."""
        client = client_of(join)
        if client is not None and self._number is None:
            key: Key = (self._session, client, self._remote)
            voice = Voice(self._path, self._headers, join)
            self._number = self._staying.stays.came(key, voice, self._staying.clock())
            self._staying.stir()

    def hide(self) -> None:
        """The way upstream is away."""
        if self._number is not None:
            self._staying.stays.hidden(self._number, self._staying.clock())
            self._staying.stir()

    def word(self) -> str | None:
        """Give what is to be told upstream of the time before."""
        if self._number is None:
            return None
        return self._staying.stays.word_of(self._number, self._staying.clock())

    def hear(self, text: str) -> bool:
        """Take what the room says; tell whether it was for the box alone."""
        verdict = verdict_of(text)
        if verdict is not None and self._number is not None:
            self._staying.settle(self._staying.stays.stay_of(self._number), verdict)
        return verdict is not None

    def leave(self) -> None:
        """The member has left, or is not let in; over a line that is cut nobody hears of it."""
        if self._number is not None:
            seen = not self._staying.cut
            self._staying.stays.left(self._number, self._staying.clock(), seen)
            self._staying.stir()
            self._number = None
