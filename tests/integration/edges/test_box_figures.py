"""When each school's box was heard last, on /metrics of the city."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest

from catalog.db.edges import revoke, schools_heard
from catalog.db.pool import Pool, make_pool
from deploy.box_figures import BoxFigures
from tests.support.edges import Bureau
from tests.support.sessions import Town

EARLY = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
LATE = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)


async def seen(pool: Pool, edge: str, at: datetime) -> None:
    async with pool.connection() as connection:
        await connection.execute("update edge set seen_at = %s where id = %s", (at, edge))


async def test_of_several_boxes_the_one_that_is_longest_away_counts(
    bureau: Bureau, pool: Pool, town: Town
) -> None:
    first, second = await bureau.box(town.rural), await bureau.box(town.rural, "second")
    await seen(pool, first.id, EARLY)
    await seen(pool, second.id, LATE)
    registry = CollectorRegistry()
    figures = BoxFigures(registry)
    labels = {"school": town.rural}
    await figures.read(pool)
    assert registry.get_sample_value("tongbu_box_heard_seconds", labels) == EARLY.timestamp()
    async with pool.connection() as connection:
        await revoke(connection, first.id)
    await figures.read(pool)
    assert registry.get_sample_value("tongbu_box_heard_seconds", labels) == LATE.timestamp()


async def test_a_box_that_was_never_heard_counts_from_when_it_enrolled_and_a_code_alone_not(
    bureau: Bureau, pool: Pool, town: Town
) -> None:
    await bureau.code(town.urban, "waits")
    box = await bureau.box(town.rural)
    async with pool.connection() as connection:
        await connection.execute("update edge set seen_at = null where id = %s", (box.id,))
        assert set(await schools_heard(connection, 10)) == {town.rural}
        assert await schools_heard(connection, 0) == {}


async def test_without_the_catalogue_there_are_no_old_figures(
    bureau: Bureau, pool: Pool, town: Town
) -> None:
    await bureau.box(town.rural)
    registry = CollectorRegistry()
    figures = BoxFigures(registry)
    await figures.read(pool)
    assert "tongbu_box_heard_seconds{" in generate_latest(registry).decode()
    async with make_pool("host=127.0.0.1 port=1 dbname=none user=none", 1) as nowhere:
        await figures.read(nowhere)
    assert "tongbu_box_heard_seconds{" not in generate_latest(registry).decode()
