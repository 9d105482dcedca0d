"""Which keyframes of a recording are shown: literal segments in, literal choices out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from catalog.media import Media, MediaObject, Rendition
from transcoder.plan import SidePlan
from transcoder.stillplan import PICTURE_LIMIT_BYTES, StillPlan, plan_stills

SCALE = 1000


def video(
    name: str,
    keyframes: Sequence[int],
    size: tuple[int, int] = (1280, 720),
    segment_s: int = 2,
    starts_s: int = 0,
) -> Rendition:
    """A recorded rendition, one object a segment, keyframes of so many bytes."""
    objects = tuple(
        MediaObject(
            f"{name}/{n}", n, 0, (starts_s + n * segment_s) * SCALE, (PICTURE_LIMIT_BYTES * 2,),
            (segment_s * SCALE,), (keyframe,) if keyframe else (),
        )
        for n, keyframe in enumerate(keyframes)
    )  # fmt: skip
    return Rendition(name, name, Media.VIDEO, "avc1.64001f", SCALE, b"", 0, True, objects, *size)


def sound(duration_s: int) -> Rendition:
    """The recorded sound."""
    item = MediaObject("aac/0", 0, 0, 0, (9,), (duration_s * SCALE,))
    return Rendition("aac", "aac", Media.AUDIO, "mp4a.40.2", SCALE, b"", 0, True, (item,))


def planned(*renditions: Rendition) -> StillPlan:
    """What is planned of a recording that has pictures."""
    plan = plan_stills(renditions)
    assert plan is not None
    return plan


def cells(plan: StillPlan) -> list[tuple[int, int]]:
    """Cell and number of the segment in it."""
    return [(cell.index, cell.segment.number) for cell in plan.cells]


def test_sound_alone_has_no_pictures() -> None:
    assert plan_stills([sound(60)]) is None
    assert plan_stills([]) is None
    assert plan_stills([replace(video("720p", [9]), width_px=None)]) is None
    assert plan_stills([video("720p", [0, 0, 0]), sound(6)]) is None


def test_a_short_lesson_shows_each_keyframe() -> None:
    plan = planned(video("720p", [10] * 5), sound(10))
    assert plan.side == SidePlan(2, 160, 90, 5, 5, 0.0, 720, False)
    assert plan.duration_s == 10
    assert cells(plan) == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)]


def test_a_long_lesson_has_two_hundred_cells() -> None:
    plan = planned(video("720p", [10] * 1350))
    assert plan.side.every_s == 14
    assert len(plan.cells) == 193
    assert cells(plan)[:3] == [(0, 0), (1, 7), (2, 14)]


def test_a_keyframe_is_shown_once_and_stays_until_the_next() -> None:
    assert cells(planned(video("720p", [10, 10], segment_s=6))) == [(0, 0), (3, 1)]


def test_what_is_unknown_or_too_large_gives_way_to_the_picture_before() -> None:
    plan = planned(video("720p", [10, 0, PICTURE_LIMIT_BYTES + 1, PICTURE_LIMIT_BYTES]))
    assert cells(plan) == [(0, 0), (3, 3)]
    assert cells(planned(video("720p", [0, 10, 10]))) == [(0, 1), (2, 2)]


def test_thumbnails_come_from_the_smallest_rung_and_the_poster_from_one_of_720_lines() -> None:
    ladder = [
        video("1080p", [90] * 3, (1920, 1080)), video("720p", [60] * 3),
        video("360p", [30] * 3, (640, 360)),
    ]  # fmt: skip
    plan = planned(*ladder)
    assert (plan.sheet.name, plan.poster.name) == ("360p", "720p")
    assert plan.side.poster_height_px == 720
    low = planned(ladder[2])
    assert (low.sheet.name, low.poster.name, low.side.poster_height_px) == ("360p", "360p", 360)


def test_the_poster_is_the_richest_picture_behind_the_beginning() -> None:
    keyframes = [99, 20, 5, 70, 40, 70, 10, 95, 97, 98]
    plan = planned(video("720p", keyframes))
    assert [item.number for item in plan.posters] == [3, 5, 4]


def test_the_only_picture_is_the_poster() -> None:
    assert [item.number for item in planned(video("720p", [30])).posters] == [0]


def test_a_picture_that_begins_late_is_shown_by_the_lessons_time() -> None:
    plan = planned(video("720p", [10] * 3, starts_s=4), sound(10))
    assert plan.duration_s == 10
    assert cells(plan) == [(0, 0), (3, 1), (4, 2)]
