"""Errors at the HTTP border: one table from error to status, answered as problem+json.

Spec: RFC 9457. `detail` is the error's own sentence; anything not in the table is logged with the
request's id and answered as 500 without its inside.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from math import ceil

import msgspec
from aiohttp import web

from catalog import errors, tus
from catalog.http.endpoint import Handler
from catalog.store.port import ObjectMissing, StoreAway, StoreFull

log = logging.getLogger(__name__)

STATUS: dict[type[Exception], int] = {
    errors.Invalid: 422,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.SignInNeeded: 401,
    errors.NoRight: 403,
    errors.OverQuota: 413,
    errors.TooMany: 429,
    errors.Unavailable: 503,
    ObjectMissing: 404,
    StoreAway: 503,
    StoreFull: 507,
    tus.Malformed: 400,
    tus.WrongVersion: 412,
    tus.WrongType: 415,
    tus.WrongOffset: 409,
    tus.TooLarge: 413,
    tus.Locked: 423,
    tus.Gone: 410,
    tus.BadChecksum: 460,
    tus.Interrupted: 400,
}
TITLES = {460: "Checksum Mismatch"}
RETRY_AFTER_S = 2
NOWHERE = "there is nothing at this address"


class Problem(msgspec.Struct, omit_defaults=True):
    """The body of an error."""

    title: str
    status: int
    detail: str = ""
    request_id: str = ""
    fields: dict[str, str] = {}


def status_of(error: Exception) -> int:
    """Give the HTTP status for an error; 500 for the unknown."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what handlers raise into problem+json."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem(error.status, _sentence(error), headers=dict(error.headers))
    except Exception as error:
        status = status_of(error)
        if status == 500:
            log.exception("request failed: %s %s", request.method, request.path)
            return problem(500, "something went wrong inside; it has been written down")
        return _known(error, status)


def _sentence(error: web.HTTPException) -> str:
    """Say it in words where aiohttp's router has only a number."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"this address takes only {', '.join(sorted(error.allowed_methods))}"
    if error.text == _NO_ROUTE:
        return NOWHERE
    return error.text or error.reason


def _known(error: Exception, status: int) -> web.Response:
    fields = error.fields if isinstance(error, errors.Invalid) else {}
    headers: dict[str, str] = {}
    if isinstance(error, errors.TooMany):
        headers["Retry-After"] = str(ceil(error.wait_s))
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="tongbu"'
    return problem(status, str(error), fields, headers)


def title_of(status: int) -> str:
    """Name a status, also one that only tus knows."""
    return TITLES.get(status) or HTTPStatus(status).phrase


def problem(
    status: int,
    detail: str,
    fields: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    """Build a problem+json answer."""
    kept = {k: v for k, v in (headers or {}).items() if k.lower() not in _BODY_HEADERS}
    title = title_of(status)
    body = Problem(title, status, detail, fields=fields or {})
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store", **kept},
    )


_NO_ROUTE = web.HTTPNotFound().text
_BODY_HEADERS = frozenset({"content-type", "content-length", "transfer-encoding"})
