"""What viewers saw: counted at the origin; in a school's box counted and passed on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry

from catalog.edge_reports import Report as EdgeReport
from catalog.edge_reports import ReportKind
from catalog.edges import KnownEdge
from catalog.errors import Invalid
from catalog.http.signin import SignIn
from catalog.operations.known import VIEWINGS_OVER_S
from catalog.operations.viewed import Viewed
from deploy.edge_identity import EdgeIdentity
from deploy.tasks import running
from streaming.edge.delivering import Delivering, Post, Said
from streaming.edge.outbox import Outbox, Waiting
from streaming.edge.upstream import BadAnswer, Upstream
from streaming.qoe.app import QoeDoor
from streaming.qoe.metrics import CITY, QoeMetrics
from streaming.qoe.overheard import Overheard
from streaming.qoe.report import Report, read_report, write_report
from streaming.qoe.tally import Tally, told_of

log = logging.getLogger(__name__)

OUTBOX = Path("edge") / "outbox.sqlite"
REPORTS_PATH = "/api/v1/edge/reports"
POST_LIMIT_S = 30.0
ANSWER_LIMIT_BYTES = 256 * 1024


class OriginQoe:
    """Counts what players report here, and what boxes pass on under their school's id."""

    def __init__(self, registry: CollectorRegistry, sign_in: SignIn) -> None:
        self._tally = Tally()
        self._metrics = QoeMetrics(registry)
        self.viewed = Viewed()
        self.door = QoeDoor(self.take, sign_in.network_of)
        self.overheard = Overheard(registry, CITY)

    async def take(self, report: Report) -> None:
        """Count a report of somebody who is behind no box."""
        told = self._tally.take(report)
        if told is not None:
            self._metrics.count(CITY, told)

    def reported(self, edge: KnownEdge, new: Sequence[EdgeReport]) -> None:
        """Count what a box passed on; the database has seen to it that it comes once."""
        for one in new:
            if one.kind is not ReportKind.QOE:
                continue
            try:
                told = told_of(read_report(one.body.encode()))
            except Invalid as error:
                log.warning("a report of edge %s is not counted: %s", edge.id, error)
                continue
            self._metrics.count(edge.school_id, told)
            # What has waited for the line tells nothing of now.
            if (datetime.now(UTC) - one.at).total_seconds() <= VIEWINGS_OVER_S:
                self.viewed.take(edge.school_id, told.play_s, told.rebuffer_s, time.monotonic())


@dataclass(frozen=True, slots=True)
class SchoolQoe:
    """The parts of a box that reports go through."""

    door: QoeDoor
    overheard: Overheard
    outbox: Outbox
    delivering: Delivering


async def school_qoe(
    stack: AsyncExitStack,
    registry: CollectorRegistry,
    data: Path,
    identity: EdgeIdentity,
    upstream: Upstream,
) -> SchoolQoe:
    """Open the outbox and deliver from it until the stack ends."""
    outbox = Outbox(data / OUTBOX)
    await outbox.open()
    stack.push_async_callback(outbox.close)
    tally, metrics = Tally(), QoeMetrics(registry)
    tally.know(await outbox.ids())

    async def take(report: Report) -> None:
        body = write_report(report)
        await outbox.put(Waiting(report.id, ReportKind.QOE.value, identity.now_utc(), body))
        told = tally.take(report)
        if told is not None:
            metrics.count(identity.words.school.id, told)

    delivering = Delivering(outbox, _posting(identity, upstream), upstream)
    await stack.enter_async_context(running(delivering.run(), "reports"))
    overheard = Overheard(registry, identity.words.school.id)
    return SchoolQoe(QoeDoor(take), overheard, outbox, delivering)


def _posting(identity: EdgeIdentity, upstream: Upstream) -> Post:
    async def post(body: bytes) -> Said:
        async def chunks() -> AsyncIterator[bytes]:
            yield body

        headers = {
            **identity.headers(),
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }
        async with (
            asyncio.timeout(POST_LIMIT_S),
            upstream.forward("POST", REPORTS_PATH, headers, chunks()) as response,
        ):
            answer = bytearray()
            async for chunk in response.content.iter_any():
                answer += chunk
                if len(answer) > ANSWER_LIMIT_BYTES:
                    raise BadAnswer(f"{REPORTS_PATH} answers more than {ANSWER_LIMIT_BYTES} bytes")
            wait = response.headers.get("Retry-After", "")
            return Said(response.status, bytes(answer), float(wait) if wait.isdecimal() else 0.0)

    return post
