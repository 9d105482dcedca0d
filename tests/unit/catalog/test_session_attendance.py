"""Attendance as a spreadsheet reads it: exact text, and nothing that it would compute."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from io import StringIO

import pytest

from catalog.http.lesson_json import Named
from catalog.http.sessions_attendance_csv import MARK, disposition, table
from catalog.http.sessions_attendance_json import (
    Attendance,
    ClassroomPresence,
    PersonPresence,
)
from catalog.live import RoomCounts

BEGAN = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


def attended(name: str = "孙磊", left_out: int = 0, guests: int = 0) -> Attendance:
    """One classroom that came, one that did not, and a person."""
    school = Named("s1", "田野小学")
    return Attendance(
        session="x", title="两位数乘法", state="recorded", starts_at=BEGAN, began_at=BEGAN,
        lesson_s=2400.0,
        classrooms=[
            ClassroomPresence(
                id="c1", name="一号教室", school=school, part="listening", first_seen=BEGAN,
                last_seen=BEGAN, present_s=2385.0, hands=2, floors=1, questions=3, votes=4,
            ),
            ClassroomPresence(id="c2", name="二号教室", school=school, part="listening"),
            ClassroomPresence(id="c3", name="外校教室", school=None, part=""),
        ],
        people=[PersonPresence(id="p", name=name, role="viewer", first_seen=BEGAN,
                               last_seen=BEGAN, present_s=61.0)],
        left_out=left_out, guests=guests, counts=RoomCounts(2, 1, 3, 1, 1, 4, 0),
    )  # fmt: skip


def test_the_table_word_for_word() -> None:
    assert table(attended(guests=3, left_out=7)) == MARK + "\r\n".join([
        "类别,名称,学校,身份,首次进入,最后在线,在课分钟,课堂分钟,举手,发言,提问,投票",
        "教室,一号教室,田野小学,听讲教室,2026-11-25 10:00:00,2026-11-25 10:00:00,39.8,40.0,2,1,3,4",
        "教室,二号教室,田野小学,听讲教室,未到,未到,0.0,40.0,0,0,0,0",
        "教室,外校教室,,其他教室,未到,未到,0.0,40.0,0,0,0,0",
        "人员,孙磊,,旁听,2026-11-25 10:00:00,2026-11-25 10:00:00,1.0,40.0,0,0,0,0",
        "人员,另有 7 人未列出",
        "访客,3 人",
        "",
    ])  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ['=HYPERLINK("http://x","看")', "+1", "-1+2", "@SUM(A1)", "\t=1", " =1", "\u3000=1", "\r=1"],
)
def test_no_name_is_a_formula(name: str) -> None:
    rows = list(csv.reader(StringIO(table(attended(name)).removeprefix(MARK), newline="")))
    assert rows[4][1] == f"'{name}"


@pytest.mark.parametrize("name", ["王芳", "A=B", '他说"好"，对', "第一行\n第二行", "3-1 班"])
def test_other_names_come_back_as_they_are(name: str) -> None:
    rows = list(csv.reader(StringIO(table(attended(name)).removeprefix(MARK), newline="")))
    assert rows[4][1] == name


def test_the_file_has_the_lessons_name_and_day() -> None:
    assert disposition(attended()) == (
        "attachment; filename*=UTF-8''%E8%80%83%E5%8B%A4%20%E4%B8%A4%E4%BD%8D%E6%95%B0%E4%B9%98"
        "%E6%B3%95%202026-11-25.csv"
    )
