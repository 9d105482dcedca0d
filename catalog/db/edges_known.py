"""The edges that may come in, kept in memory: a request costs no question to the database.

`KnownEdges.run` is the one task: it reads again what the channel `edge` names, and everything after
a gap, so an edge that is revoked is out within the second at every origin. It also writes when an
edge was seen, at most each SEEN_EVERY_S for each.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from catalog.attempts import Attempts, Rate
from catalog.db.edges import enrolled_edges
from catalog.db.listen import Listener
from catalog.db.logins import at
from catalog.db.pool import Pool
from catalog.edge_credential import CredentialExpired, CredentialWrong, issuer_of, verify
from catalog.edges import VERSION_LIMIT_CHARS, KnownEdge
from catalog.errors import Unavailable
from catalog.text import is_plain

log = logging.getLogger(__name__)

CHANNEL = "edge"
SEEN_EVERY_S = 30.0
READ_EVERY_S = 60.0
AWAY_WAIT_S = 0.5
REMEMBERED_LIMIT = 5000
ASKED_AGAIN = Rate(burst=20, refill_s=0.5)


@dataclass(frozen=True, slots=True)
class _Proven:
    edge: str
    public_key: bytes
    expires_utc: int


class KnownEdges:
    """Who may come in. Not shared between loops."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.time) -> None:
        self._pool = pool
        self._clock = clock
        self._known: dict[str, KnownEdge] = {}
        self._proven: OrderedDict[str, _Proven] = OrderedDict()
        self._changed: set[str] = set()
        self._all = True
        self._seen: dict[str, tuple[float, str]] = {}
        self._unwritten: set[str] = set()
        self._stirred = asyncio.Event()
        self._stirred.set()
        self._reading = asyncio.Lock()
        self._asked = Attempts(ASKED_AGAIN, 1)
        self._visits: dict[str, set[asyncio.Task[object]]] = {}

    def attach(self, listener: Listener) -> None:
        """Follow a listener's channel `edge`."""
        listener.subscribe(CHANNEL, self._note, self._look_at_all)

    def _note(self, edge: str) -> None:
        self._changed.add(edge)
        self._stirred.set()

    def _look_at_all(self) -> None:
        self._all = True
        self._stirred.set()

    async def enter(self, credential: str, version: str = "") -> KnownEdge:
        """Give the edge whose credential this is, and note that it was seen.

        Raises: CredentialWrong, CredentialExpired, Unavailable.
        """
        now = self._clock()
        found = self._remembered(credential, now) or await self._verified(credential, now)
        self._note_seen(found.id, version, now)
        return found

    def vouches(self, credential: str) -> bool:
        """Tell whether this is a known edge's credential, which tells whom a request is of."""
        now = self._clock()
        if self._remembered(credential, now) is not None:
            return True
        try:
            self._check(credential, issuer_of(credential), now)
        except (CredentialWrong, CredentialExpired):
            return False
        return True

    def holds(self, credential: str) -> bool:
        """Tell whether a credential that came in before still lets its edge in. Never waits."""
        return self._remembered(credential, self._clock()) is not None

    def _remembered(self, credential: str, now: float) -> KnownEdge | None:
        proven = self._proven.get(credential)
        known = self._known.get(proven.edge) if proven else None
        if proven is None or known is None or now >= proven.expires_utc:
            return None
        return known if known.public_key == proven.public_key else None

    async def _verified(self, credential: str, now: float) -> KnownEdge:
        issuer = issuer_of(credential)
        try:
            return self._check(credential, issuer, now)
        except CredentialWrong:
            # It may have enrolled a moment ago at another origin: the table is the truth.
            if self._asked.wait_s("", time.monotonic()) > 0.0:
                raise
            self._asked.take("", time.monotonic())
            await self._read({issuer})
            return self._check(credential, issuer, now)

    def _check(self, credential: str, issuer: str, now: float) -> KnownEdge:
        known = self._known.get(issuer)
        if known is None:
            raise CredentialWrong("this edge is not enrolled here, or was revoked")
        expires_utc = verify(credential, known.public_key, now).expires_utc
        self._proven[credential] = _Proven(issuer, known.public_key, expires_utc)
        if len(self._proven) > REMEMBERED_LIMIT:
            self._proven.popitem(last=False)
        return known

    def visiting(self, edge: str, task: asyncio.Task[object]) -> Callable[[], None]:
        """Let a request of an edge be cut when it is revoked; the result ends that."""
        tasks = self._visits.setdefault(edge, set())
        tasks.add(task)

        def leave() -> None:
            tasks.discard(task)
            if not tasks and self._visits.get(edge) is tasks:
                del self._visits[edge]

        return leave

    def _note_seen(self, edge: str, version: str, now: float) -> None:
        written_at, known_version = self._seen.get(edge, (0.0, ""))
        told = version[:VERSION_LIMIT_CHARS] if is_plain(version) else ""
        if now - written_at >= SEEN_EVERY_S:
            self._seen[edge] = (now, told or known_version)
            self._unwritten.add(edge)
            self._stirred.set()

    async def run(self) -> None:
        """Keep up with the database until cancelled."""
        while True:
            try:
                async with asyncio.timeout(READ_EVERY_S):
                    await self._stirred.wait()
            except TimeoutError:
                self._all = True
            self._stirred.clear()
            try:
                await self._keep_up()
            except Unavailable as error:
                log.warning("the edges could not be read again: %s", error)
                await asyncio.sleep(AWAY_WAIT_S)
                self._look_at_all()

    async def _keep_up(self) -> None:
        """Take what is to be done first: what comes while it is read is for the next time."""
        ids, self._changed = self._changed, set()
        if self._all:
            self._all = False
            await self._read(None)
        elif ids:
            await self._read(ids)
        seen, self._unwritten = self._unwritten, set()
        if seen:
            await self._write_seen(sorted(seen & set(self._seen)))

    async def _read(self, ids: set[str] | None) -> None:
        # One at a time: an older answer must not undo what a newer one said.
        async with self._reading, self._pool.connection() as connection:
            found = await enrolled_edges(connection, None if ids is None else sorted(ids))
            self._take(ids, {edge.id: edge for edge in found})

    def _take(self, ids: set[str] | None, fresh: dict[str, KnownEdge]) -> None:
        gone = (set(self._known) if ids is None else ids) - set(fresh)
        replaced = {
            key for key, edge in fresh.items()
            if key in self._known and self._known[key].public_key != edge.public_key
        }  # fmt: skip
        self._known.update(fresh)
        for edge in gone:
            self._known.pop(edge, None)
            self._seen.pop(edge, None)
        for edge in gone | replaced:
            for task in tuple(self._visits.get(edge, ())):
                task.cancel("this edge was revoked")

    async def _write_seen(self, edges: Sequence[str]) -> None:
        rows = [self._seen[edge] for edge in edges]
        async with self._pool.connection() as connection:
            await connection.execute(
                "update edge e set seen_at = s.seen_at,"
                " version = case when s.version = '' then e.version else s.version end"
                " from unnest(%s::text[], %s::timestamptz[], %s::text[])"
                " as s (id, seen_at, version) where e.id = s.id",
                (list(edges), [at(seen) for seen, _ in rows], [version for _, version in rows]),
            )
