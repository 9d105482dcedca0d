"""Resumable uploads over HTTP: the shell of catalog/tus.py around catalog/uploads.

Spec: tus 1.0.0. Every answer, errors too, carries Tus-Resumable; the last one carries
Tongbu-Lesson with the lesson's id.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import format_datetime

from aiohttp import web

from catalog import tus
from catalog.db.uploads import UploadRow
from catalog.errors import NotFound
from catalog.http.endpoint import Endpoint, Handler, viewer_of
from catalog.http.problem import problems
from catalog.tus import Append, Concat, Progress
from catalog.uploads.metrics import UploadMetrics
from catalog.uploads.service import Uploads

PATH = "/api/v1/uploads"
_ERRORS = (400, 401, 403, 404, 409, 410, 412, 413, 415, 422, 423, 429, 460, 503, 507)


class TusApi:
    """The endpoints below /api/v1/uploads."""

    def __init__(self, uploads: Uploads, metrics: UploadMetrics) -> None:
        self._uploads = uploads
        self._metrics = metrics

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        one = PATH + "/{id}"
        rows: list[tuple[str, str, Handler, str, int]] = [
            ("POST", PATH, self.create, "Begin an upload (tus creation)", 201),
            ("HEAD", one, self.head, "Where an upload stands", 200),
            ("PATCH", one, self.append, "Add bytes to an upload", 204),
            ("POST", one, self.override, "Another method, named in X-HTTP-Method-Override", 204),
            ("DELETE", one, self.terminate, "Take an upload back", 204),
        ]
        opened = [
            Endpoint("OPTIONS", path, _spoken(self.options, checked=False),
                     "What this server speaks of tus", "uploads", status=204, guest=True, errors=())
            for path in (PATH, one)
        ]  # fmt: skip
        return opened + [
            Endpoint(method, path, _spoken(handler), summary, "uploads", status=status,
                     errors=_ERRORS, body_type=tus.BODY_TYPE)
            for method, path, handler, summary, status in rows
        ]  # fmt: skip

    async def options(self, request: web.Request) -> web.StreamResponse:
        """Tell version, extensions and limits."""
        return web.Response(
            status=204,
            headers={
                "Tus-Version": tus.VERSION,
                "Tus-Extension": ",".join(tus.EXTENSIONS),
                "Tus-Max-Size": str(self._uploads.settings.limit_bytes),
                "Tus-Checksum-Algorithm": ",".join(tus.CHECKSUMS),
            },
        )

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Begin an upload, perhaps with its first bytes; or join parts to one."""
        wish = tus.read_creation(request.headers, self._uploads.settings.limit_bytes)
        row = await self._uploads.create(viewer_of(request), wish)
        headers = {"Location": f"{PATH}/{row.id}"}
        at = Progress(0, row.length_bytes)
        if wish.with_body:
            at = await self._first_bytes(request, row, Append(0, None, wish.checksum))
            headers["Upload-Offset"] = str(at.offset)
        elif row.concat is Concat.FINAL:
            at = Progress(row.length_bytes or 0, row.length_bytes)
        return web.Response(status=201, headers=headers | await self._rest(row, at))

    async def _first_bytes(self, request: web.Request, row: UploadRow, wish: Append) -> Progress:
        """Take a creation's body; the client of a failed one never learns the upload's address."""
        try:
            return await self._append(request, row, wish)
        except Exception:
            current = await self._uploads.find_open(row.id)
            if current is not None:
                await self._uploads.terminate(current)
            raise

    async def head(self, request: web.Request) -> web.StreamResponse:
        """Tell how far an upload is; one that is whole becomes its lesson now, if not yet."""
        row = await self._owned(request)
        at = await self._uploads.progress(row)
        headers = {"Upload-Offset": str(at.offset), "Cache-Control": "no-store"}
        if at.length_bytes is None:
            headers["Upload-Defer-Length"] = "1"
        else:
            headers["Upload-Length"] = str(at.length_bytes)
        if row.metadata:
            headers["Upload-Metadata"] = tus.write_metadata(row.metadata)
        if row.concat is Concat.PARTIAL:
            headers["Upload-Concat"] = "partial"
        elif row.concat is Concat.FINAL:
            parts = " ".join(f"{PATH}/{part}" for part in row.parts)
            headers["Upload-Concat"] = f"final;{parts}"
        return web.Response(status=200, headers=headers | await self._rest(row, at))

    async def append(self, request: web.Request) -> web.StreamResponse:
        """Add bytes."""
        wish = tus.read_append(request.headers, self._uploads.settings.limit_bytes)
        row = await self._owned(request)
        at = await self._append(request, row, wish)
        headers = {"Upload-Offset": str(at.offset)}
        return web.Response(status=204, headers=headers | await self._rest(row, at))

    async def terminate(self, request: web.Request) -> web.StreamResponse:
        """Take an upload back."""
        await self._uploads.terminate(await self._owned(request))
        return web.Response(status=204)

    async def override(self, request: web.Request) -> web.StreamResponse:
        """Do what the header says, for proxies that know only GET and POST."""
        meant = tus.method_of(request.method, request.headers)
        known: dict[str, Handler] = {
            "PATCH": self.append, "DELETE": self.terminate, "HEAD": self.head,
        }  # fmt: skip
        if meant not in known:
            raise NotFound("POST here needs X-HTTP-Method-Override: PATCH or DELETE")
        return await known[meant](request)

    async def _append(self, request: web.Request, row: UploadRow, wish: Append) -> Progress:
        body = _Body(request)
        with self._metrics.receiving() as count:
            try:
                return await self._uploads.append(row, wish, body)
            finally:
                count(body.received_bytes)

    async def _rest(self, row: UploadRow, at: Progress) -> dict[str, str]:
        """Give the expiry of an open upload, or the lesson of a whole one."""
        if row.target_id is not None and at.complete:
            with self._metrics.finishing():
                return {"Tongbu-Lesson": await self._uploads.finish(row)}
        return {"Upload-Expires": format_datetime(self._uploads.expiry(), usegmt=True)}

    async def _owned(self, request: web.Request) -> UploadRow:
        return await self._uploads.owned(viewer_of(request), request.match_info["id"])


class _Body:
    """A request's body as the uploads read it."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.size_bytes = request.content_length
        self.received_bytes = 0

    async def read(self) -> bytes:
        content = self._request.content
        try:
            came = await content.readany()
        except web.RequestPayloadError as error:
            raise ConnectionResetError(str(error)) from error
        self.received_bytes += len(came)
        if not came and self.size_bytes is not None and self.received_bytes < self.size_bytes:
            raise ConnectionResetError("the body ended early")
        return came

    def abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()


def _spoken(handler: Handler, checked: bool = True) -> Handler:
    """Speak the protocol's version in every answer, errors too, and ask for it."""

    async def inner(request: web.Request) -> web.StreamResponse:
        if checked:
            tus.check_version(request.headers)
        return await handler(request)

    async def outer(request: web.Request) -> web.StreamResponse:
        response = await problems(request, inner)
        response.headers["Tus-Resumable"] = tus.VERSION
        if response.status == 412:
            response.headers["Tus-Version"] = tus.VERSION
        return response

    return outer
