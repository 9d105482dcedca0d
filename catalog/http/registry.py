"""The registry's endpoints: list, add, read, change, remove each kind (catalog/http/kinds.py).

Reading is open to everyone, since schools, pairs and series are public; classrooms are shown to
those who are signed in. Every change is one transaction that holds the row it changes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from catalog.db.pool import Connection, Pool
from catalog.db.registry import Row, delete_row, insert_row, list_rows, read_row, update_row
from catalog.errors import NotFound
from catalog.http.endpoint import Endpoint, viewer_of
from catalog.http.kinds import Kind, all_kinds
from catalog.http.listing import Page, id_in_path, page_of, read_cursor
from catalog.http.payload import answer, body_of, query_of
from catalog.ids import new_id
from catalog.people import city_day

FOR_MEMBERS = frozenset({"classrooms"})


class RegistryApi:
    """All kinds of the registry."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.time) -> None:
        self._parts = [_Part(pool, kind, clock) for kind in all_kinds()]

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        return [item for part in self._parts for item in part.endpoints()]


class _Part:
    def __init__(self, pool: Pool, kind: Kind, clock: Callable[[], float]) -> None:
        self._pool = pool
        self._kind = kind
        self._clock = clock

    def endpoints(self) -> Sequence[Endpoint]:
        kind, noun = self._kind, self._kind.table.noun
        many, one = f"/api/v1/{kind.path}", f"/api/v1/{kind.path}/{{id}}"
        guest = kind.path not in FOR_MEMBERS
        return [
            Endpoint("GET", many, self._list, f"List {kind.path}", "registry", query=kind.query,
                     result=Page[kind.result], guest=guest, errors=(401, 422)),  # type: ignore[name-defined]
            Endpoint("POST", many, self._add, f"Add a {noun}", "registry", body=kind.new,
                     result=kind.result, status=201, errors=(401, 403, 409, 422)),
            Endpoint("GET", one, self._read, f"Read a {noun}", "registry", result=kind.result,
                     guest=guest, errors=(401, 404)),
            Endpoint("PATCH", one, self._change, f"Change a {noun}", "registry", body=kind.change,
                     result=kind.result, errors=(401, 403, 404, 409, 422)),
            Endpoint("DELETE", one, self._remove, f"Remove a {noun} that nothing uses",
                     "registry", status=204, errors=(401, 403, 404, 409)),
        ]  # fmt: skip

    async def _list(self, request: web.Request) -> web.Response:
        asked = query_of(request, self._kind.query)
        fields = msgspec.structs.asdict(asked)
        wanted = {k: v for k, v in fields.items() if v and k in self._kind.table.filters}
        async with self._pool.connection() as connection:
            rows = await list_rows(
                connection, self._kind.table, asked.q, wanted, asked.limit + 1,
                read_cursor(asked.cursor),
            )  # fmt: skip
        return answer(page_of(rows, asked.limit, self._kind.show, lambda r: (r["sort"], r["id"])))

    async def _read(self, request: web.Request) -> web.Response:
        async with self._pool.connection() as connection:
            row = await self._row(connection, id_in_path(request))
        return answer(self._kind.show(row))

    async def _add(self, request: web.Request) -> web.Response:
        asked, key = await body_of(request, self._kind.new), new_id()
        day = city_day(self._clock())
        async with self._pool.connection() as connection:
            values = await self._kind.adding(connection, viewer_of(request), asked, day)
            await insert_row(connection, self._kind.table, {"id": key, **values})
            row = await self._row(connection, key)
        return answer(self._kind.show(row), 201, {"Location": f"{request.path}/{key}"})

    async def _change(self, request: web.Request) -> web.Response:
        key, asked = id_in_path(request), await body_of(request, self._kind.change)
        async with self._pool.connection() as connection:
            row = await self._row(connection, key, lock=True)
            changes = await self._kind.changing(connection, viewer_of(request), row, asked)
            await update_row(connection, self._kind.table, key, changes)
            row = await self._row(connection, key)
        return answer(self._kind.show(row))

    async def _remove(self, request: web.Request) -> web.Response:
        key = id_in_path(request)
        async with self._pool.connection() as connection:
            row = await self._row(connection, key, lock=True)
            self._kind.removing(viewer_of(request), row)
            await delete_row(connection, self._kind.table, key)
        return web.Response(status=204)

    async def _row(self, connection: Connection, key: str, lock: bool = False) -> Row:
        row = await read_row(connection, self._kind.table, key, lock)
        if row is None:
            raise NotFound(f"there is no {self._kind.table.noun} with this id")
        return row
