"""The pages as built by `deploy/web_build.py`: served from memory, with the rules for browsers.

Hashed assets never change; index.html is asked for anew each time and answers every address of the
pages' own router. An unknown address gets the same document with 404, so that people see a page and
programs a status. Not for media, not for the API.

Spec: Content Security Policy Level 3; RFC 9110 8.8.3 (ETag), 12.5.3 (Accept-Encoding).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from catalog.errors import NotFound
from catalog.http.problem import NOWHERE

APP_PATHS = (
    "/",
    "/lessons/{id}",
    "/upload",
    "/mine",
    "/admin",
    "/admin/{kind}",
    "/timetable",
    "/studio/{id}",
    "/classroom",
    "/watch/{id}",
    "/operations",
    "/operations/districts/{id}",
    "/operations/schools/{id}",
    "/operations/sessions/{id}",
    "/operations/rooms/{id}",
    "/operations/runbooks/{id}",
    "/login",
    "/account",
)
NOT_PAGES = ("/media/", "/live/")
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
DOCUMENT_HEADERS = {
    **SAFE_HEADERS,
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
}
IMMUTABLE = "public, max-age=31536000, immutable"
A_DAY = "public, max-age=86400"
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
NOT_BUILT = b"<!doctype html><meta charset=utf-8><title>Tongbu</title><p>make web</p>"


@dataclass(frozen=True, slots=True)
class Asset:
    """One built file: its bytes as they are and as compressed at build time."""

    content_type: str
    etag: str
    bodies: Mapping[str, bytes]

    def body_for(self, accepted: str) -> tuple[str, bytes]:
        """Give the encoding ("" for none) and the bytes for an Accept-Encoding header."""
        offered = {part.split(";")[0].strip() for part in accepted.split(",") if "q=0" not in part}
        for name, _ in ENCODINGS:
            if name in offered and name in self.bodies:
                return name, self.bodies[name]
        return "", self.bodies[""]


def read_dist(dist: Path) -> dict[str, Asset]:
    """Read every built file by its path under dist; blocking. Empty when nothing was built."""
    found: dict[str, Asset] = {}
    for path in sorted(dist.rglob("*")):
        if not path.is_file() or path.suffix not in TYPES:
            continue
        bodies = {"": path.read_bytes()}
        for name, suffix in ENCODINGS:
            compressed = path.with_name(path.name + suffix)
            if compressed.is_file():
                bodies[name] = compressed.read_bytes()
        etag = hashlib.sha256(bodies[""]).hexdigest()[:20]
        found[path.relative_to(dist).as_posix()] = Asset(TYPES[path.suffix], etag, bodies)
    return found


class Pages:
    """Routes of the pages. Add them last: the last one takes every address left.

    Not those of the API: it would be a way to GET what can only be sent.
    """

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._assets = assets

    def routes(self) -> Sequence[web.RouteDef]:
        """List what is answered."""
        return [
            *(web.get(path, self.document) for path in APP_PATHS),
            web.get("/assets/{name}", self._hashed),
            web.get("/favicon.svg", self._favicon),
            web.get("/{rest:(?!api/).*}", self._unknown),
        ]

    async def document(self, request: web.Request) -> web.Response:
        """Answer with the document that all pages begin with."""
        return self._index(request, 200)

    async def _unknown(self, request: web.Request) -> web.Response:
        wants_page = "text/html" in request.headers.get("Accept", "")
        if not wants_page or request.path.startswith(NOT_PAGES):
            raise NotFound(NOWHERE)
        return self._index(request, 404)

    def _index(self, request: web.Request, status: int) -> web.Response:
        index = self._assets.get("index.html")
        if index is None:
            return web.Response(
                body=NOT_BUILT, status=503, content_type="text/html", headers=DOCUMENT_HEADERS
            )
        return _answer(request, index, DOCUMENT_HEADERS, status)

    async def _hashed(self, request: web.Request) -> web.Response:
        return self._file(request, f"assets/{request.match_info['name']}", IMMUTABLE)

    async def _favicon(self, request: web.Request) -> web.Response:
        return self._file(request, "favicon.svg", A_DAY)

    def _file(self, request: web.Request, name: str, cache: str) -> web.Response:
        asset = self._assets.get(name)
        if asset is None:
            raise NotFound("there is no such file; reload the page")
        return _answer(request, asset, {**SAFE_HEADERS, "Cache-Control": cache}, 200)


def _answer(
    request: web.Request, asset: Asset, headers: Mapping[str, str], status: int
) -> web.Response:
    encoding, body = asset.body_for(request.headers.get("Accept-Encoding", ""))
    etag = f'"{asset.etag}-{encoding}"' if encoding else f'"{asset.etag}"'
    sent = {**headers, "ETag": etag, "Vary": "Accept-Encoding"}
    if status == 200 and etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=sent)
    if encoding:
        sent["Content-Encoding"] = encoding
    return web.Response(
        body=body, status=status, content_type=asset.content_type, charset="utf-8", headers=sent
    )
