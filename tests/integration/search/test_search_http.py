"""GET /lessons and /lessons/suggest over the wire, on PostgreSQL and tantivy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from catalog.db.listen import listening
from catalog.db.pool import Pool
from catalog.http.endpoint import VIEWER, Handler, add_endpoints
from catalog.http.problem import problems
from catalog.http.search import VALUES_LIMIT, SearchApi
from catalog.ids import new_id
from catalog.people import GUEST, Viewer
from catalog.search.indexer import search_running
from catalog.search.metrics import SearchMetrics
from catalog.search.tantivy_index import SearchSettings, TantivyReader
from tests.support.lessons import add_lesson, add_person, add_school, insert, teacher

Client = TestClient[web.Request, web.Application]


class Site:
    """The API with whoever is set as viewer."""

    def __init__(self, pool: Pool, client: Client) -> None:
        self.pool = pool
        self.client = client
        self.viewer: Viewer = GUEST

    async def get(self, path: str = "", status: int = 200, **query: Any) -> Any:
        """Ask and give the JSON."""
        async with self.client.get(f"/api/v1/lessons{path}", params=query) as response:
            assert response.status == status, await response.text()
            return await response.json()

    async def add(self, title: str, **values: Any) -> str:
        """Add a lesson."""
        async with self.pool.connection() as connection:
            return await add_lesson(connection, title, **values)

    async def titles(self, total: int | None = None, **query: Any) -> list[str]:
        """Find titles; with total, once so many are found."""
        async with asyncio.timeout(20):
            while True:
                async with self.client.get("/api/v1/lessons", params=query) as response:
                    found = await response.json()
                if response.status == 200 and total in (None, found["total"]):
                    return [item["title"] for item in found["items"]]
                assert response.status in (200, 503), found
                await asyncio.sleep(0.02)


@pytest.fixture
async def site(dsn: str, pool: Pool, tmp_path: Path) -> AsyncIterator[Site]:
    """The search part of the service."""
    metrics = SearchMetrics(CollectorRegistry())
    settings = SearchSettings(tmp_path, threads=2, counts_age_s=0.0)
    async with (
        listening(dsn) as listener,
        search_running(pool, listener, settings, metrics) as reader,
        serving(pool, reader, metrics) as served,
    ):
        yield served


@asynccontextmanager
async def serving(pool: Pool, reader: TantivyReader, metrics: SearchMetrics) -> AsyncIterator[Site]:
    """Serve only this part; the viewer is whoever the test says."""

    @web.middleware
    async def sign_in(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[VIEWER] = served.viewer
        return await handler(request)

    app = web.Application(middlewares=[problems, sign_in])
    add_endpoints(app, SearchApi(pool, reader, "token-{}".format, metrics).endpoints())
    async with TestClient(TestServer(app)) as client:
        served = Site(pool, client)
        yield served


async def test_a_list_has_cards_counts_labels_and_time(site: Site) -> None:
    async with site.pool.connection() as connection:
        school = await add_school(connection, "第一中学")
        series = await insert(connection, "series", name="青快学")
    lesson = await site.add("勾股定理", subject="mathematics", grade="g8", stage="junior",
                            edition="qingdao", school_id=school, series_id=series,
                            teacher_name="王芳", tags=["几何"], duration_s=300.0)  # fmt: skip
    await site.titles(1, q="勾股")
    found = await site.get(q="勾股")
    assert found["items"][0]["id"] == lesson
    assert found["items"][0]["school"] == {"id": school, "name": "第一中学"}
    assert found["items"][0]["teacher"] == "王芳"
    assert found["facets"] == {
        "stage": [{"value": "junior", "label": "初中", "count": 1}],
        "grade": [{"value": "g8", "label": "八年级", "count": 1}],
        "subject": [{"value": "mathematics", "label": "数学", "count": 1}],
        "edition": [{"value": "qingdao", "label": "青岛版", "count": 1}],
        "series": [{"value": series, "label": "青快学", "count": 1}],
        "school": [{"value": school, "label": "第一中学", "count": 1}],
    }
    assert found["next_cursor"] is None
    assert found["took_ms"] > 0


async def test_pages_follow_the_cursor_while_lessons_arrive(site: Site) -> None:
    for number in range(5):
        await site.add(f"物理{number}")
    before = await site.titles(5, q="物理")
    first = await site.get(q="物理", limit="2")
    await site.add("物理新")
    await site.titles(6, q="物理")
    second = await site.get(q="物理", limit="3", cursor=first["next_cursor"])
    titles = [item["title"] for item in [*first["items"], *second["items"]]]
    assert titles == before
    assert second["next_cursor"] is None
    assert second["total"] == 6


async def test_filters_narrow_and_several_values_widen(site: Site) -> None:
    for subject in ("physics", "chemistry", "music"):
        await site.add(f"课{subject}", subject=subject, grade="g8")
    assert len(await site.titles(3)) == 3
    assert await site.titles(subject="music", grade="g8") == ["课music"]
    found = await site.get(subject=["music", "physics"])
    assert found["total"] == 2
    assert await site.titles(subject="music", grade="g9") == []
    assert len(await site.titles(subject="")) == 3


async def test_states_and_visibility(site: Site) -> None:
    async with site.pool.connection() as connection:
        me, other = await add_person(connection), await add_person(connection)
    await site.add("公开课")
    await site.add("市课", visibility="city")
    await site.add("我的失败课", state="failed", owner_id=me)
    await site.add("别人的失败课", state="failed", owner_id=other)
    await site.titles(1, q="课")
    site.viewer = teacher(me)
    assert await site.titles(2, q="课") == ["市课", "公开课"]
    assert await site.titles(1, state="failed") == ["我的失败课"]
    assert (await site.get(state="failed"))["items"][0]["can_edit"] is True
    site.viewer = GUEST
    assert await site.titles(state="failed") == []


async def test_my_lessons_come_from_the_database_at_once(site: Site) -> None:
    async with site.pool.connection() as connection:
        me = await add_person(connection)
    await site.titles(0)
    for state in ("uploading", "failed", "ready"):
        await site.add(f"课{state}", state=state, owner_id=me, visibility="private")
    await site.get(mine="1", status=401)
    site.viewer = teacher(me)
    first = await site.get(mine="1", limit="2")
    assert [item["title"] for item in first["items"]] == ["课ready", "课failed"]
    assert first["total"] == 3
    rest = await site.get(mine="1", cursor=first["next_cursor"])
    assert [item["title"] for item in rest["items"]] == ["课uploading"]
    assert (await site.get(mine="1", state="failed"))["total"] == 1
    assert await site.titles(1, mine="1", q="课failed") == ["课failed"]


async def test_rows_newer_than_the_index_keep_their_secrets(site: Site) -> None:
    lesson = await site.add("勾股定理")
    await site.titles(1, q="勾股")
    async with site.pool.connection() as connection:
        await connection.execute("alter table lesson disable trigger lesson_changed")
        await connection.execute(
            "update lesson set visibility = 'private' where id = %s", (lesson,)
        )
    assert (await site.get(q="勾股"))["items"] == []
    assert (await site.get("/suggest", q="勾股"))["suggestions"] == []


async def test_cards_that_are_not_public_carry_a_token(site: Site) -> None:
    lesson = await site.add("市课", visibility="city")
    async with site.pool.connection() as connection:
        await connection.execute(
            "insert into side_product (lesson_id, generation, kind) values (%s, 1, 'poster')",
            (lesson,),
        )
    site.viewer = Viewer(new_id())
    await site.titles(1, q="市课")
    found = await site.get(q="市课")
    assert found["items"][0]["poster_url"] == f"/media/{lesson}/poster.jpg?token=token-{lesson}"


async def test_suggestions_complete_words_then_titles(site: Site) -> None:
    await site.add("勾股定理的证明", tags=["勾股定理"], teacher_name="顾工")
    await site.titles(1)
    for typed in ("勾股", "gougu", "ggd"):
        assert await site.get("/suggest", q=typed) == {
            "suggestions": [
                {"text": "勾股定理", "kind": "tag"},
                {"text": "勾股定理的证明", "kind": "title"},
            ]
        }
    assert (await site.get("/suggest", q="gug"))["suggestions"][0]["kind"] == "teacher"
    assert await site.get("/suggest", q="") == {"suggestions": []}


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"sort": "random"}, {"cursor": "zzz"},
        {"q": "长" * 201}, {"state": "lost"}, {"subject": "x" * 61}, {"cursor": "A" * 201},
        {"school": [str(n) for n in range(VALUES_LIMIT + 1)]}, {"q": "\x00\x1f"},
    ],
)  # fmt: skip
async def test_bad_questions_are_refused_in_plain_words(site: Site, query: dict[str, Any]) -> None:
    await site.titles(0)
    problem = await site.get(status=422, **query)
    assert problem["detail"]


@pytest.mark.parametrize(
    "text",
    [
        "' or 1=1 --",
        "<script>",
        "title:x AND *",
        "%E2%28%A1",
        "\ud7ff𠀀",
        "*",
        '"',
        "()",
    ],
)
async def test_strange_text_is_only_text(site: Site, text: str) -> None:
    await site.titles(0)
    await site.get(q=text)
    await site.get("/suggest", q=text)


async def test_no_index_yet_is_answered_with_503(pool: Pool, tmp_path: Path) -> None:
    reader = TantivyReader(SearchSettings(tmp_path))
    async with serving(pool, reader, SearchMetrics(CollectorRegistry())) as site:
        assert "being built" in (await site.get(status=503))["detail"]
    await asyncio.to_thread(reader.close)
