"""What every HTTP role tells about itself: request ids, access lines, latency, health.

`/healthz` says that the loop turns, `/readyz` that database and store answer, `/metrics` everything
in the registry in Prometheus' text format.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client import CollectorRegistry, generate_latest

from catalog.http.endpoint import Handler
from catalog.http.payload import answer
from catalog.ids import new_id
from deploy.checks import OK, Check
from deploy.logs import context_id
from streaming.hot.head import REQUEST_ID
from streaming.lockless import Answered, Counts, Timings

log = logging.getLogger("tongbu.http")

LATENCY_BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
UNKNOWN_ROUTE = "unknown"


class HttpMetrics:
    """Latency and count of answers by route pattern (bounded: never by path)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.latency = Timings(
            "tongbu_http_request_seconds", "Time to answer by route",
            ["method", "route"], LATENCY_BUCKETS_S, registry,
        )  # fmt: skip
        self.answers = Counts(
            "tongbu_http_answers_total", "Answers by route and status",
            ["method", "route", "status"], registry,
        )  # fmt: skip

    def counting(self, method: str, route: str, status: int) -> Answered:
        """Give what counts such answers (`streaming.hot`)."""
        answers = self.answers.labels(method, route, str(status))
        return Answered(answers, self.latency.labels(method, route))

    def count(self, request: web.Request, status: int, took_s: float) -> None:
        """Add one answered request."""
        route = route_of(request)
        method = request.method if request.method in _METHODS else "OTHER"
        self.counting(method, route, status).add(took_s)


HTTP_METRICS: web.AppKey[HttpMetrics] = web.AppKey("http metrics")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_of(request: web.Request) -> str:
    """Give the pattern of the request's route, or `unknown`."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else UNKNOWN_ROUTE


def observing(metrics: HttpMetrics) -> Middleware:
    """Give the outermost middleware: request id, metrics, one access line an answer."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = request.headers.get("X-Request-Id", "")
        request_id = asked if REQUEST_ID.fullmatch(asked) else new_id()
        mark = context_id.set(request_id)
        started = time.monotonic()
        status = 499
        try:
            response = await handler(request)
            status = response.status
            if not response.prepared:
                response.headers["X-Request-Id"] = request_id
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            took_s = time.monotonic() - started
            metrics.count(request, status, took_s)
            level = logging.DEBUG if status < 400 else logging.INFO
            log.log(
                level, "%s %s %d %.1f ms", request.method, request.path_qs, status, took_s * 1e3
            )
            context_id.reset(mark)

    return observe


def health_routes(registry: CollectorRegistry, checks: Mapping[str, Check]) -> list[web.RouteDef]:
    """Give /healthz, /readyz and /metrics."""

    async def healthz(_: web.Request) -> web.Response:
        return answer({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        verdicts = await asyncio.gather(*(check.verdict() for check in checks.values()))
        seen = dict(zip(checks, verdicts, strict=True))
        ready = all(verdict == OK for verdict in verdicts)
        body = {"status": "ok" if ready else "not ready", "checks": seen}
        return answer(body, 200 if ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        text = generate_latest(registry)
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4"})

    return [
        web.get("/healthz", healthz),
        web.get("/readyz", readyz),
        web.get("/metrics", metrics),
    ]
