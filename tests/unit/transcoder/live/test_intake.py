"""What an encoder is given: nothing before all is known, whole GOPs, one timeline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.live_tags import (
    AVCC,
    SOUND_HEADER,
    VIDEO_HEADER,
    A,
    V,
    picture,
    sound,
    stream,
)
from transcoder.live.errors import BadContribution
from transcoder.live.flv import Hints, Tag, look
from transcoder.live.intake import (
    BACKLOG_MS,
    CHANGES_LIMIT,
    GOP_LIMIT_BYTES,
    HELD_LIMIT_BYTES,
    HELD_LIMIT_MS,
    HOLD_MS,
    KEYFRAME_LIMIT_MS,
    LATE_MS,
    PROBE_MS,
    Begin,
    Intake,
    Sparse,
    Step,
)
from transcoder.live.source import Picture, Source
from transcoder.live.timeline import START_MS, STEP_MS

LATENCY_MS = 500
PICTURE = Picture("h264", 640, 360, 30.0, plain=True)
SOURCE = Source(PICTURE, "aac", VIDEO_HEADER.data, SOUND_HEADER.data)


def taken(intake: Intake, tags: list[Tag], later_ms: int = LATENCY_MS) -> list[Step]:
    """All steps, each tag arriving later_ms after its stamp."""
    return [step for tag in tags for step in intake.take(tag, tag.time_ms + later_ms)]


def times(steps: list[Step]) -> list[int]:
    return [step.time_ms for step in steps if isinstance(step, Tag)]


def test_a_source_is_known_before_its_tags_go_on() -> None:
    intake = Intake()
    tags = list(stream(1))
    steps = taken(intake, tags)
    assert steps[0] == Begin(SOURCE)
    assert times(steps)[:3] == [LATENCY_MS, LATENCY_MS + 10, LATENCY_MS + 40]
    assert len(steps) == 1 + len(tags) - 2
    waited = [len(taken(Intake(), tags[:count])) for count in range(len(tags))]
    first = next(count for count, found in enumerate(waited) if found)
    assert HOLD_MS <= tags[first - 1].time_ms < HOLD_MS + 40
    assert intake.lead() == [replace(VIDEO_HEADER), SOUND_HEADER]


def test_a_picture_without_sound_and_sound_without_a_picture() -> None:
    steps = taken(Intake(), list(stream(2, sounds=False)))
    assert steps[0] == Begin(Source(PICTURE, None, VIDEO_HEADER.data))
    only = [SOUND_HEADER, *(sound(20 * n) for n in range(100))]
    steps = taken(Intake(), only)
    assert steps[0] == Begin(Source(None, "aac", b"", SOUND_HEADER.data))
    alone = [count for count in range(100) if taken(Intake(), only[:count])]
    assert only[alone[0] - 1].time_ms == PROBE_MS


def test_sound_without_a_header_is_known_by_its_first_tag() -> None:
    law = [Tag(A, 20 * n, b"\x7fa") for n in range(80)]
    assert taken(Intake(), law)[0] == Begin(Source(None, "alaw"))
    mixed = sorted([*stream(2, sounds=False), *law], key=lambda tag: tag.time_ms)
    assert taken(Intake(), mixed)[0] == Begin(Source(PICTURE, "alaw", VIDEO_HEADER.data))


def test_sound_that_comes_later_begins_anew_at_the_next_keyframe() -> None:
    intake = Intake()
    taken(intake, list(stream(2, sounds=False)))
    late = [SOUND_HEADER, sound(2_000), picture(2_010), picture(2_040, key=True), sound(2_050)]
    steps = taken(intake, late)
    assert steps[0] == Begin(SOURCE)
    assert times(steps) == [2_500, 2_540, 2_550]


def test_a_join_within_a_gop_waits_for_its_keyframe() -> None:
    steps = taken(
        Intake(),
        [
            t
            for t in stream(3)
            if t.data in (VIDEO_HEADER.data, SOUND_HEADER.data) or t.time_ms > 300
        ],
    )
    assert times(steps)[0] == 1_000 + LATENCY_MS


def test_a_burst_at_the_beginning_is_left_out() -> None:
    steps = taken(Intake(), list(stream(3)), later_ms=-500)
    assert times(steps)[0] == 500
    late = taken(Intake(), list(stream(LATE_MS / 1000 + 1, gop=999)), later_ms=-500)
    assert times(late)[:2] == [START_MS, START_MS + 10]


def test_sound_before_the_first_moment_is_left_out() -> None:
    tags = [VIDEO_HEADER, SOUND_HEADER, picture(0, key=True), sound(-25 % (1 << 32)), sound(5)]
    intake = Intake()
    steps = [s for tag in tags for s in intake.take(tag, 10)]
    steps += taken(intake, [picture(40 * n) for n in range(1, 12)], later_ms=10)
    assert times(steps)[:3] == [START_MS, START_MS + 5, START_MS + 40]


def test_a_return_with_the_same_headers_goes_on() -> None:
    intake = Intake()
    before = taken(intake, list(stream(2)))
    intake.join()
    after = taken(intake, list(stream(2)), later_ms=12_000)
    assert not [step for step in after if isinstance(step, Begin)]
    assert times(after)[0] == 12_000
    assert times(before)[-1] < 2_500


def test_another_picture_after_a_return_begins_anew() -> None:
    intake = Intake()
    taken(intake, list(stream(2)))
    intake.join()
    other = Tag(V, 0, VIDEO_HEADER.data + b"\0")
    changed = [other if tag == VIDEO_HEADER else tag for tag in stream(2)]
    assert isinstance(taken(intake, changed, later_ms=9_000)[0], Begin)


def test_the_gop_is_kept_for_an_encoder_that_dies() -> None:
    intake = Intake()
    steps = taken(intake, list(stream(2.4)))
    last = max(i for i, s in enumerate(steps) if isinstance(s, Tag) and s.data[:1] == b"\x17")
    assert list(intake.gop) == steps[last:]
    large = Tag(V, 2_400, b"\x27\x01\0\0\0" + bytes(GOP_LIMIT_BYTES))
    taken(intake, [large, picture(2_440)])
    assert not intake.gop
    taken(intake, [picture(2_480, key=True)])
    assert len(intake.gop) == 1


def test_rare_keyframes_are_told_once() -> None:
    steps = taken(Intake(), list(stream(12, gop=9_999)))
    (at,) = [i for i, step in enumerate(steps) if isinstance(step, Sparse)]
    before = steps[at - 1]
    assert isinstance(before, Tag)
    assert KEYFRAME_LIMIT_MS < before.time_ms - LATENCY_MS <= KEYFRAME_LIMIT_MS + 40


def test_hints_give_the_size_of_what_does_not_say_it() -> None:
    intake = Intake()
    intake.hint(Hints(1920, 1080, 25.0))
    header = Tag(V, 0, b"\x90hvc1hvcC")
    frames = [
        Tag(V, 40 * n, (b"\x91" if n % 25 == 0 else b"\xa1") + b"hvc1\0\0\0x") for n in range(30)
    ]
    (begin, *_) = taken(intake, [header, *frames])
    assert isinstance(begin, Begin)
    assert begin.source.picture == Picture("hevc", 1920, 1080, 25.0, plain=False)


def test_gaps_and_strange_tags_are_counted() -> None:
    intake = Intake()
    taken(
        intake, [*stream(1), picture(3_000), Tag(V, 3_040, b"\x22h263"), Tag(A, 3_050, b"\xb2spx")]
    )
    assert (intake.tally.gaps, intake.tally.strange, intake.tally.frames) == (1, 2, 26)


def late_at_first(tags: list[Tag], late_ms: int, until_ms: int) -> list[tuple[Tag, int]]:
    """Tags with their arrivals on a machine that was busy until then."""
    return [(t, max(t.time_ms + late_ms * (t.time_ms < until_ms), until_ms)) for t in tags]


def test_a_backlog_that_is_read_at_once_is_waited_for() -> None:
    intake = Intake()
    steps = [
        step
        for tag, now_ms in late_at_first(list(stream(4)), 0, 1_500)
        for step in intake.take(tag, 10_000 + now_ms)
    ]
    assert times(steps)[:2] == [10_000, 10_010]
    assert times(steps)[-1] == 10_000 + 3_970
    assert intake.timeline.steps == intake.tally.overlaps == 0


def test_a_backlog_that_never_ends_is_not_waited_for_long() -> None:
    intake, now_ms = Intake(), 5_000
    for tag in stream(8):
        now_ms += 10
        if intake.take(tag, now_ms):
            break
    assert BACKLOG_MS <= now_ms - 5_000 <= BACKLOG_MS + 40


def test_after_an_overload_pictures_go_on_with_a_keyframe_and_the_truth() -> None:
    intake, found = Intake(), []
    for tag in stream(20):
        late_ms = 2_000 if tag.time_ms < 4_000 else 0
        now_ms = max(6_000 if tag.time_ms >= 4_000 else 0, tag.time_ms + late_ms)
        found += [(s, now_ms) for s in intake.take(tag, now_ms) if isinstance(s, Tag)]
    for kind in (A, V):
        placed = [tag.time_ms for tag, _ in found if tag.kind is kind]
        assert placed == sorted(set(placed))
        assert placed[-1] in (19_960, 19_970)
    later = [(tag, now) for tag, now in found if now > 6_000 + STEP_MS]
    assert all(tag.time_ms <= now for tag, now in later)
    pictures = [tag for tag, _ in later if tag.kind is V]
    assert look(pictures[0]).keyframe
    assert intake.timeline.steps == 1
    assert 0 < intake.tally.overlaps < 150
    assert not intake.awaits_keyframe


def test_limits() -> None:
    never = [VIDEO_HEADER, *(picture(40 * n) for n in range(HELD_LIMIT_MS // 40 + 2))]
    with pytest.raises(BadContribution, match="no picture that can be shown"):
        taken(Intake(), never)
    large = Tag(V, 10, b"\x27\x01\0\0\0" + bytes(HELD_LIMIT_BYTES // 4))
    with pytest.raises(BadContribution, match="no picture that can be shown"):
        taken(Intake(), [VIDEO_HEADER, *[large] * 5])
    intake = Intake()
    taken(intake, list(stream(1)))
    changes = [Tag(V, 0, VIDEO_HEADER.data + bytes(n)) for n in range(CHANGES_LIMIT + 2)]
    with pytest.raises(BadContribution, match="changed its settings"):
        taken(intake, changes)
    with pytest.raises(BadContribution):
        taken(intake, [Tag(V, 0, b"\x17\0\0\0\0" + AVCC[:9])])
