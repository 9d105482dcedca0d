"""What operations see of those in a room: the newest report of each, and who was cut off."""

from __future__ import annotations

from streaming.room.inputs import Report
from streaming.room.members import MemberFigures, members_of
from tests.support.rooms import CLASSROOM, Scene, lesson_room


def seen(scene: Scene) -> dict[str, MemberFigures]:
    return {one.identity: one for one in members_of("s1", scene.room, scene.now)}


def test_only_who_has_reported_is_seen_with_the_newest_report() -> None:
    scene, _, rooms = lesson_room()
    assert seen(scene) == {}
    scene.say(rooms[0], Report("720p", 440, 12, 0))
    newest = Report("360p", 900, 300, 2)
    scene.say(rooms[0], newest)
    found = seen(scene)
    assert list(found) == ["room-0"]
    one = found["room-0"]
    assert (one.session, one.member, one.name) == ("s1", rooms[0], "店埠小学三年级1班")
    assert (one.role, one.late, one.away_s) == (CLASSROOM, False, None)
    assert one.report is newest


def test_the_report_is_the_same_object_until_a_newer_comes() -> None:
    scene, _, rooms = lesson_room()
    scene.say(rooms[0], Report("720p", 440))
    before = seen(scene)["room-0"].report
    scene.wait(20)
    assert seen(scene)["room-0"].report is before
    scene.say(rooms[0], Report("720p", 440))
    assert seen(scene)["room-0"].report is not before


def test_who_was_cut_off_is_seen_and_who_left_is_not() -> None:
    scene, _, rooms = lesson_room()
    for room in rooms:
        scene.say(room, Report("720p", 440))
    scene.depart(rooms[0], clean=False)
    scene.depart(rooms[1], clean=True)
    scene.wait(5)
    found = seen(scene)
    assert list(found) == ["room-0"]
    assert found["room-0"].away_s == 5.0
    scene.wait(26)
    assert seen(scene) == {}, "gone after 30 s"


def test_a_room_that_cannot_follow_is_late() -> None:
    scene, _, rooms = lesson_room()
    for _ in range(15):
        scene.say(rooms[0], Report("360p", 2400, 1900, 3, can_ms=2400))
        scene.wait(1)
    assert seen(scene)["room-0"].late
