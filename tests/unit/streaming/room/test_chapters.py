"""What a recording gets of its room's log."""

from typing import Any

from catalog.live import RoomRole
from catalog.media import Chapter
from streaming.room import inputs as said
from streaming.room.chapters import (
    CHAPTERS_LIMIT,
    TITLE_LIMIT,
    Attended,
    attendance,
    chapters,
    summary,
)
from streaming.room.inputs import CourseState, Device, Join, PollKind
from tests.support.rooms import CLASSROOM, EPOCH_UTC, Scene, lesson_room


def lesson() -> Scene:
    scene, teacher, (room, other) = lesson_room()
    scene.now = 10.0
    scene.say(other, said.Ask("课前的问题"))
    scene.say(teacher, said.Answer("q1"))
    scene.turn(CourseState.LIVE, EPOCH_UTC + 20.0)
    scene.now = 120.0
    scene.say(teacher, said.Grant(room))
    scene.now = 180.0
    scene.say(teacher, said.Grant(other))
    scene.now = 240.0
    scene.say(other, said.FloorEnd())
    scene.say(room, said.Ask("什么是\n最简分数？"))
    scene.say(other, said.Ask("为什么？"))
    scene.now = 300.0
    scene.say(teacher, said.Answer("q2", "分子分母互质"))
    scene.now = 330.0
    scene.say(teacher, said.Answer("q2", "只有公因数 1"))
    scene.say(teacher, said.PollOpen(PollKind.ABCD))
    for choice in "AB":
        scene.say(room, said.Vote("p1", choice))
    scene.say(teacher, said.Grant(room))
    scene.now = 360.0
    scene.say(room, said.FloorEnd())
    scene.now = 363.0
    scene.say(teacher, said.Answer("q3"))
    scene.now = 400.0
    scene.say(teacher, said.Grant(room))
    scene.turn(CourseState.ENDED)
    return scene


def test_chapters_of_questions_and_floor_changes() -> None:
    assert chapters(lesson().log) == [
        Chapter(0.0, "开始上课"),
        Chapter(100.0, "发言：店埠小学三年级1班"),
        Chapter(160.0, "发言：店埠小学三年级2班"),
        Chapter(220.0, "主讲继续"),
        Chapter(280.0, "答疑：什么是 最简分数？"),
        Chapter(310.0, "发言：店埠小学三年级1班"),
        Chapter(343.0, "答疑：为什么？"),
        Chapter(380.0, "发言：店埠小学三年级1班"),
    ]


def test_a_lesson_in_which_nothing_happened_has_none() -> None:
    scene, _, _ = lesson_room()
    assert chapters([]) == chapters(scene.log) == []


def test_titles_and_chapters_are_bounded() -> None:
    log = [
        {"kind": "answered", "question": f"q{n}", "asked": "长" * 500, "at": 10.0 * n + 1}
        for n in range(CHAPTERS_LIMIT + 10)
    ]
    found = chapters(log)
    assert len(found) == CHAPTERS_LIMIT
    assert {len(one.title) for one in found[1:]} == {TITLE_LIMIT}
    assert found[1].title.endswith("长…")


def test_attendance_counts_a_person_once_however_many_pages() -> None:
    scene = Scene()
    one = scene.arrive("小明", join=Join(name="小明", client="a"))
    scene.now = 10.0
    two = scene.arrive("小明", join=Join(name="小明", client="b"))
    scene.depart(one, clean=True)
    scene.wait(50)
    scene.depart(two)
    scene.wait(60)
    room = scene.arrive("一班", CLASSROOM, "一班", Join(device=Device.KIOSK))
    scene.now = 200.0
    scene.turn(CourseState.ENDED)
    scene.wait(300)
    scene.depart(room)
    scene.wait(60)
    assert attendance(scene.log) == [
        Attended("小明", "小明", RoomRole.VIEWER, EPOCH_UTC, EPOCH_UTC + 60.0, 60.0),
        Attended("一班", "一班", CLASSROOM, EPOCH_UTC + 120.0, EPOCH_UTC + 200.0, 80.0),
    ]


def test_a_summary_in_figures() -> None:
    found = summary(lesson().log)
    figures: dict[str, Any] = {
        name: getattr(found, name)
        for name in ("questions", "answered", "floors", "polls", "votes", "messages")
    }
    assert figures == {
        "questions": 3, "answered": 3, "floors": 4, "polls": 1, "votes": 1, "messages": 0,
    }  # fmt: skip
    assert [one.present_s for one in found.attended] == [400.0, 400.0, 400.0]
    assert summary([]).attended == ()
