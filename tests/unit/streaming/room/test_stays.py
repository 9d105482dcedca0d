"""What a school's box saw while its line was cut counts as presence, with its own times, once."""

from __future__ import annotations

import pytest

from catalog.live import Attended, RoomRole
from streaming.room import inputs as said
from streaming.room.attendance import attendance
from streaming.room.errors import Reason, Refused
from streaming.room.inputs import STAY_LIMIT_S, Admitted, CourseState, Device, Join, Stayed, WasHere
from streaming.room.messages import read
from tests.support.rooms import CLASSROOM, EPOCH_UTC, VIEWER, Scene

KIOSK = Join(device=Device.KIOSK)
ROOM = Admitted("classroom:c1", CLASSROOM, "店埠小学三年级1班", boxed=True)


def lesson() -> tuple[Scene, str]:
    """A lesson that began at 0; a classroom behind a box is in it."""
    scene = Scene()
    scene.turn(CourseState.LIVE, EPOCH_UTC)
    return scene, scene.arrive(ROOM.identity, ROOM.role, ROOM.name, KIOSK)


def tell(scene: Scene, stay: Stayed, who: Admitted = ROOM) -> None:
    scene.put(WasHere(who, stay))


def present(scene: Scene, end: float = 1000.0) -> Attended:
    scene.now = max(scene.now, end)
    scene.turn(CourseState.ENDED)
    (found,) = attendance(scene.log)
    return found


def test_who_stayed_behind_a_cut_line_has_no_hole() -> None:
    scene, room = lesson()
    scene.now = 100.0
    scene.depart(room)
    scene.wait(200)
    assert scene.log[-1]["kind"] == "gone"
    scene.arrive(ROOM.identity, ROOM.role, ROOM.name, KIOSK)
    assert present(lesson_of(scene)).present_s == 800.0, "the line was away for 200 s"
    tell(scene, Stayed("s1", began_ago_s=300.0, join=KIOSK))
    assert present(scene).present_s == 1000.0
    assert attendance(scene.log)[0].first_utc == EPOCH_UTC


def lesson_of(scene: Scene) -> Scene:
    """A copy that may end."""
    return scene.restarted()


@pytest.mark.parametrize("times", [1, 3])
def test_it_counts_once_however_often_it_is_told(times: int) -> None:
    scene, room = lesson()
    scene.depart(room)
    scene.wait(400)
    for _ in range(times):
        tell(scene, Stayed("s1", began_ago_s=300.0, ended_ago_s=100.0, left=True, join=KIOSK))
    after = scene.restarted()
    tell(after, Stayed("s1", began_ago_s=350.0, ended_ago_s=0.0, join=KIOSK))
    assert [entry["kind"] for entry in after.log].count("stayed") == 1
    assert present(after).present_s == 200.0


def test_who_came_and_left_meanwhile_is_recorded_with_real_times() -> None:
    scene = Scene()
    scene.turn(CourseState.LIVE, EPOCH_UTC)
    scene.now = 600.0
    pupil = Admitted("person:p1", VIEWER, "小明", boxed=True)
    tell(scene, Stayed("s1", 500.0, 440.5, True, Join(client="tab1")), pupil)
    found = present(scene)
    assert found == Attended(
        "person:p1", "小明", RoomRole.VIEWER, EPOCH_UTC + 100.0, EPOCH_UTC + 159.5, 59.5
    )
    assert scene.page["counts"]["viewer"] == 0, "nobody is in the room by that"


def test_who_left_is_not_present_until_the_origin_missed_it() -> None:
    scene, room = lesson()
    scene.now = 122.0  # the line was cut at 100: the origin finds out later
    scene.depart(room)
    scene.wait(100)
    assert scene.log[-1]["kind"] == "gone"
    tell(scene, Stayed("s1", began_ago_s=scene.now, ended_ago_s=scene.now - 110.0, left=True,
                       join=KIOSK))  # fmt: skip
    assert present(scene).present_s == 110.0


def test_who_left_meanwhile_is_gone_at_once_when_it_is_only_away_here() -> None:
    scene, room = lesson()
    scene.say(room, said.Hand(True))
    scene.now = 50.0
    scene.depart(room)
    scene.now = 60.0
    tell(scene, Stayed("s1", began_ago_s=60.0, ended_ago_s=5.0, left=True, join=KIOSK))
    assert [entry["kind"] for entry in scene.log[-3:]] == ["stayed", "hand_down", "gone"]
    assert scene.page["members"] == {}
    assert present(scene).present_s == 55.0


def test_who_is_connected_stays_so_whatever_a_box_says_of_before() -> None:
    scene, room = lesson()
    scene.now = 200.0
    tell(scene, Stayed("s1", began_ago_s=150.0, ended_ago_s=100.0, left=True, join=KIOSK))
    assert scene.page["members"][room]["here"]
    assert present(scene).present_s == 1000.0


def test_what_was_before_the_lesson_and_after_it_does_not_count() -> None:
    scene = Scene()
    scene.now = 100.0
    scene.turn(CourseState.LIVE, EPOCH_UTC + 100.0)
    scene.now = 300.0
    scene.turn(CourseState.ENDED)
    scene.now = 400.0
    tell(scene, Stayed("s1", began_ago_s=350.0, join=KIOSK))
    tell(scene, Stayed("s2", began_ago_s=50.0, join=Join(client="late")))
    (found,) = attendance(scene.log)
    assert (found.first_utc, found.last_utc) == (EPOCH_UTC + 50.0, EPOCH_UTC + 300.0)
    assert found.present_s == 200.0


def test_only_a_box_may_tell() -> None:
    scene, _ = lesson()
    with pytest.raises(Refused) as refused:
        tell(scene, Stayed("s1", 100.0), Admitted("person:p1", VIEWER, "小明"))
    assert refused.value.reason is Reason.NO_RIGHT
    assert [entry["kind"] for entry in scene.log] == ["began", "joined"]


def test_stays_on_the_wire() -> None:
    join = '{"type":"join","device":"kiosk","name":" 三年级\\u0007一班 "}'
    assert read(f'{{"type":"stayed","id":"s1","began_ago_s":12.5,"join":{join}}}') == Stayed(
        "s1", 12.5, 0.0, False, Join("三年级一班", Device.KIOSK)
    )
    for wrong in (
        '"began_ago_s":-1',
        f'"began_ago_s":{STAY_LIMIT_S + 1}',
        '"began_ago_s":5,"ended_ago_s":6',
        '"ended_ago_s":6',
    ):
        with pytest.raises(Refused):
            read(f'{{"type":"stayed","id":"s1",{wrong}}}')
