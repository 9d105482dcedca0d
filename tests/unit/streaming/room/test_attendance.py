"""Who was in a lesson and what they did, out of the log of a scripted room."""

from __future__ import annotations

from dataclasses import replace

from catalog.live import Attended, RoomCounts, RoomRole, RoomSummary
from streaming.room import inputs as said
from streaming.room.attendance import attendance, summary
from streaming.room.inputs import CourseState, Device, Join, PollKind
from tests.support.rooms import CLASSROOM, EPOCH_UTC, Scene, lesson_room

BEGAN_UTC = EPOCH_UTC + 20.0


def lesson() -> tuple[Scene, str, str]:
    """A lesson from 20 to 400 s with two classrooms; the second one is in the log."""
    scene, teacher, (room, other) = lesson_room()
    scene.now = 20.0
    scene.turn(CourseState.LIVE, BEGAN_UTC)
    scene.now = 60.0
    scene.say(room, said.Hand(True))
    scene.say(teacher, said.Grant(room))
    scene.say(other, said.Hand(True))
    scene.say(other, said.Hand(False))
    scene.say(other, said.Hand(True))
    scene.say(room, said.Ask("什么是最简分数？"))
    scene.say(other, said.Ask("为什么？"))
    scene.say(teacher, said.Answer("q1", "分子分母互质"))
    scene.say(teacher, said.Answer("q1", "只有公因数 1"))
    for poll in ("p1", "p2"):
        scene.say(teacher, said.PollOpen(PollKind.ABCD))
        for choice in "AB":
            scene.say(room, said.Vote(poll, choice))
        scene.say(teacher, said.PollClose(poll))
    scene.say(other, said.Chat("听得很清楚"))
    return scene, room, other


def ended(scene: Scene, at: float = 400.0) -> Scene:
    """The same at the end."""
    scene.now = at
    scene.turn(CourseState.ENDED)
    return scene


def test_a_person_is_counted_once_however_many_pages() -> None:
    scene = Scene()
    scene.turn(CourseState.LIVE, EPOCH_UTC)
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


def test_minutes_are_those_of_the_lesson() -> None:
    scene, _, other = lesson()
    scene.now = 120.0
    scene.depart(other)
    scene.wait(40)
    teacher, room, left = attendance(ended(scene).log)
    assert [teacher.first_utc, room.first_utc, left.first_utc] == [EPOCH_UTC] * 3
    assert [teacher.present_s, room.present_s, left.present_s] == [380.0, 380.0, 100.0]
    assert left.last_utc == EPOCH_UTC + 120.0


def test_who_left_before_the_lesson_was_not_in_it() -> None:
    scene = Scene()
    early = scene.arrive("早到", CLASSROOM, "一班")
    scene.depart(early)
    scene.wait(60)
    scene.turn(CourseState.LIVE, EPOCH_UTC + scene.now)
    (found,) = attendance(ended(scene).log)
    assert (found.first_utc, found.present_s) == (EPOCH_UTC, 0.0)


def test_a_lesson_that_never_began_has_no_minutes() -> None:
    scene, _, _ = lesson_room()
    found = summary(ended(scene).log)
    assert (found.lesson_s, [item.present_s for item in found.attended]) == (0.0, [0.0] * 3)


def test_who_comes_after_the_end_was_not_there() -> None:
    scene, _, _ = lesson()
    ended(scene)
    scene.now = 410.0
    scene.arrive("后来", CLASSROOM, "三班")
    assert [item.identity for item in attendance(scene.log)] == ["t", "room-0", "room-1"]


def test_what_each_of_them_did() -> None:
    scene, _, _ = lesson()
    _, room, other = attendance(ended(scene).log)
    assert (room.hands, room.floors, room.questions, room.votes) == (1, 1, 1, 2)
    assert (other.hands, other.floors, other.questions, other.votes) == (2, 0, 1, 0)


def test_a_lesson_that_goes_on_counts_until_now() -> None:
    scene, _, other = lesson()
    scene.now = 120.0
    scene.depart(other)
    scene.wait(40)
    found = summary(scene.log, EPOCH_UTC + 320.0)
    assert found.lesson_s == 300.0
    teacher, room, left = found.attended
    assert [teacher.here, room.here, left.here] == [True, True, False]
    assert [teacher.present_s, left.present_s] == [300.0, 100.0]
    assert not any(item.here for item in attendance(ended(scene).log))


def test_an_end_that_is_not_in_the_log_is_told() -> None:
    scene, _, _ = lesson()
    scene.now = 500.0
    scene.arrive("后来", CLASSROOM, "三班")
    found = summary(scene.log, EPOCH_UTC + 220.0)
    assert found.lesson_s == 200.0
    assert [item.present_s for item in found.attended] == [200.0] * 3


def test_a_restart_changes_nothing() -> None:
    scene, _, _ = lesson()
    whole = summary(ended(scene).log)
    scene, _, _ = lesson()
    after = scene.restarted()
    after.wait(35)
    found = summary(ended(after).log)
    assert replace(found, attended=()) == replace(whole, attended=())
    assert {item.present_s for item in found.attended} == {42.0}, "nobody came back"


def test_a_summary_in_figures() -> None:
    scene, _, _ = lesson()
    found = summary(ended(scene).log)
    assert replace(found, attended=()) == RoomSummary(
        began_utc=BEGAN_UTC, lesson_s=380.0, attended=(),
        counts=RoomCounts(
            hands=3, floors=1, questions=2, answered=1, polls=2, votes=2, messages=1
        ),
    )  # fmt: skip
    assert summary([]) == RoomSummary(None, 0.0, RoomCounts(0, 0, 0, 0, 0, 0, 0), ())
    assert summary([], EPOCH_UTC).lesson_s == 0.0
