"""Two of everything that the API knows, made by its own requests: for tests that ask all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from catalog.db.embedded import running_server
from catalog.ids import new_id
from loadtests.client import Client
from tests.support.lessons import add_lesson, insert

Ids = dict[str, list[str]]
_SCHOOLS = ZoneInfo("Asia/Shanghai")
_HALF_A_DAY = timedelta(hours=12)
_TERM_WEEKS = 20
_STAYS_WHILE_USED = (
    "districts", "groups", "series", "schools", "classrooms", "users", "terms", "sessions",
)  # fmt: skip
_DAYS = count()  # a service carries few pictures at once: each lesson has a time of its own


async def whole_city(boss: Client, data: Path) -> Ids:
    """Make it anew, with names of its own; give the ids by kind, as the API's paths call them.

    Of the sessions the first is scheduled, the room of the second is open.
    """
    ids: Ids = {}
    mark = new_id()
    for kind, body in _BODIES:
        ids[kind] = [await _made(boss, kind, body(ids, n, f"{mark} {n}")) for n in range(2)]
    person = await boss.get(f"users/{ids['users'][0]}")
    ids["affiliations"] = [item["id"] for item in person["affiliations"]]
    ids["lessons"] = await _lessons(data, ids)
    await boss.post(f"sessions/{ids['sessions'][1]}/open")
    return ids


def another(ids: Ids) -> dict[str, Mapping[str, Any]]:
    """Give, by kind, what one more could be asked for with; it clashes with nothing."""
    return {kind: body(ids, 0, new_id()) for kind, body in _BODIES}


async def to_take_away(boss: Client, data: Path) -> Ids:
    """Make it anew once more; the first of each is used by nothing else, the second is."""
    ids = await whole_city(boss, data)
    bodies = another(ids)
    unused = {kind: await _made(boss, kind, bodies[kind]) for kind in _STAYS_WHILE_USED}
    return ids | {kind: [one, ids[kind][0]] for kind, one in unused.items()}


async def _made(boss: Client, kind: str, body: Mapping[str, Any]) -> str:
    return str((await boss.post(kind, body))["id"])


async def _lessons(data: Path, ids: Ids) -> list[str]:
    """Write a lesson that can be played, and one whose encoding failed."""
    dsn = await asyncio.to_thread(running_server, data)
    assert dsn is not None
    async with await psycopg.AsyncConnection.connect(dsn, row_factory=dict_row) as connection:
        held = {"school_id": ids["schools"][0], "owner_id": ids["users"][0]}
        ready = await add_lesson(connection, visibility="public", **held)
        failed = await add_lesson(connection, state="failed", **held)
        rendition = await insert(
            connection, "rendition", lesson_id=ready, generation=1, name="360p", media="video",
            codecs="avc1.64001e", timescale=15360, init="init", rung=0, complete=True,
            width_px=640, height_px=360,
        )  # fmt: skip
        await connection.execute(
            "insert into media_object (rendition_id, key, first_number, init_bytes, base_ts,"
            " sizes, durations_ts, keyframe_sizes)"
            " values (%s, %s, 0, 4, 0, '{10}', '{61440}', '{3}')",
            (rendition, f"media/{rendition}"),
        )
    return [ready, failed]


def _named(ids: Ids, n: int, mark: str) -> Mapping[str, Any]:
    return {"name": mark}


def _school(ids: Ids, n: int, mark: str) -> Mapping[str, Any]:
    return {"name": f"小学 {mark}", "district": ids["districts"][n], "group": ids["groups"][n],
            "setting": ("urban", "rural")[n]}  # fmt: skip


def _pair(ids: Ids, n: int, mark: str) -> Mapping[str, Any]:
    schools = ids["schools"]
    return {"urban_school": schools[n], "rural_school": schools[1 - n]}


def _in_school(ids: Ids, n: int, mark: str) -> Mapping[str, Any]:
    return {"name": f"智慧教室 {mark}", "school": ids["schools"][n]}


def _user(ids: Ids, n: int, mark: str) -> Mapping[str, Any]:
    held = {"role": "teacher", "school": ids["schools"][n]}
    return {"username": mark.replace(" ", "-"), "name": "王芳", "affiliations": [held]}


def _term(ids: Ids, n: int, mark: str) -> Mapping[str, Any]:
    # Sessions begin now: what is in a timetable is far from that, at whatever time of the day.
    starts = (datetime.now(_SCHOOLS) + _HALF_A_DAY).strftime("%H:00:00")
    period = {"starts": starts, "duration_s": 2400}
    return {"name": f"学期 {mark}", "first_day": _day(0), "weeks": _TERM_WEEKS,
            "periods": [period], "school": ids["schools"][n]}  # fmt: skip


def _session(ids: Ids, n: int, mark: str) -> Mapping[str, Any]:
    starts_at = datetime.now(UTC) + timedelta(minutes=1, days=next(_DAYS))
    return {**_taught(ids, n), "starts_at": starts_at.isoformat(), "duration_s": 2400}


def _timetable(ids: Ids, n: int, mark: str) -> Mapping[str, Any]:
    weekday, week = divmod(next(_DAYS), _TERM_WEEKS - 1)
    return {**_taught(ids, n), "term": ids["terms"][n], "weekday": 1 + weekday % 7, "period": 1,
            "first_week": 2 + week, "last_week": 2 + week}  # fmt: skip


def _taught(ids: Ids, n: int) -> Mapping[str, Any]:
    rooms = ids["classrooms"]
    return {"title": "两位数乘法", "kind": "sync_class", "main_classroom": rooms[n],
            "listening_classrooms": [rooms[1 - n]], "teacher": ids["users"][n]}  # fmt: skip


def _day(after: int) -> str:
    return (datetime.now(UTC) + timedelta(days=after)).date().isoformat()


_BODIES: tuple[tuple[str, Callable[[Ids, int, str], Mapping[str, Any]]], ...] = (
    ("districts", _named), ("groups", _named), ("series", _named), ("schools", _school),
    ("classrooms", _in_school), ("pairs", _pair), ("users", _user), ("edges", _in_school),
    ("terms", _term), ("sessions", _session), ("timetables", _timetable),
)  # fmt: skip
