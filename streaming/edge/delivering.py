"""Takes the reports of the outbox to the origin while the line is there, each until it is taken.

A batch whose answer was lost goes again: the origin counts an id once. When the line is cut, the
next try is as soon as it is back. What is refused for good is
forgotten; a batch that is refused as a whole goes report by report, so that one cannot hold up the
others.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Protocol
from uuid import UUID

import aiohttp
import msgspec

from streaming.edge.outbox import Outbox, Waiting
from streaming.edge.reach import LineCut
from streaming.errors import StreamingError

log = logging.getLogger(__name__)

AGAIN_S = (1.0, 2.0, 5.0, 15.0)
AGAIN_THEN_S = 60.0
WAIT_LIMIT_S = 3600.0
LATER = frozenset({401, 403, 404, 408, 425, 429})


@dataclass(frozen=True, slots=True)
class Said:
    """What the origin said to a batch; `wait_s` when it asked to wait."""

    status: int
    body: bytes
    wait_s: float = 0.0


class Post(Protocol):
    """Sends a batch with the box's credential."""

    async def __call__(self, body: bytes) -> Said:
        """Send it. Raises: StreamingError, aiohttp.ClientError, TimeoutError."""


class Reachable(Protocol):
    """Knows when the line is there."""

    async def reachable(self) -> None:
        """Return when the line is not cut."""


class _Refused(msgspec.Struct):
    id: UUID
    reason: str = ""


class _Taken(msgspec.Struct):
    accepted: list[UUID]
    refused: list[_Refused]


class _ToSend(msgspec.Struct):
    id: UUID
    kind: str
    at: datetime
    body: msgspec.Raw


class Delivering:
    """Empties an outbox. `run` is for a task."""

    def __init__(
        self,
        outbox: Outbox,
        post: Post,
        line: Reachable,
        again_s: Callable[[], Iterator[float]] = lambda: chain(AGAIN_S, repeat(AGAIN_THEN_S)),
    ) -> None:
        self._outbox = outbox
        self._post = post
        self._line = line
        self._again_s = again_s
        self.delivered = 0
        self.refused = 0

    async def run(self) -> None:
        """Deliver what waits, and what will."""
        pauses = self._again_s()
        while True:
            await self._outbox.filled()
            await self._line.reachable()
            wait_s = await self._try()
            if wait_s is None:
                pauses = self._again_s()
            else:
                await asyncio.sleep(max(wait_s, next(pauses)))

    async def _try(self) -> float | None:
        """Deliver a batch; give how long to wait at least when that was not possible."""
        try:
            batch = await self._outbox.batch()
            said = await self._post(packed(batch))
            if said.status == 200:
                await self._settle(batch, said.body)
            elif 400 <= said.status < 500 and said.status not in LATER:
                await self._one_by_one(batch, said)
            else:
                log.info("reports are not taken now: %d", said.status)
                return min(said.wait_s, WAIT_LIMIT_S)
        except LineCut:
            return None
        except (StreamingError, aiohttp.ClientError, TimeoutError) as error:
            log.info("reports do not go out now: %s", error)
            return 0.0
        except (sqlite3.Error, OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.warning("reports do not go out: %s", error)
            return 0.0
        return None

    async def _settle(self, batch: Sequence[Waiting], answer: bytes) -> None:
        taken = msgspec.json.decode(answer, type=_Taken)
        for one in taken.refused:
            log.warning("the origin refuses report %s: %s", one.id, one.reason)
        sent = {report.id for report in batch}
        accepted = sent.intersection(taken.accepted)
        refused = sent.intersection(one.id for one in taken.refused) - accepted
        if not accepted and not refused:
            raise aiohttp.ClientPayloadError("the origin's answer names no report that was sent")
        await self._outbox.forget([*accepted, *refused])
        self.delivered += len(accepted)
        self.refused += len(refused)

    async def _one_by_one(self, batch: Sequence[Waiting], said: Said) -> None:
        for report in batch:
            one = said if len(batch) == 1 else await self._post(packed([report]))
            if one.status == 200:
                await self._settle([report], one.body)
            elif 400 <= one.status < 500 and one.status not in LATER:
                log.warning("the origin refuses report %s: %d", report.id, one.status)
                await self._outbox.forget([report.id])
                self.refused += 1
            else:
                raise aiohttp.ClientPayloadError(f"the origin answers {one.status}")


def packed(batch: Sequence[Waiting]) -> bytes:
    """Give a batch as POST /api/v1/edge/reports takes it."""
    return msgspec.json.encode(
        [
            _ToSend(r.id, r.kind, datetime.fromtimestamp(r.at_utc, UTC), msgspec.Raw(r.body))
            for r in batch
        ]
    )
