"""What a teacher sees of the rooms, and D as the room makes it of reports."""

from streaming.room import inputs as said
from streaming.room.delay import Delivery
from streaming.room.inputs import Join, Report
from tests.support.rooms import CLASSROOM, SPEAKER, Scene, lesson_room


def test_rows_are_whole_and_only_those_that_changed() -> None:
    scene, _, (room, other) = lesson_room()
    assert set(scene.room.health_now()["rooms"]) == {room, other}
    scene.room.health_changes()
    assert scene.room.health_changes() is None
    report = Report("720p", 452.4, -4.0, 1, 210.0, 390.0, 2.6)
    scene.say(room, report)
    changes = scene.room.health_changes()
    assert changes == {
        "rooms": {room: {
            "here": True, "delivery": "ws", "rung": "720p", "delay_ms": 452, "skew_ms": -4,
            "stalls": 1, "buffer_ms": 210, "error_ms": 3, "can_ms": 390, "late": False,
        }},
        "viewers": {"reporting": 0, "late": 0},
    }  # fmt: skip
    scene.say(room, report)
    assert scene.room.health_changes() is None
    scene.depart(room)
    changes = scene.room.health_changes()
    assert changes is not None
    assert changes["rooms"][room]["here"] is False
    scene.wait(60)
    changes = scene.room.health_changes()
    assert changes is not None
    assert changes["rooms"] == {room: None}


def test_viewers_are_summed_up() -> None:
    scene, _, (room, _) = lesson_room()
    viewers = [scene.arrive(f"v{n}") for n in range(3)]
    for _ in range(15):
        scene.say(room, Report(can_ms=400))
        for viewer, can_ms in zip(viewers, (400, 5000, 5000), strict=True):
            scene.say(viewer, Report(can_ms=can_ms))
        scene.wait(1)
    assert scene.room.health_now()["viewers"] == {"reporting": 3, "late": 2}
    assert scene.room.d_ms == 400, "while rooms report, viewers do not count"
    scene.depart(viewers[2])
    scene.wait(40)
    assert scene.room.health_now()["viewers"] == {"reporting": 2, "late": 1}


def test_reports_make_d_and_a_late_room_shows() -> None:
    scene, _, (room, other) = lesson_room()
    scene.say(room, Report(can_ms=570))
    assert scene.room.d_ms == 600
    for _ in range(12):
        scene.say(room, Report(can_ms=570))
        scene.say(other, Report(can_ms=2500))
        scene.wait(1)
    assert scene.page["members"][other]["late"]
    assert not scene.page["members"][room]["late"]
    assert scene.room.health_now()["rooms"][other]["late"]
    for _ in range(30):
        scene.say(room, Report(can_ms=570))
        scene.say(other, Report(can_ms=500))
        scene.wait(1)
    assert not scene.page["members"][other]["late"]


def test_delivery_counts_and_a_report_without_can_does_not() -> None:
    scene = Scene()
    room = scene.arrive("a", CLASSROOM, "一班", Join(delivery=Delivery.HLS))
    scene.say(room, Report(delay_ms=900))
    assert scene.room.d_ms == 400
    scene.say(room, Report(can_ms=300))
    assert scene.room.d_ms == 750
    scene.say(room, Join(delivery=Delivery.WS))
    assert scene.room.health_now()["rooms"][room]["can_ms"] is None
    scene.say(room, Report(can_ms=300))
    scene.wait(5)
    assert scene.room.health_now()["rooms"][room]["delivery"] == "ws"
    for _ in range(60):
        scene.say(room, Report(can_ms=300))
        scene.wait(1)
    assert scene.room.d_ms == 400


def test_a_speaker_is_a_room_too() -> None:
    scene = Scene()
    speaker = scene.arrive("s", SPEAKER, "教研员")
    scene.say(speaker, said.Report(can_ms=480))
    assert list(scene.room.health_now()["rooms"]) == [speaker]
    assert scene.room.d_ms == 500
