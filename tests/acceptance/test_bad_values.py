"""Bad values in every field, path, query, header and body that the running service's own
description names: never an error inside, always a problem in words, and the service lives."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from loadtests.client import Client, signed_in
from loadtests.service import ADMIN_PASSWORD, Service
from tests.support.evil import BODIES, METADATA, TEXTS, Shapes
from tests.support.service import service as service

Request = tuple[str, str, dict[str, Any]]
AT_ONCE = 8
PARTS = 16
WRITING = ("post", "put", "patch")
# Would end the session that asks, or never end by itself.
NOT_ASKED = frozenset({("post", "/api/v1/logout"), ("get", "/api/v1/events")})
# Each try hashes a password, which is slow by design: every so manieth is sent.
COSTLY = frozenset({"/api/v1/login", "/api/v1/me/password", "/api/v1/users"})
SOME = 20
TUS = {"Tus-Resumable": "1.0.0"}


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path, as the description has it."""

    method: str
    path: str
    said: dict[str, Any]

    @property
    def body(self) -> dict[str, Any] | None:
        """Schema of the JSON body."""
        content = self.said.get("requestBody", {}).get("content", {})
        schema: dict[str, Any] | None = content.get("application/json", {}).get("schema")
        return schema

    def names(self, where: str) -> list[str]:
        """Names of the parameters in the path or query."""
        return [p["name"] for p in self.said.get("parameters", ()) if p["in"] == where]


@dataclass(slots=True)
class Attack:
    """An administrator's session, what the service offers, and what exists in it."""

    client: Client
    operations: list[Operation]
    shapes: Shapes
    known: dict[str, str]

    async def all(self, requests: Iterable[Request]) -> int:
        """Send them, a few at once, and judge every answer; give how many there were."""
        turns, wrong = asyncio.Semaphore(AT_ONCE), []

        async def one(method: str, path: str, how: dict[str, Any]) -> None:
            async with turns:
                fault = await self._fault(method, path, how)
            if fault:
                wrong.append(f"{method} {path} {str(how)[:200]}: {fault}")

        async with asyncio.TaskGroup() as tasks:
            sent = [tasks.create_task(one(*request)) for request in requests]
        assert not wrong, "\n".join(wrong[:20])
        return len(sent)

    async def _fault(self, method: str, path: str, how: dict[str, Any]) -> str:
        url = URL(self.client.url + path, encoded=True)
        async with self.client.http.request(method, url, allow_redirects=False, **how) as answer:
            body = await answer.read()
        if answer.status < 400:
            return ""
        if answer.status >= 500:
            return f"{answer.status} {body[:300]!r}"
        kind = answer.headers.get("Content-Type", "")
        if method != "HEAD" and not (kind.startswith("application/problem+json") and body):
            return f"{answer.status} {kind} {body[:100]!r}"
        return "" if method == "HEAD" or json.loads(body)["detail"] else "no words"

    def path(self, operation: Operation) -> str:
        """Give a path to something that exists, where anything does."""
        kind = operation.path.removeprefix("/api/v1/").partition("/")[0]
        values = {name: self.known.get(kind, "0" * 26) for name in operation.names("path")}
        return operation.path.format(**values)


@pytest.fixture(scope="module")
def ground(service: Service) -> tuple[dict[str, str], Any, dict[str, str]]:
    """Sign in once, since the tries are counted, and make one of each thing."""

    async def prepare() -> tuple[dict[str, str], Any, dict[str, str]]:
        async with signed_in(service.url, "admin", ADMIN_PASSWORD) as client:
            token = dict(client.http.headers)
            return (
                token,
                await client.get("openapi.json"),
                await made(client, broken_video(service.data)),
            )

    return asyncio.run(prepare())


@pytest.fixture
async def attack(service: Service, ground: Any) -> AsyncIterator[Attack]:
    """Attack the service; afterwards the session still holds and no lesson has come to be."""
    token, document, known = ground
    operations = [
        Operation(method, path, said)
        for path, item in document["paths"].items()
        for method, said in item.items()
        if (method, path) not in NOT_ASKED
    ]
    async with aiohttp.ClientSession(headers=token) as http:
        client = Client(http, service.url)
        yield Attack(client, operations, Shapes(document, known), known)
        assert await client.get("me")
        assert (await client.get("lessons"))["total"] <= 1


def broken_video(directory: Path) -> Path:
    """A file that begins as an MP4: its lesson is made, and fails."""
    path = directory / "broken.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(1000))
    return path


async def made(client: Client, video: Path) -> dict[str, str]:
    """Make one of each thing; give ids by the names of paths and of fields."""
    district = (await client.post("districts", {"name": "市南区"}))["id"]
    urban, rural = [
        (await client.post("schools", {"name": n, "district": district, "setting": s}))["id"]
        for n, s in (("海风小学", "urban"), ("崂山小学", "rural"))
    ]
    room = (await client.post("classrooms", {"name": "一班", "school": urban}))["id"]
    user = await client.post("users", {"username": f"u{urban[-8:].lower()}", "name": "李华"})
    series = (await client.post("series", {"name": "青快学"}))["id"]
    schools = {"urban_school": urban, "rural_school": rural}
    pair = (await client.post("pairs", schools))["id"]
    group = (await client.post("groups", {"name": "集团"}))["id"]
    lesson = await client.upload(video, {"title": "勾股定理"})
    return {
        "districts": district, "schools": urban, "classrooms": room, "users": user["id"],
        "series": series, "pairs": pair, "groups": group, "district": district, "school": urban,
        "classroom": room, "group": group, "main_classroom": room, **schools, "lessons": lesson,
        "series_id": series, "school_id": urban, "teacher_id": user["id"], "until": "2027-09-01",
        "stage": "junior", "grade": "g8", "subject": "mathematics", "visibility": "school",
        "username": "lihua-2", "password": "correct-horse", "new": "correct-horse",
    }  # fmt: skip


@pytest.mark.parametrize("part", range(PARTS))
async def test_in_every_field_of_every_body(attack: Attack, part: int) -> None:
    operations = [o for o in attack.operations if o.body and o.method in WRITING]
    assert len(operations) >= 15
    for operation in operations[part::PARTS]:
        assert operation.body
        path = attack.path(operation)
        bodies = sorted({json.dumps(bad) for bad in attack.shapes.bodies(operation.body)})
        bodies = bodies[:: SOME if path in COSTLY else 1]
        assert await attack.all(
            (operation.method.upper(), path, as_json(body)) for body in bodies
        ), path


def as_json(body: str | bytes) -> dict[str, Any]:
    raw = body.encode() if isinstance(body, str) else body
    return {"data": raw, "headers": {"Content-Type": "application/json"}}


async def test_in_every_field_of_the_login(attack: Attack) -> None:
    """A password costs time by design, and wrong ones are counted: few are tried."""
    fields = [{"username": text, "password": "x" * 129} for text in TEXTS]
    fields += [{"username": text, "password": "x"} for text in TEXTS[:6]]
    fields += [{"username": "admin", "password": text} for text in TEXTS[:3]]
    assert await attack.all(("POST", "/api/v1/login", as_json(json.dumps(f))) for f in fields)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:16]) + str(len(body)))
async def test_as_the_body_of_every_write(attack: Attack, body: bytes) -> None:
    writes = [o for o in attack.operations if o.method in WRITING]
    assert len(writes) >= 18
    assert await attack.all(
        (o.method.upper(), attack.path(o), as_json(body) | {"data": BytesIO(body)}) for o in writes
    )


async def test_in_every_path(attack: Attack) -> None:
    texts = [quote(text, safe="", errors="surrogatepass") for text in TEXTS if text]
    texts += ["..%2f..%2fetc%2fpasswd", "%00", "%ff%fe", "%", "%zz", "a" * 7000]
    operations = [o for o in attack.operations if o.names("path")]
    media = ("/media/{x}/multivariant.m3u8", "/media/x/{x}", "/lesson/{x}", "/assets/{x}", "/{x}")
    requests: list[Request] = [
        (o.method.upper(), o.path.replace("{id}", text), {}) for o in operations for text in texts
    ]
    requests += [("GET", path.replace("{x}", text), {}) for path in media for text in texts]
    assert await attack.all(requests)


async def test_in_every_query(attack: Attack) -> None:
    requests: list[Request] = []
    for operation in attack.operations:
        for name in operation.names("query"):
            for text in TEXTS:
                query = quote(text, safe="", errors="surrogatepass")
                requests.append(("GET", f"{attack.path(operation)}?{name}={query}", {}))
    assert len(requests) > 500
    assert await attack.all(requests)


async def test_in_the_metadata_of_an_upload(attack: Attack) -> None:
    names = ("filename", "title", "series", "subject", "grade", "stage", "tags", "teacher",
             "school", "chapter", "description", "visibility", "edition", "unknown")  # fmt: skip
    fields = [
        f"{name} {base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode()}"
        for name in names
        for text in TEXTS
    ]
    lengths = ("", "-1", "0x10", "1e3", "9" * 30, "１２", "99999999999999")
    headers = [{**TUS, "Upload-Length": "10", "Upload-Metadata": f} for f in (*fields, *METADATA)]
    headers += [{**TUS, "Upload-Length": length} for length in lengths]
    headers += [
        {**TUS, "Upload-Concat": text} for text in ("final;", "final;/a /b", "x", "partial")
    ]
    headers += [{**TUS, "Upload-Length": "1", "Upload-Checksum": t} for t in ("", "md5 x", "sha1")]
    assert await attack.all(("POST", "/api/v1/uploads", {"headers": h}) for h in headers)


async def test_as_raw_bytes_where_a_request_is_awaited(service: Service, attack: Attack) -> None:
    url = URL(service.url)
    raw = (
        b"GET /api/v1/lessons?q=\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /media/../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nCookie: \x00\xff\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    )
    assert url.host
    assert url.port
    for request in raw:
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(request)
        writer.write_eof()
        first = (await reader.read(4096)).partition(b"\r\n")[0]
        writer.close()
        await writer.wait_closed()
        assert b" 5" not in first[:14], (request, first)
        assert b" 200" not in first[:14] or b"GET /api" in request or b"GET / " in request


async def test_text_that_looks_like_code_is_kept_as_text(attack: Attack) -> None:
    for text in ("'; drop table lesson; --", "<script>alert(1)</script>", "{{7*7}}", "%_\\%"):
        name = f"{text} 集团"
        made = await attack.client.post("groups", {"name": name})
        assert (await attack.client.get(f"groups/{made['id']}"))["name"] == name
        found = await attack.client.get("groups", q=name)
        assert name in [item["name"] for item in found["items"]]


async def test_nothing_went_wrong_inside(service: Service) -> None:
    written = await asyncio.to_thread(service.log.read_text, errors="replace")
    assert "Traceback" not in written, written[written.index("Traceback") - 500 :][:5000]
