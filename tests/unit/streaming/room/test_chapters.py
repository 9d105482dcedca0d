"""What a recording gets of its room's log."""

from catalog.media import Chapter
from streaming.room import inputs as said
from streaming.room.chapters import CHAPTERS_LIMIT, TITLE_LIMIT, chapters
from streaming.room.inputs import CourseState, PollKind
from tests.support.rooms import EPOCH_UTC, Scene, lesson_room


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
