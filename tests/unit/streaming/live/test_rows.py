from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.media import Media, MediaObject, Rendition
from streaming.live.rows import (
    RecordingTime,
    Row,
    Rows,
    Whole,
    last_number,
    newest,
    recorded_segments,
    segment_key,
    shift_ticks,
    without_holes,
)
from streaming.live.segments import MICROSECONDS, Segment
from tests.support.live import HIGH, SOUND, sound_init, video_init

NAMES = ("720p", "aac")


def whole(
    number: int, start_s: float, name: str = "720p", size: int = 10, end_s: float = 0
) -> Whole:
    init = video_init() if name == "720p" else sound_init()
    scale = init.track.timescale
    start_ts = round(start_s * scale)
    duration_ts = round((end_s or start_s + 2) * scale) - start_ts
    segment = Segment(number, 0, False, 0.0, start_ts, duration_ts, size, 1, bytes(size))
    return Whole(HIGH if name == "720p" else SOUND, init, segment)


def row(number: int, *wholes: Whole) -> Row:
    return Row(number, {item.name: item for item in wholes})


def test_a_row_waits_for_all_its_renditions() -> None:
    rows = Rows(1000)
    rows.take(whole(0, 0))
    assert rows.next(NAMES) is None
    rows.take(whole(0, 0, "aac"))
    found = rows.next(NAMES)
    assert found is not None
    assert set(found.wholes) == set(NAMES)
    assert (len(rows), rows.size_bytes) == (0, 0)


def test_a_row_does_not_wait_for_what_will_not_come() -> None:
    rows = Rows(1000)
    for number in range(2):
        rows.take(whole(number, 2 * number))
    assert rows.next(NAMES) is None
    rows.take(whole(2, 4))
    found = rows.next(NAMES)
    assert found is not None
    assert found.number == 0
    assert rows.next(NAMES) is None
    rows.close()
    assert [item.number for item in iter(lambda: rows.next(NAMES), None)] == [1, 2]


def test_beyond_the_limit_the_oldest_are_lost() -> None:
    rows = Rows(25)
    lost = [rows.take(whole(number, 2 * number)) for number in range(4)]
    assert lost == [[], [], [0], [1]]
    assert rows.find("720p", 1) is None
    assert rows.find("720p", 2) == bytes(10)
    assert rows.find("aac", 2) is None


def test_one_row_is_never_too_much() -> None:
    rows = Rows(5)
    assert rows.take(whole(0, 0)) == []


def test_a_recording_begins_at_zero_and_closes_the_holes() -> None:
    time = RecordingTime()
    seconds = [3.2, 5.2, 17.2, 19.2]
    shifts = [time.shift_us(row(n, whole(n, s))) for n, s in enumerate(seconds)]
    assert shifts == [3_200_000, 3_200_000, 13_200_000, 13_200_000]


def test_sound_that_reaches_over_the_picture_is_not_overlapped() -> None:
    time = RecordingTime()
    first = row(0, whole(0, 0), whole(0, 0.01, "aac", end_s=2.1))
    assert time.shift_us(first) == 0
    assert time.shift_us(row(1, whole(1, 30))) == 30 * MICROSECONDS - 2_100_000


def test_a_restarted_recording_goes_on_where_it_ended() -> None:
    time = RecordingTime(8 * MICROSECONDS)
    assert time.shift_us(row(4, whole(4, 41))) == 33 * MICROSECONDS


def test_a_shift_never_leads_below_zero() -> None:
    item = whole(0, 1 / 3)
    assert shift_ticks(item.start_us, item) == item.segment.start_ts
    assert shift_ticks(item.start_us + 50, item) == item.segment.start_ts


def recorded(*msns: int) -> Rendition:
    objects = tuple(
        MediaObject(
            segment_key("lesson", 1, "720p", msn, 1000), msn, 0, 30_720 * number,
            (100,), (30_720,), (5,),
        )
        for number, msn in enumerate(msns)
    )  # fmt: skip
    return Rendition("id", "720p", Media.VIDEO, "avc1", 15_360, b"", 0, False, objects)


def test_what_is_recorded_is_known_again_with_its_own_times() -> None:
    found = recorded_segments(recorded(5, 6, 9), 100.0)
    assert [(s.number, s.start_ts) for s, _ in found] == [(5, 1000), (6, 31_720), (9, 62_440)]
    assert [(k.shift_ts, k.size_bytes) for _, k in found] == [(1000, 100)] * 3
    assert found[0][0].program_utc == 100 + 1000 / 15_360
    filled = without_holes([segment for segment, _ in found])
    assert [(s.number, s.gap) for s in filled] == [
        (5, False), (6, False), (7, True), (8, True), (9, False),
    ]  # fmt: skip


def test_gaps_last_as_long_as_what_is_missing() -> None:
    before, after = (
        Segment(number, 0, False, 100 + start_s, 1000 * start_s, 2000)
        for number, start_s in ((4, 8), (8, 21))
    )
    found = without_holes([before, after])
    assert [(s.number, s.start_ts, s.duration_ts) for s in found] == [
        (4, 8000, 2000), (5, 10_000, 3666), (6, 13_666, 3667), (7, 17_333, 3667), (8, 21_000, 2000),
    ]  # fmt: skip
    assert found[2].program_utc == pytest.approx(113.666)


def test_keys_of_another_form_are_left_alone() -> None:
    foreign = recorded(0)
    item = foreign.objects[0]
    other = MediaObject("media/x/1/720p/000000-a1.mp4", 0, 0, 0, (1,), (1,))
    changed = Rendition("id", "720p", Media.VIDEO, "avc1", 15_360, b"", 0, False, (other,))
    assert item.key.endswith("000000-t1000.mp4")
    assert recorded_segments(changed, 0.0) == []


def test_of_a_rendition_that_was_set_up_anew_the_newest_goes_on() -> None:
    first, again = recorded(0, 1), replace(recorded(2, 3), name="720p-r2")
    assert newest([again, first]) == {"720p": again}
    assert [last_number(item) for item in (first, again, replace(first, objects=()))] == [1, 3, -1]
