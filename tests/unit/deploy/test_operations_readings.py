"""From the figures of live parts to what is known of pictures and devices, second by second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.db.operations import RoomFact, SessionFact
from catalog.live import FeedName, RoomRole
from catalog.operations.known import Picture
from deploy.operations_readings import Devices, Live, Pictures, live_now
from streaming.live.figures import FeedFigures
from streaming.room.figures import RoomTally
from streaming.room.inputs import Report
from streaming.room.members import MemberFigures
from transcoder.live.figures import IngestFigures

MAIN = FeedName.MAIN
INGEST = IngestFigures("l1", MAIN, 0.0, 2_000_000, 1.0, 500, 0, 0, 0)
FEED = FeedFigures("l1", MAIN, 0.0, 10, 2.0, 0, {("ws", "720p"): 3}, {})
ROOM = RoomFact("c1", "三年级1班", "s1", "listening")
LESSON = SessionFact("l1", "两位数乘法", "sync_class", 100.0, "s0", (ROOM,))
MEMBER = MemberFigures(
    "l1", "m1", "classroom:c1", "智慧教室", RoomRole.CLASSROOM, False,
    Report("720p", 450, 4, 0, can_ms=380), None,
)  # fmt: skip
COMES = {"l1": Picture("l1", silent_s=0.0, stopped_s=0.0)}


def live(ingest: IngestFigures | None = INGEST, feed: FeedFigures | None = FEED) -> Live:
    return live_now([ingest] if ingest else [], [feed] if feed else [], [], [])


def parts(number: int, age_s: float) -> FeedFigures:
    return replace(FEED, parts=number, age_sum_s=age_s)


def test_only_the_main_picture_of_a_session_counts() -> None:
    floor = replace(INGEST, feed=FeedName.FLOOR, bitrate_bps=0)
    second = replace(FEED, feed=FeedName.SECOND)
    room = RoomTally().figures("l1", 0.0, 0.45)
    found = live_now([INGEST, floor], [FEED, second], [room], [MEMBER])
    assert (found.ingests, found.feeds) == ({"l1": INGEST}, {"l1": FEED})
    assert (found.delays, found.members) == ({"l1": 0.45}, [MEMBER])


def test_a_session_that_never_was_here_is_not_known() -> None:
    assert Pictures().read(live(None, None), [LESSON], 0.0) == {}


def test_a_publisher_that_stops_or_goes_is_silent_from_that_second() -> None:
    pictures = Pictures()
    assert pictures.read(live(), [LESSON], 0.0)["l1"].silent_s == 0.0
    stopped = replace(INGEST, bitrate_bps=0, speed=None)
    assert pictures.read(live(stopped), [LESSON], 1.0)["l1"].silent_s == 0.0
    assert pictures.read(live(stopped), [LESSON], 4.0)["l1"].silent_s == 3.0
    assert pictures.read(live(None, None), [LESSON], 9.0)["l1"].silent_s == 8.0
    assert pictures.read(live(), [LESSON], 10.0)["l1"].silent_s == 0.0


def test_a_session_that_is_over_leaves_nothing() -> None:
    pictures = Pictures()
    pictures.read(live(), [LESSON], 0.0)
    assert pictures.read(live(), [], 1.0) == {}
    assert pictures.read(live(None, None), [LESSON], 2.0) == {}


def test_slow_encoding_holes_and_parts_that_stand_or_come_late() -> None:
    pictures = Pictures()
    pictures.read(live(), [LESSON], 0.0)
    slow = replace(INGEST, speed=0.8, gaps=2)
    found = [
        pictures.read(live(slow, parts(10 + 5 * n, 2 + 10 * n)), [LESSON], n)["l1"]
        for n in range(1, 6)
    ]
    one = found[-1]
    assert (one.slow_s, one.speed, one.gaps, one.stopped_s) == (4.0, 0.8, 2, 0.0)
    assert (one.part_age_s, one.old_s) == (2.0, 4.0)
    same = live(slow, parts(35, 52.0))
    found = [pictures.read(same, [LESSON], n)["l1"] for n in range(6, 18)]
    assert found[2].stopped_s == 2.0
    assert (found[-1].gaps, found[-1].part_age_s) == (0, None), "of ten seconds"


def test_a_board_is_seen_by_its_classroom_and_its_report() -> None:
    (found,) = Devices().read([MEMBER], [LESSON], COMES, 0.0)
    assert found.room == ROOM
    assert (found.device.name, found.device.delay_s, found.device.skew_s) == (
        "三年级1班",
        0.45,
        0.004,
    )
    assert (found.device.stalled_s, found.device.silent_s, found.stalls) == (None, 0.0, 0)


def test_who_is_no_classroom_is_not_looked_at() -> None:
    people = [
        replace(MEMBER, identity="person:p1", role=RoomRole.VIEWER),
        replace(MEMBER, identity="guest:1234", role=RoomRole.VIEWER),
        replace(MEMBER, role=RoomRole.TEACHER),
        replace(MEMBER, session="another"),
    ]
    devices = Devices()
    assert devices.read(people, [LESSON], COMES, 0.0) == []
    assert devices.unknown == set()


def test_stalls_count_from_when_they_were_first_reported_and_silence_while_no_report_is_new() -> (
    None
):
    devices = Devices()
    devices.read([MEMBER], [LESSON], COMES, 0.0)
    stalled = replace(MEMBER, report=Report("720p", 450, 4, 2))
    assert devices.read([stalled], [LESSON], COMES, 1.0)[0].device.stalled_s == 0.0
    found = devices.read([stalled], [LESSON], COMES, 5.0)[0]
    assert (found.device.stalled_s, found.device.silent_s, found.stalls) == (4.0, 0.0, 2)
    assert devices.read([stalled], [LESSON], COMES, 9.0)[0].device.silent_s == 4.0
    fresh = replace(MEMBER, report=Report("720p", 450, 4, 2))
    assert devices.read([fresh], [LESSON], COMES, 10.0)[0].device.silent_s == 0.0
    assert devices.read([fresh], [LESSON], COMES, 62.0)[0].stalls == 0


@pytest.mark.parametrize("nothing", [
    {}, {"l1": Picture("l1", silent_s=4.0)}, {"l1": Picture("l1", silent_s=0.0, stopped_s=2.0)},
])  # fmt: skip
def test_who_is_shown_nothing_owes_no_report(nothing: dict[str, Picture]) -> None:
    devices = Devices()
    devices.read([MEMBER], [LESSON], COMES, 0.0)
    for second in range(1, 30):
        (found,) = devices.read([MEMBER], [LESSON], nothing, second)
        assert found.device.silent_s == 0.0
    assert devices.read([MEMBER], [LESSON], COMES, 30.0)[0].device.silent_s == 0.0
    assert devices.read([MEMBER], [LESSON], COMES, 33.0)[0].device.silent_s == 3.0
    away = replace(MEMBER, away_s=1.0)
    assert devices.read([away], [LESSON], COMES, 34.0)[0].device.silent_s == 0.0, "it is away"


def test_one_that_is_cut_off_and_one_without_a_report() -> None:
    away = replace(MEMBER, report=None, away_s=7.0, late=True)
    (found,) = Devices().read([away], [LESSON], COMES, 0.0)
    assert (found.device.away_s, found.device.late, found.device.silent_s) == (7.0, True, 0.0)


def test_a_classroom_that_came_without_a_booking_is_asked_for_and_then_known() -> None:
    devices, guest = Devices(), replace(MEMBER, identity="classroom:c9")
    assert devices.read([guest], [LESSON], COMES, 0.0) == []
    assert devices.unknown == {"c9"}
    devices.know({"c9": RoomFact("c9", "一号教室", "s9", "guest")})
    (found,) = devices.read([guest], [LESSON], COMES, 1.0)
    assert (found.room.school, devices.unknown) == ("s9", set())
    devices.read([], [LESSON], COMES, 2.0)
    assert devices.read([guest], [LESSON], COMES, 3.0) == [], "who has gone is forgotten"
