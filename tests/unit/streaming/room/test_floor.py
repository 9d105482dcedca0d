"""Hands and the floor: who has it, who loses it and when."""

import itertools

import pytest

from catalog.live import RoomRole
from streaming.room import inputs as said
from streaming.room.errors import Reason, Refused
from streaming.room.floor import HANDS_LIMIT, LEFT_S, TRANSITIONS, FloorInput, FloorState
from streaming.room.inputs import CourseState, Device, FloorFailed, Join
from streaming.room.rights import FREE, GUARDED, MAY, rights_of
from streaming.room.room import EndAsked, FloorClosed, FloorOpened
from streaming.room.roster import AWAY_S
from tests.support.rooms import CLASSROOM, TEACHER, VIEWER, Scene, lesson_room

KIOSK = Join(device=Device.KIOSK)


def held() -> tuple[Scene, str, str, str]:
    scene, teacher, (room, other) = lesson_room()
    scene.say(room, said.Hand(True))
    assert scene.say(teacher, said.Grant(room)) == [FloorOpened(room)]
    return scene, teacher, room, other


def why(scene: Scene) -> list[str]:
    return [entry["why"] for entry in scene.log if entry["kind"] == "floor_ended"]


def test_hands_stand_in_order_and_twice_is_once() -> None:
    scene, _, (room, other) = lesson_room()
    for member in (other, room, other):
        scene.now += 2.0
        scene.say(member, said.Hand(True))
    assert list(scene.page["hands"]) == [other, room]
    scene.say(other, said.Hand(False))
    scene.say(other, said.Hand(False))
    assert list(scene.page["hands"]) == [room]
    assert [entry["kind"] for entry in scene.log[-3:]] == ["hand_up", "hand_up", "hand_down"]


def test_so_many_hands() -> None:
    scene = Scene()
    for n in range(HANDS_LIMIT):
        scene.say(scene.arrive(f"v{n}"), said.Hand(True))
    with pytest.raises(Refused) as error:
        scene.say(scene.arrive("more"), said.Hand(True))
    assert error.value.reason is Reason.TOO_MANY


def test_a_grant_lowers_the_hand_and_is_seen_by_all() -> None:
    scene, teacher, room, _ = held()
    assert scene.page["hands"] == {}
    assert scene.page["floor"] == {
        "state": "held", "member": room, "name": "店埠小学三年级1班", "at": 0.0,
    }  # fmt: skip
    for event in (said.Grant(room), said.Hand(True)):
        with pytest.raises(Refused, match="already"):
            scene.say(teacher if isinstance(event, said.Grant) else room, event)
    with pytest.raises(Refused, match="left"):
        scene.say(teacher, said.Grant("m99"))


def test_the_floor_is_passed_on() -> None:
    scene, teacher, room, other = held()
    assert scene.say(teacher, said.Grant(other)) == [FloorClosed(room), FloorOpened(other)]
    assert scene.page["floor"]["member"] == other
    assert why(scene) == ["passed on"]


def test_it_ends_by_the_teacher_or_the_holder_and_by_nobody_else() -> None:
    scene, teacher, room, other = held()
    with pytest.raises(Refused) as error:
        scene.say(other, said.FloorEnd())
    assert error.value.reason is Reason.NO_RIGHT
    assert scene.say(teacher, said.FloorEnd()) == [FloorClosed(room)]
    scene.say(teacher, said.Grant(other))
    assert scene.say(other, said.FloorEnd()) == [FloorClosed(other)]
    assert why(scene) == ["teacher", "given back"]
    with pytest.raises(Refused, match="nobody"):
        scene.say(teacher, said.FloorEnd())


def test_a_holder_who_left_loses_it_after_ten_seconds() -> None:
    scene, _, room, _ = held()
    scene.depart(room, clean=True)
    assert scene.page["floor"]["state"] == "away"
    assert scene.wait(LEFT_S - 1) == []
    assert scene.wait(1) == [FloorClosed(room)]
    assert scene.page["floor"]["state"] == "free"
    assert room in scene.page["members"]


def test_a_holder_who_was_cut_off_keeps_it_for_thirty() -> None:
    scene, _, room, _ = held()
    scene.depart(room)
    assert scene.wait(AWAY_S - 2) == []
    who = said.Admitted("room-0", CLASSROOM, "店埠小学三年级1班")
    events = scene.room.handle(said.Arrive(who, KIOSK), scene.now)
    assert FloorOpened(room) in events
    assert scene.room.whole()["floor"]["state"] == "held"
    scene.depart(room)
    assert scene.wait(AWAY_S) == [FloorClosed(room)]
    assert why(scene) == ["left"]


def test_after_a_restart_the_holder_is_away_and_gets_it_back() -> None:
    scene, teacher, room, _ = held()
    after = scene.restarted()
    assert after.page["floor"]["state"] == "away"
    assert after.arrive("room-0", CLASSROOM, "店埠小学三年级1班", KIOSK) == room
    assert after.page["floor"]["state"] == "held"
    again = scene.restarted()
    assert again.wait(AWAY_S) == [FloorClosed(room)]
    assert teacher not in again.page["members"]


def test_a_feed_that_cannot_be_opened_frees_the_floor_and_so_does_the_end() -> None:
    scene, teacher, room, other = held()
    assert scene.put(FloorFailed(other)) == []
    assert scene.put(FloorFailed(room)) == [FloorClosed(room)]
    scene.say(teacher, said.Grant(room))
    assert scene.say(teacher, said.End()) == [EndAsked(teacher)]
    scene.turn(CourseState.LIVE)
    scene.turn(CourseState.ENDED)
    assert scene.page["floor"]["state"] == "free"
    assert why(scene) == ["failed", "lesson ended"]


def test_who_is_away_is_not_granted_the_floor() -> None:
    scene, teacher, (room, _) = lesson_room()
    scene.depart(room)
    with pytest.raises(Refused) as error:
        scene.say(teacher, said.Grant(room))
    assert error.value.reason is Reason.UNKNOWN


def test_every_state_of_the_floor_is_reached_and_left() -> None:
    missing = set(itertools.product(FloorState, FloorInput)) - set(TRANSITIONS)
    assert missing == {(FloorState.FREE, one) for one in FloorInput if one is not FloorInput.GRANT}
    assert set(TRANSITIONS.values()) == set(FloorState)


def test_rights_by_role() -> None:
    assert {name for name, may in rights_of(TEACHER).items() if not may} == {"hand", "vote"}
    assert rights_of(CLASSROOM) == rights_of(VIEWER)
    assert set(MAY) == set(RoomRole)
    assert set(FREE) & set(GUARDED) == set()
    teachers_own = ["grant", "poll_open", "poll_close", "chat_open", "notice", "end"]
    for role in set(RoomRole) - {TEACHER}:
        assert not any(rights_of(role)[name] for name in teachers_own)
    scene, teacher, (room, _) = lesson_room()
    for member, message in ((room, said.End()), (teacher, said.Hand(True))):
        with pytest.raises(Refused) as error:
            scene.say(member, message)
        assert error.value.reason is Reason.NO_RIGHT
