"""Attendance as a table for spreadsheets: UTF-8 with a byte order mark, words in Chinese. Pure.

Names come from outside: a cell that a spreadsheet would take for a formula gets an apostrophe in
front, which it shows as text.

Spec: RFC 4180; RFC 6266 5 and RFC 8187 3.2 (names of files).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from urllib.parse import quote

from catalog.http.sessions_attendance_json import Attendance, Presence
from catalog.people import CITY_ZONE

MARK = "\ufeff"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
HEADER = (
    "类别", "名称", "学校", "身份", "首次进入", "最后在线", "在课分钟", "课堂分钟", "举手", "发言",
    "提问", "投票",
)  # fmt: skip
PARTS = {"main": "主讲教室", "second": "第二主讲教室", "listening": "听讲教室", "": "其他教室"}
ROLES = {"teacher": "教师", "speaker": "发言人", "classroom": "教室", "viewer": "旁听"}


def table(attendance: Attendance) -> str:
    """Write the table: classrooms, people, then how many guests there were."""
    text = StringIO()
    text.write(MARK)
    rows = csv.writer(text)
    rows.writerow(HEADER)
    rows.writerows([_safe(cell) for cell in row] for row in _rows(attendance))
    return text.getvalue()


def disposition(attendance: Attendance) -> str:
    """Give the header that names the file after the lesson and its day."""
    day = attendance.starts_at.astimezone(CITY_ZONE).date().isoformat()
    return f"attachment; filename*=UTF-8''{quote(f'考勤 {attendance.title} {day}.csv', safe='')}"


def _rows(attendance: Attendance) -> Iterator[list[str]]:
    lesson_s = attendance.lesson_s
    for room in attendance.classrooms:
        school = room.school.name if room.school else ""
        yield ["教室", room.name, school, PARTS[room.part], *_figures(room, lesson_s)]
    for person in attendance.people:
        yield ["人员", person.name, "", ROLES[person.role], *_figures(person, lesson_s)]
    if attendance.left_out:
        yield ["人员", f"另有 {attendance.left_out} 人未列出"]
    if attendance.guests:
        yield ["访客", f"{attendance.guests} 人"]


def _figures(item: Presence, lesson_s: float) -> list[str]:
    did = (item.hands, item.floors, item.questions, item.votes)
    minutes = (item.present_s / 60, lesson_s / 60)
    return [
        _clock(item.first_seen), _clock(item.last_seen),
        *(f"{one:.1f}" for one in minutes), *map(str, did),
    ]  # fmt: skip


def _clock(moment: datetime | None) -> str:
    return "未到" if moment is None else f"{moment.astimezone(CITY_ZONE):%Y-%m-%d %H:%M:%S}"


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" \u3000").startswith(FORMULA) else cell
