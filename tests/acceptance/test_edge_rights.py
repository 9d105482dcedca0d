"""The box in a school at the running service: what its school may watch, and nothing else."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from catalog.db.embedded import running_server
from catalog.edge_credential import SCHEME, sign
from catalog.ids import new_id
from catalog.tokens import Grant, Signer
from loadtests.client import Client, signed_in
from loadtests.service import ADMIN_PASSWORD, Service
from tests.support.service import service as service
from tests.support.wait import eventually

REFUSED = {401, 403}
MINE = "/api/v1/edge/"


@dataclass(slots=True)
class Town:
    """Two schools, the box of the first, and an administrator."""

    boss: Client
    own: str
    other: str
    edge: str
    key: Ed25519PrivateKey
    dsn: str

    @property
    def header(self) -> dict[str, str]:
        return {"Authorization": f"{SCHEME} {sign(self.edge, self.key, time.time())}"}

    async def status(self, method: str, path: str, **how: Any) -> int:
        """Ask as the box; give the status."""
        headers = {**self.header, **how.pop("headers", {})}
        url = f"{self.boss.url}{path}"
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, url, headers=headers, allow_redirects=False, **how) as answer,
        ):
            return answer.status


@pytest.fixture
async def town(service: Service) -> AsyncIterator[Town]:
    """A fresh pair of schools in the running service."""
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as boss:
        mark = new_id()
        district = await boss.post("districts", {"name": f"平度市 {mark}"})
        schools = [
            await boss.post(
                "schools",
                {"name": f"{name} {mark}", "district": district["id"], "setting": "rural"},
            )
            for name in ("田野小学", "山前小学")
        ]
        own, other = (school["id"] for school in schools)
        made = await boss.post("edges", {"name": f"盒子 {mark}", "school": own})
        key = Ed25519PrivateKey.generate()
        public = b64encode(key.public_key().public_bytes_raw()).decode()
        async with aiohttp.ClientSession() as http:
            body = {"code": made["code"], "public_key": public}
            url = f"{service.url}/api/v1/edges/enrol"
            async with http.post(url, json=body) as answer:
                assert answer.status == 200
        dsn = await asyncio.to_thread(running_server, service.data)
        assert dsn is not None
        yield Town(boss, own, other, made["id"], key, dsn)


async def written(town: Town, query: str, **values: Any) -> str:
    """Write one row and give its id."""
    key = new_id()
    async with await psycopg.AsyncConnection.connect(town.dsn) as connection:
        await connection.execute(query.encode(), {"id": key, **values})
    return key


async def add_lesson(town: Town, visibility: str, school: str) -> str:
    lesson = await written(
        town,
        "insert into lesson (id, title, school_id, visibility, state, generation)"
        " values (%(id)s, '课', %(school)s, %(visibility)s, 'ready', 1)",
        school=school, visibility=visibility,
    )  # fmt: skip
    rendition = await written(
        town,
        "insert into rendition (id, lesson_id, generation, name, media, codecs, timescale, init,"
        " rung, complete, width_px, height_px) values (%(id)s, %(lesson)s, 1, '360p', 'video',"
        " 'avc1.64001e', 15360, 'init', 0, true, 640, 360)",
        lesson=lesson,
    )
    await written(
        town,
        "insert into media_object (rendition_id, key, first_number, init_bytes, base_ts, sizes,"
        " durations_ts, keyframe_sizes) values (%(rendition)s, 'media/' || %(id)s, 0, 4, 0,"
        " '{10}', '{61440}', '{3}')",
        rendition=rendition,
    )
    return lesson


async def add_session(town: Town, school: str, opened: bool) -> str:
    return await written(
        town,
        "insert into session (id, title, kind, state, open_to_all, visibility, school_id,"
        " starts_at, ends_at) values (%(id)s, '课', 'sync_class', 'live', %(opened)s, 'school',"
        " %(school)s, now(), now() + interval '1 hour')",
        school=school, opened=opened,
    )  # fmt: skip


async def test_nothing_of_the_api_is_open_to_a_box_but_its_own(
    service: Service, town: Town
) -> None:
    document = await town.boss.get("openapi.json")
    operations = [
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
    ]  # fmt: skip
    assert len(operations) > 60
    for method, path in operations:
        url = path.replace("{lesson}", "0" * 20).replace("{id}", "0" * 20)
        how: dict[str, Any] = {} if method in ("GET", "HEAD", "OPTIONS") else {"json": {}}
        found = await town.status(method, url, **how)
        if path.startswith(MINE):
            assert found not in REFUSED, (method, path, found)
            assert found < 500, (method, path, found)
        else:
            assert found in REFUSED, (method, path, found)


async def test_what_is_the_boxes_own_is_open_to_nobody_else(service: Service, town: Town) -> None:
    document = await town.boss.get("openapi.json")
    own = {path: item for path, item in document["paths"].items() if path.startswith(MINE)}
    assert len(own) >= 5
    for path, item in own.items():
        for method, operation in item.items():
            assert operation["security"] == [{"edge": []}]
            url = f"{service.url}{path}".replace("{lesson}", "0" * 20)
            async with town.boss.http.request(method, url) as answer:
                assert answer.status == 403
            async with aiohttp.ClientSession() as http, http.request(method, url) as answer:
                assert answer.status == 401


@pytest.mark.parametrize(
    ("visibility", "at_own", "at_other"),
    [
        ("public", True, True), ("city", True, True), ("school", True, False),
        ("private", False, False),
    ],
)  # fmt: skip
async def test_media_of_what_the_school_may_watch(
    town: Town, visibility: str, at_own: bool, at_other: bool
) -> None:
    for school, seen in ((town.own, at_own), (town.other, at_other)):
        lesson = await add_lesson(town, visibility, school)
        found = await town.status("GET", f"/media/{lesson}/multivariant.m3u8")
        assert found == (200 if seen else 403)
        asked = await town.status("GET", f"{MINE}presentations/{lesson}")
        assert asked == (200 if seen else 404)


async def test_live_of_sessions_that_the_school_is_in_or_all_may_see(town: Town) -> None:
    for school, opened, seen in (
        (town.own, False, True), (town.other, True, True), (town.other, False, False),
    ):  # fmt: skip
        session = await add_session(town, school, opened)
        found = await town.status("GET", f"/live/{session}/multivariant.m3u8")
        assert found == (404 if seen else 403)  # nothing is on the air: it was let in
        room = {"Connection": "Upgrade", "Upgrade": "websocket"}
        inside = await town.status("GET", f"/live/{session}/room", headers=room)
        assert (inside == 403) is not seen
        published = await town.status("GET", f"/live/{session}/publish", headers=room)
        assert published >= 400


async def test_a_box_neither_gets_nor_makes_playback_tokens(town: Town) -> None:
    lesson = await add_lesson(town, "school", town.other)
    own = await town.boss.get(f"lessons/{lesson}")
    assert "token=" in own["urls"]["hls"]
    keys = list((await _self(town))["keys"])
    now = int(time.time())
    for key in (*keys, town.edge):
        token = Signer(key, town.key).sign(Grant(lesson, now, now + 600))
        path = f"/media/{lesson}/multivariant.m3u8?token={token}"
        assert await town.status("GET", path) == 403
        async with aiohttp.ClientSession() as http, http.get(f"{town.boss.url}{path}") as answer:
            assert answer.status == 403


async def _self(town: Town) -> Any:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{town.boss.url}{MINE}self", headers=town.header) as answer,
    ):
        assert answer.status == 200
        return await answer.json()


async def test_who_is_revoked_has_no_media_any_more(town: Town) -> None:
    path = f"/media/{await add_lesson(town, 'school', town.own)}/multivariant.m3u8"
    kept = town.header
    for _ in range(2):  # the second is answered from memory
        assert await town.status("GET", path, headers=kept) == 200
    await town.boss.post(f"edges/{town.edge}/revoke")

    async def out() -> bool:
        return await town.status("GET", path, headers=kept) == 401

    await eventually(out, 1.0)
