"""From what is known to the rows of the wall: who is named where, and what it costs for a city."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from catalog.db.operations import Facts, RoomFact, SchoolFact, SessionFact
from catalog.live import FeedName
from catalog.operations.board import Board, Placed, Scope
from catalog.operations.known import Box, City, Device, Picture, Viewings
from catalog.operations.rows import (
    AlertRow,
    CheckRow,
    CityRow,
    DistrictRow,
    RoomRow,
    SchoolRow,
    SessionRow,
)
from catalog.operations.telling import Boxes, Telling
from deploy.operations_readings import Live, Seated
from deploy.operations_wall import Moment, Wall
from streaming.live.figures import FeedFigures
from streaming.room.inputs import Report

NOW_UTC = 1_795_600_000.0
SCHOOLS = {
    "s1": SchoolFact("s1", "海滨小学", "d1", "市南区"),
    "s2": SchoolFact("s2", "店埠小学", "d2", "莱西市"),
    "s3": SchoolFact("s3", "田横小学", "d2", "莱西市"),
}
ROOMS = (
    RoomFact("c1", "主讲教室", "s1", "main"),
    RoomFact("c2", "三年级1班", "s2", "listening"),
    RoomFact("c3", "三年级2班", "s2", "listening"),
)
LESSON = SessionFact("l1", "两位数乘法", "sync_class", NOW_UTC - 60, "s1", ROOMS)
FACTS = Facts(SCHOOLS, {"d1": "市南区", "d2": "莱西市"}, [LESSON], {}, frozenset(), [])
SERVICE = CityRow((CheckRow("database", True, ""),), (), 1, 2, 50, 100)
PICTURE = Picture("l1", 0.0, 0, 0.0, 1.0, 0.2, 0.0, 0.0)


def seated(room: RoomFact, **more: Any) -> Seated:
    device = Device(room.name, "l1", 0.45, 0.004, None, 0.5, None, False)
    report = Report("720p", 450, 4, can_ms=380)
    return Seated(room, replace(device, **more), report, 0)


MOMENT = Moment(
    NOW_UTC, 600.0, FACTS, Live({}, {}, {"l1": 0.45}, []), {"l1": PICTURE},
    [seated(ROOMS[1]), seated(ROOMS[2])], {}, {}, {}, City(0.01), SERVICE,
)  # fmt: skip


def rows_of(moment: Moment, kind: str) -> dict[str, Any]:
    rows, _ = Wall().rows(moment)
    return {id_: placed.row for (found, id_), placed in rows.items() if found == kind}


def causes(moment: Moment) -> dict[str, str | None]:
    return {id_: row.cause for id_, row in rows_of(moment, "school").items()}


def test_a_city_that_is_well() -> None:
    assert causes(MOMENT) == {"s1": None, "s2": None, "s3": None}
    assert rows_of(MOMENT, "alert") == {}
    lesson: SessionRow = rows_of(MOMENT, "session")["l1"]
    assert (lesson.rooms, lesson.bad, lesson.absent, lesson.d_ms) == (3, 0, 0, 450)
    assert lesson.rungs == {"720p": 2}
    assert lesson.main_school == "海滨小学"
    district: DistrictRow = rows_of(MOMENT, "district")["d2"]
    assert (district.name, district.schools, district.on_air, district.causes) == (
        "莱西市", 2, 1, {}
    )  # fmt: skip
    city: CityRow = rows_of(MOMENT, "city")["city"]
    assert (city.sessions, city.rooms, city.schools, city.troubled) == (1, 3, 3, 0)


def test_what_is_watched_is_told_by_classrooms_and_where_there_are_none_by_viewers() -> None:
    feed = FeedFigures("l1", FeedName.MAIN, 0.0, 9, 1.8, 0, {("ws", "360p"): 6, ("hls", "360p"): 1},
                       {})  # fmt: skip
    live = Live({}, {"l1": feed}, {}, [])
    lesson: SessionRow = rows_of(replace(MOMENT, live=live), "session")["l1"]
    assert (lesson.rungs, lesson.viewers) == ({"720p": 2}, 7)
    assert lesson.viewers_by_rung == {"360p": 7}
    alone: SessionRow = rows_of(replace(MOMENT, live=live, seated=[]), "session")["l1"]
    assert alone.rungs == {"360p": 7}


def test_a_school_tells_what_its_classrooms_watch_and_the_lowest_of_it() -> None:
    low = [seated(ROOMS[1]), seated(ROOMS[2])]
    low[1] = replace(low[1], report=Report("1080p", 450, 4))
    schools = rows_of(replace(MOMENT, seated=low), "school")
    assert (schools["s2"].rung, schools["s2"].rungs) == ("720p", {"720p": 1, "1080p": 1})
    assert (schools["s1"].rung, schools["s1"].rungs) == ("", {})
    deaf = [replace(one, report=Report("opus" if one is low[1] else "360p")) for one in low]
    assert rows_of(replace(MOMENT, seated=deaf), "school")["s2"].rung == "opus", "sound alone"


def test_districts_and_the_city_have_the_worst_of_their_schools_and_sums() -> None:
    reports = (Report("720p", 430, -90), Report("720p", 610, 4), Report("720p", 500, 20))
    rooms = (ROOMS[1], ROOMS[2], RoomFact("c4", "四年级1班", "s3", "listening"))
    lesson = replace(LESSON, rooms=(ROOMS[0], *rooms))
    moment = replace(
        MOMENT, facts=replace(FACTS, sessions=[lesson]), boxes={"s2": Box(1.0), "s3": Box(1.0)},
        tellings={"s2": Telling(viewers=12), "s3": Telling(viewers=3)},
        seated=[replace(seated(room), report=report, stalls=number)
                for number, (room, report) in enumerate(zip(rooms, reports, strict=True))],
    )  # fmt: skip
    district: DistrictRow = rows_of(moment, "district")["d2"]
    assert (district.rooms, district.viewers) == (3, 15)
    assert (district.delay_ms, district.skew_ms, district.stalls) == (610, -90, 3)
    city: CityRow = rows_of(moment, "city")["city"]
    assert (city.delay_ms, city.skew_ms, city.stalls) == (610, -90, 3)
    other: DistrictRow = rows_of(moment, "district")["d1"]
    assert (other.rooms, other.viewers, other.delay_ms, other.skew_ms, other.stalls) == (
        0, 0, None, None, 0
    )  # fmt: skip


def test_a_silent_encoder_is_named_for_all_its_schools_and_alerts_once() -> None:
    moment = replace(MOMENT, pictures={"l1": replace(PICTURE, silent_s=5.0)})
    assert causes(moment) == {"s1": "encoder", "s2": "encoder", "s3": None}
    alerts: dict[str, AlertRow] = rows_of(moment, "alert")
    assert list(alerts) == ["EncoderStopped:session:l1"]
    assert alerts["EncoderStopped:session:l1"].since == NOW_UTC - 5
    assert rows_of(moment, "district")["d2"].causes == {"encoder": 1}


def test_a_busy_origin_is_named_where_there_is_a_lesson_and_alerts_once() -> None:
    moment = replace(MOMENT, city=City(0.4), service=replace_city(loop_late_ms=400))
    assert causes(moment) == {"s1": "origin", "s2": "origin", "s3": None}
    assert list(rows_of(moment, "alert")) == ["LoopLate:city:"]


def replace_city(**more: Any) -> CityRow:
    fields = {name: getattr(SERVICE, name) for name in SERVICE.__struct_fields__}
    return CityRow(**{**fields, **more})


def test_a_device_is_named_and_its_room_is_bad() -> None:
    moment = replace(MOMENT, seated=[seated(ROOMS[1], stalled_s=1.0), seated(ROOMS[2])])
    assert causes(moment) == {"s1": None, "s2": "device", "s3": None}
    rooms: dict[str, RoomRow] = rows_of(moment, "room")
    states = {room.id: (room.state, room.trouble) for room in rooms.values()}
    assert states == {
        "c1": ("well", None), "c2": ("bad", "device_stalls"), "c3": ("well", None)
    }  # fmt: skip
    assert list(rows_of(moment, "alert")) == ["DeviceSlow:school:s2"]
    absent = replace(MOMENT, seated=[seated(ROOMS[1])])
    assert rows_of(absent, "session")["l1"].absent == 1


def test_boxes_by_what_they_told_and_by_what_the_catalogue_knows() -> None:
    told = {"s2": Box(1.0), "s3": Box(12.0)}
    tellings = {"s2": Telling(8_000_000, None, 2_000_000), "s3": Telling()}
    heard = {"s1": datetime.fromtimestamp(NOW_UTC - 400, UTC), "s2": datetime.now(UTC)}
    moment = replace(MOMENT, boxes=told, tellings=tellings, facts=replace(FACTS, heard=heard))
    schools: dict[str, SchoolRow] = rows_of(moment, "school")
    words = {id_: (row.box, row.cause) for id_, row in schools.items()}
    assert words == {
        "s1": ("unheard", "edge"), "s2": ("telling", None), "s3": ("silent", "line")
    }  # fmt: skip
    assert (schools["s2"].estimate_bps, schools["s2"].use_bps) == (8_000_000, 2_000_000)
    young = replace(moment, up_s=30.0)
    assert causes(young)["s1"] is None, "boxes had no time to dial yet"


def test_a_box_that_died_on_a_thin_line_is_the_fault_and_in_no_sum() -> None:
    boxes = Boxes()
    line = boxes.opened("e1", "s2", 0.0)
    for at in (0.0, 6.0):
        boxes.told("e1", line, Telling(90_000, None, 80_000, lowest=1, streams=1, viewers=12), at)
        boxes.by_school(at)

    def told(now: float) -> Moment:
        return replace(MOMENT, boxes=boxes.by_school(now), tellings=boxes.newest(now))

    assert causes(told(6.0))["s2"] == "line"
    assert list(rows_of(told(6.0), "alert")) == ["LineThin:school:s2"]
    assert rows_of(told(6.0), "city")["city"].use_bps == 80_000
    boxes.closed("e1", line, 7.0)
    rows, samples = Wall().rows(told(24.0))
    school = rows["school", "s2"].row
    assert isinstance(school, SchoolRow)
    assert (school.cause, school.box, [one.code for one in school.evidence]) == (
        "edge", "closed", ["box_closed"]
    )  # fmt: skip
    assert (school.estimate_bps, school.use_bps, school.streams, school.viewers) == (
        None, None, 0, 0
    )  # fmt: skip
    assert [id_ for kind, id_ in rows if kind == "alert"] == ["BoxAway:school:s2"]
    for place in (("district", "d2"), ("city", "")):
        assert samples[place].use_bps == 0
    assert (samples["school", "s2"].estimate_bps, samples["school", "s2"].use_bps) == (None, None)


def test_what_viewers_of_a_school_report_counts_behind_a_box_that_is_well() -> None:
    moment = replace(
        MOMENT, boxes={"s3": Box(1.0)}, tellings={"s3": Telling()},
        viewings={"s3": Viewings(9, 90.0, 30.0)},
    )  # fmt: skip
    assert causes(moment)["s3"] == "wifi"


def test_a_database_that_is_away_is_the_citys_alert() -> None:
    service = replace_city(checks=(CheckRow("database", False, "no answer within 2 s"),))
    rows, _ = Wall().rows(replace(MOMENT, service=service))
    placed = rows["alert", "DatabaseAway:city:"]
    assert placed.places.for_city
    assert isinstance(placed.row, AlertRow)
    assert (placed.row.since, placed.row.said) == (NOW_UTC, "no answer within 2 s")
    assert [(one.code, one.about) for one in placed.row.evidence] == [("database_away", "database")]


def test_the_city_tells_everyone_what_is_wrong_with_it_the_urgent_first() -> None:
    service = replace_city(loop_late_ms=400, disk_free_bytes=1)
    firing = rows_of(replace(MOMENT, service=service), "city")["city"].firing
    assert [*firing.items()] == [("DiskFull", "critical"), ("LoopLate", "warning")]
    assert rows_of(MOMENT, "city")["city"].firing == {}


def test_samples_are_of_places_that_tell_something() -> None:
    _, samples = Wall().rows(MOMENT)
    assert {kind for kind, _ in samples} == {"city", "district", "school", "session", "room"}
    assert {id_ for kind, id_ in samples if kind == "school"} == {"s1", "s2"}
    assert samples["school", "s2"].delay_ms == 450
    assert samples["district", "d2"].rooms == 2, "two classrooms of one school"


def test_of_a_session_only_its_schools_officers_see() -> None:
    board = Board()
    board.put(Wall().rows(MOMENT)[0], NOW_UTC)
    other = board.changes(Scope(schools=frozenset({"s3"})))
    assert (set(other.schools), other.sessions, other.rooms) == ({"s3"}, {}, {})
    far = board.changes(Scope(districts=frozenset({"d2"})))
    assert set(far.sessions) == {"l1"}
    assert set(far.rooms) == {"l1:c2", "l1:c3"}


def whole_city(schools: int, sessions: int) -> Moment:
    """Give a city in which each session has a main classroom and three far ones."""
    facts = {f"s{n}": SchoolFact(f"s{n}", f"学校{n}", f"d{n % 10}", "") for n in range(schools)}
    lessons, devices = [], []
    for number in range(sessions):
        rooms = tuple(
            RoomFact(f"c{number}-{n}", f"教室{n}", f"s{(3 * number + n) % schools}",
                     "listening" if n else "main") for n in range(4)
        )  # fmt: skip
        lessons.append(SessionFact(f"l{number}", "课", "sync_class", 0.0, rooms[0].school, rooms))
        devices += [
            replace(one, device=replace(one.device, session=f"l{number}"))
            for one in map(seated, rooms[1:])
        ]
    districts = {f"d{n}": f"区{n}" for n in range(10)}
    return replace(
        MOMENT, seated=devices, pictures={f"l{n}": PICTURE for n in range(sessions)},
        facts=Facts(facts, districts, lessons, {}, frozenset(), []),
        boxes={school: Box(1.0) for school in facts},
        tellings={school: Telling(8_000_000) for school in facts},
    )  # fmt: skip


def test_a_second_of_a_whole_city_takes_a_fraction_of_a_second() -> None:
    moment, wall, board = whole_city(1000, 270), Wall(), Board()
    rows: dict[tuple[str, str], Placed] = {}
    spent = []
    for number in range(5):
        began = time.process_time()
        rows, _ = wall.rows(replace(moment, now_utc=NOW_UTC + number))
        board.put(rows, NOW_UTC + number)
        spent.append(time.process_time() - began)
    assert len(rows) == 1000 + 270 + 4 * 270 + 10 + 1
    assert min(spent) < 0.25
    assert board.changes(Scope(city=True), board.version - 1).schools == {}
