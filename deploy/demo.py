"""`tongbu serve --demo`: fills an empty service with the demo city, people and lessons, once.

Lessons are drawn by ffmpeg and come in as a bureau's would: as a table with files. One password,
made at random and printed, opens every demo account.
"""

from __future__ import annotations

import csv
import io
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from catalog.accounts import NewPerson, Secret, add_person, make_secret
from catalog.bulk_import import import_table
from catalog.credentials import random_password
from catalog.db.city import city_is_empty, insert_city
from catalog.db.edges import add_edge
from catalog.db.pool import Connection, Pool
from catalog.edges import shown_code
from catalog.importing import Item, Problem
from catalog.passwords import Passwords
from catalog.people import Affiliation, Role
from catalog.store.port import ObjectStore
from deploy.demo_city import demo_city
from deploy.demo_media import LESSONS, DemoError, DemoLesson, draw
from deploy.demo_sessions import book_demo_sessions

TEACHER = "wangfang"
BOX = "二楼机房"
BOX_TOLD = """a box for {0} (the code is good once, for a day):
  tongbu edge --origin {1} --enrol {2} --data DIR --listen 127.0.0.1:8090
"""
_URBAN, _RURAL = 0, 165
PAIRS = 3


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """An account and what it is; school is its number in the demo city."""

    username: str
    name: str
    role: Role
    school: int = _URBAN


PEOPLE = (
    DemoPerson("district", "市南区信息员 刘洋", Role.DISTRICT),
    DemoPerson("school", "校长 陈静", Role.SCHOOL),
    DemoPerson(TEACHER, "王芳", Role.TEACHER),
    DemoPerson("lina", "李娜", Role.TEACHER, _URBAN + 1),
    DemoPerson("zhangwei", "张伟", Role.TEACHER, _URBAN + 2),
    DemoPerson("rural", "乡村教师 孙磊", Role.TEACHER, _RURAL),
    DemoPerson("researcher", "教研员 赵敏", Role.RESEARCHER),
    DemoPerson("classroom", "听讲教室 1", Role.CLASSROOM, _RURAL),
    DemoPerson("pupil", "学生 李想", Role.PUPIL, _RURAL),
)


async def fill_demo(
    pool: Pool, store: ObjectStore, passwords: Passwords, day: date, address: str
) -> None:
    """Fill an empty catalogue; do nothing when there is a city already. Raises: DemoError.

    `address` is where a school's box would find the service.
    """
    if not await city_is_empty(pool):
        return
    since = date(day.year if day.month >= 9 else day.year - 1, 9, 1)
    city = demo_city(since)
    schools = await insert_city(pool, city)
    names = [school.name for school in city.schools]
    password = random_password()
    secrets = [await make_secret(passwords, person.username, password) for person in PEOPLE]
    async with pool.connection() as connection:
        for person, secret in zip(PEOPLE, secrets, strict=True):
            await _add(connection, person, schools[names[person.school]], since, secret)
        school = schools[names[_RURAL]]
        _, box = await add_edge(connection, BOX, school, None, time.time())
    sys.stdout.write(_told(password))
    sys.stdout.write(BOX_TOLD.format(names[_RURAL], address, shown_code(box.code)))
    sys.stdout.flush()
    pairs = [(schools[names[_URBAN + n]], schools[names[_RURAL + n]]) for n in range(PAIRS)]
    await book_demo_sessions(pool, pairs, time.time())
    await _import_lessons(pool, store, names)


async def _add(
    connection: Connection, person: DemoPerson, school: str, since: date, secret: Secret
) -> None:
    cursor = await connection.execute(
        "select s.district_id, min(c.id) as classroom_id from school s"
        " left join classroom c on c.school_id = s.id where s.id = %s group by s.id",
        (school,),
    )
    row = await cursor.fetchone() or {}
    places = {
        Role.DISTRICT: Affiliation(person.role, since, district_id=row.get("district_id")),
        Role.CLASSROOM: Affiliation(person.role, since, classroom_id=row.get("classroom_id")),
    }
    place = places.get(person.role, Affiliation(person.role, since, school_id=school))
    await add_person(connection, NewPerson(person.username, person.name, secret, (place,)))


def _told(password: str) -> str:
    names = ", ".join(f"{person.username} ({person.role.value})" for person in PEOPLE)
    return f"demo city: sign in as {names}\n  with the password {password} (shown only now)\n"


async def _import_lessons(pool: Pool, store: ObjectStore, schools: list[str]) -> None:
    owner = await _teacher(pool)
    with tempfile.TemporaryDirectory(prefix="tongbu-demo-") as folder:
        for index, lesson in enumerate(LESSONS):
            await draw(lesson, Path(folder) / f"{index}.mp4")
            # The table grows by a line; what came in before is known and not imported again.
            report = await import_table(
                _table(LESSONS[: index + 1], schools[_URBAN]).encode(), Path(folder),
                owner_id=owner, pool=pool, store=store, progress=_Silent(),
            )  # fmt: skip
            if report.problems:
                raise DemoError(f"a demo lesson could not be imported: {report.problems[0]}")


def _table(lessons: Sequence[DemoLesson], school: str) -> str:
    out = io.StringIO()
    rows: list[Mapping[str, str]] = [
        {"file": f"{index}.mp4", "title": lesson.title, "series": lesson.series,
         "stage": lesson.stage, "grade": lesson.grade, "subject": lesson.subject,
         "chapter": lesson.chapter, "tags": ",".join(lesson.tags), "teacher": "王芳",
         "school": school}
        for index, lesson in enumerate(lessons)
    ]  # fmt: skip
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


async def _teacher(pool: Pool) -> str:
    async with pool.connection() as connection:
        cursor = await connection.execute("select id from person where username = %s", (TEACHER,))
        row = await cursor.fetchone()
    assert row is not None
    return str(row["id"])


class _Silent:
    def checking(self, files: int) -> None:
        """Say nothing."""

    def begun(self, lessons: int, size_bytes: int, done_before: int) -> None:
        """Say nothing."""

    def imported(self, item: Item) -> None:
        """Say nothing."""

    def failed(self, problem: Problem) -> None:
        """Say nothing: the report has it."""
