"""Coming, going, coming back, and who finds a seat."""

import pytest

from catalog.live import RoomRole
from streaming.room import inputs as said
from streaming.room.errors import Reason, Refused
from streaming.room.inputs import CourseState, Depart, Device, Join, Say, Turn
from streaming.room.roster import (
    AWAY_S,
    MEMBERS_LIMIT,
    OF_ONE_IDENTITY_LIMIT,
    REMEMBERED_LIMIT,
    VIEWERS_LIMIT,
)
from tests.support.rooms import CLASSROOM, EPOCH_UTC, SPEAKER, TEACHER, VIEWER, Scene, lesson_room


def test_classrooms_are_listed_and_viewers_counted() -> None:
    scene, teacher, (room, _) = lesson_room()
    scene.arrive("p", VIEWER, "小明")
    assert scene.page["counts"] == {"teacher": 1, "speaker": 0, "classroom": 2, "viewer": 1}
    assert list(scene.page["members"]) == [teacher, room, "m3"]
    assert scene.page["members"][room] == {
        "role": "classroom", "name": "店埠小学三年级1班", "device": "kiosk", "here": True,
        "late": False,
    }  # fmt: skip


def test_a_member_that_was_cut_off_is_away_then_gone_with_its_hand() -> None:
    scene, _, (room, _) = lesson_room()
    scene.say(room, said.Hand(True))
    scene.depart(room)
    assert not scene.page["members"][room]["here"]
    assert scene.page["counts"]["classroom"] == 1
    scene.wait(AWAY_S - 1)
    assert room in scene.page["hands"]
    scene.wait(1)
    assert room not in scene.page["members"]
    assert room not in scene.page["hands"]
    gone = scene.log[-1]
    assert (gone["kind"], gone["left_utc"], gone["utc"]) == ("gone", EPOCH_UTC, EPOCH_UTC + AWAY_S)


def test_ten_times_back_is_one_member() -> None:
    scene, _, (room, _) = lesson_room()
    kiosk = Join(device=Device.KIOSK)
    for seconds in [1, 29, 40] * 4:
        scene.depart(room, clean=seconds == 40)
        scene.wait(seconds)
        assert scene.arrive("room-0", CLASSROOM, "店埠小学三年级1班", kiosk) == room
    assert scene.page["counts"]["classroom"] == 2
    joined = [entry for entry in scene.log if entry["kind"] == "joined"]
    assert len([entry for entry in joined if entry["member"] == room]) == 1 + 4


def test_tabs_are_members_of_their_own_and_guests_get_a_name() -> None:
    scene = Scene()
    one = scene.arrive("g", join=Join(name="乐乐", client="a"))
    two = scene.arrive("g", join=Join(client="b"))
    known = scene.arrive("k", SPEAKER, "李老师", Join(name="王老师"))
    assert len({one, two, known}) == 3
    scene.say(one, said.Chat("好"))
    scene.say(two, said.Chat("好"))
    assert [one["name"] for one in scene.page["messages"].values()] == ["乐乐", "访客"]
    assert scene.page["members"][known]["name"] == "李老师"


def test_a_new_role_or_name_shows() -> None:
    scene = Scene()
    member = scene.arrive("x", CLASSROOM, "一班")
    assert scene.arrive("x", VIEWER, "一班") == member
    assert scene.page["members"] == {}
    assert scene.arrive("x", SPEAKER, "二班") == member
    assert scene.page["members"][member]["name"] == "二班"


def test_classrooms_find_a_seat_where_viewers_do_not() -> None:
    scene = Scene()
    for n in range(VIEWERS_LIMIT):
        scene.room.handle(said.Arrive(said.Admitted(f"v{n}", VIEWER), Join()), 0.0)
    with pytest.raises(Refused, match="full") as error:
        scene.arrive("one more")
    assert error.value.reason is Reason.TOO_MANY
    for n in range(MEMBERS_LIMIT - VIEWERS_LIMIT):
        scene.room.handle(said.Arrive(said.Admitted(f"c{n}", CLASSROOM), Join()), 0.0)
    with pytest.raises(Refused, match="full"):
        scene.arrive("c", CLASSROOM)
    assert scene.arrive("v7") == "m8", "who is in comes back"


def test_one_account_has_so_many_pages() -> None:
    scene = Scene()
    for n in range(OF_ONE_IDENTITY_LIMIT):
        scene.arrive("x", join=Join(client=str(n)))
    with pytest.raises(Refused, match="close some"):
        scene.arrive("x", join=Join(client="more"))


def test_who_left_long_ago_is_forgotten() -> None:
    scene = Scene()
    for n in range(REMEMBERED_LIMIT + 5):
        scene.room.state.roster.made = n
        entry = {"kind": "joined", "member": f"m{n + 1}", "key": [str(n), "a"], "role": "viewer",
                 "name": "", "device": "page"}  # fmt: skip
        list(scene.room.state.apply(entry))
        list(scene.room.state.apply({"kind": "gone", "member": f"m{n + 1}"}))
    assert len(scene.room.state.roster.members) == REMEMBERED_LIMIT
    assert scene.arrive("0", join=Join(client="a")) == f"m{REMEMBERED_LIMIT + 6}"


def test_who_is_not_here_says_nothing() -> None:
    scene, _, (room, _) = lesson_room()
    scene.depart(room)
    for event in (Say(room, said.Hand(True)), Depart(room), Say("m99", said.Hand(True))):
        with pytest.raises(Refused) as error:
            scene.put(event)
        assert error.value.reason is Reason.UNKNOWN
    with pytest.raises(Refused, match="not for the room"):
        scene.say("m1", said.Ping(1.0))


def test_a_restart_keeps_members_for_half_a_minute() -> None:
    scene, teacher, (room, other) = lesson_room()
    scene.say(room, said.Hand(True))
    after = scene.restarted()
    assert after.page["counts"]["classroom"] == 0
    assert list(after.page["hands"]) == [room]
    assert after.arrive("room-0", CLASSROOM, "店埠小学三年级1班", Join(device=Device.KIOSK)) == room
    after.wait(AWAY_S)
    assert list(after.page["members"]) == [room]
    assert {e["member"] for e in after.log if e["kind"] == "gone"} == {teacher, other}


@pytest.mark.parametrize("role", RoomRole)
def test_after_the_end_nothing_more_is_said(role: RoomRole) -> None:
    scene = Scene()
    member = scene.arrive("x", role, "某某")
    scene.put(Turn(CourseState.LIVE, EPOCH_UTC))
    scene.turn(CourseState.ENDED)
    with pytest.raises(Refused, match="ended"):
        scene.say(member, said.Ask("还有问题"))
    scene.say(member, said.Report(can_ms=400))
    scene.turn(CourseState.RECORDED, lesson="l1")
    assert (scene.page["state"], scene.page["lesson"]) == ("recorded", "l1")
    with pytest.raises(Refused, match="cannot become live"):
        scene.turn(CourseState.LIVE)


def test_lesson_time_begins_with_the_picture() -> None:
    scene = Scene()
    teacher = scene.arrive("t", TEACHER, "王老师")
    scene.now = 5.0
    scene.say(teacher, said.Notice("马上开始"))
    scene.turn(CourseState.LIVE, began_utc=EPOCH_UTC + 8.0)
    scene.now = 20.5
    scene.say(teacher, said.Notice("开始"))
    scene.turn(CourseState.RECONNECTING)
    assert scene.page["state"] == "reconnecting"
    scene.turn(CourseState.LIVE, began_utc=EPOCH_UTC + 8.0)
    assert [one["at"] for one in scene.page["notices"].values()] == [0.0, 12.5]
    assert scene.page["began"] == EPOCH_UTC + 8.0
    assert [e["kind"] for e in scene.log] == ["joined", "notice", "began", "notice"]
