"""Sessions of the demo city: one whose room is open now, and what recurs this week and next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta

from catalog.db.pool import Connection, Pool
from catalog.db.sessions_booking import FixedCapacity, book
from catalog.db.sessions_life import advance
from catalog.db.timetable import add_term, make_timetable, read_term
from catalog.errors import Conflict
from catalog.people import city_day
from catalog.session import Booking, SessionInput, SessionKind
from catalog.timetable import Period, Slot, Term

TERM_NAME = "本学期"
THIS_WEEK, WEEKS = 10, 20
NOW_S = 3 * 3600
CAPACITY = FixedCapacity(1000)
PERIODS = tuple(
    Period(time(hour, minute), 2400)
    for hour, minute in ((8, 0), (8, 50), (9, 50), (10, 40), (14, 0), (14, 50), (19, 0))
)
_K = SessionKind


@dataclass(frozen=True, slots=True)
class DemoSession:
    """What recurs: pair by its number, teacher by user name, weekday and period."""

    title: str
    kind: SessionKind
    pair: int
    teacher: str
    weekday: int
    period: int
    grade: str
    subject: str


SESSIONS = (
    DemoSession("两位数乘两位数", _K.SYNC_CLASS, 0, "wangfang", 1, 2, "g3", "mathematics"),
    DemoSession("长方形的面积", _K.SYNC_CLASS, 0, "wangfang", 3, 2, "g3", "mathematics"),
    DemoSession("海上日出", _K.SYNC_CLASS, 1, "lina", 1, 1, "g4", "chinese"),
    DemoSession("观察与记录", _K.SYNC_CLASS, 1, "lina", 4, 3, "g4", "science"),
    DemoSession("音乐里的海洋", _K.SYNC_CLASS, 2, "zhangwei", 2, 5, "g5", "music"),
    DemoSession("同课异构：分数的意义", _K.PAIRED_LESSON, 2, "zhangwei", 3, 5, "g5", "mathematics"),
    DemoSession("名师空中课堂：勾股定理", _K.OPEN_CLASS, 1, "lina", 2, 7, "g8", "mathematics"),
    DemoSession("名师导学与在线答疑：期中复习", _K.GUIDED_QA, 2, "zhangwei", 4, 7, "g8", "physics"),
    DemoSession("网络教研：一节课的导入", _K.RESEARCH, 1, "lina", 5, 6, "", ""),
)
OPEN_NOW = DemoSession("生活中的对称", _K.SYNC_CLASS, 0, "wangfang", 1, 1, "g3", "mathematics")


async def book_demo_sessions(pool: Pool, pairs: Sequence[tuple[str, str]], now_utc: float) -> str:
    """Book everything; `pairs` are ids of a city and a country school. Give the open session's id.

    What would clash with the session that is open now is left out.
    """
    async with pool.connection() as connection:
        wanted = await _booking(connection, OPEN_NOW, pairs)
        now = replace(wanted, starts_utc=now_utc // 60 * 60, duration_s=NOW_S)
        session = await book(connection, now, now.teacher_id, CAPACITY)
        await advance(connection, session, SessionInput.ROOM_OPENED, now_utc)
    async with pool.connection() as connection:
        term = await add_term(connection, TERM_NAME, None, demo_term(city_day(now_utc)))
    for item in SESSIONS:
        try:
            await _recur(pool, term, item, pairs, now_utc)
        except Conflict:
            continue
    return session


def demo_term(day: date) -> Term:
    """Give a term that is in its tenth week."""
    monday = day - timedelta(days=day.weekday())
    return Term(monday - timedelta(weeks=THIS_WEEK - 1), WEEKS, PERIODS)


async def _recur(
    pool: Pool, term: str, item: DemoSession, pairs: Sequence[tuple[str, str]], now_utc: float
) -> None:
    async with pool.connection() as connection:
        record = await read_term(connection, term)
        assert record is not None, "just added"
        booking = await _booking(connection, item, pairs)
        slot = Slot(item.weekday, item.period, THIS_WEEK, THIS_WEEK + 1)
        await make_timetable(
            connection, record, slot, booking, booking.teacher_id, CAPACITY, now_utc
        )


async def _booking(
    connection: Connection, item: DemoSession, pairs: Sequence[tuple[str, str]]
) -> Booking:
    near, far = pairs[item.pair]
    main, other = await _classroom(connection, near), await _classroom(connection, far)
    opened, two = item.kind.open_by_default, item.kind is SessionKind.PAIRED_LESSON
    row = await _one(connection, "select id from person where username = %s", item.teacher)
    return Booking(
        item.title, item.kind, str(row["id"]), 0.0, NOW_S, opened,
        "public" if opened else "group", near, main, other if two else None,
        () if opened or two or item.kind is SessionKind.RESEARCH else (other,),
        stage="junior" if item.grade == "g8" else "primary" if item.grade else "",
        grade=item.grade, subject=item.subject,
    )  # fmt: skip


async def _classroom(connection: Connection, school: str) -> str:
    row = await _one(connection, "select min(id) as id from classroom where school_id = %s", school)
    return str(row["id"])


async def _one(connection: Connection, query: str, value: str) -> Mapping[str, object]:
    row = await (await connection.execute(query.encode(), (value,))).fetchone()
    assert row is not None
    return row
