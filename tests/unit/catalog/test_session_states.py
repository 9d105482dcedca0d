"""A session's state table, its clock, and what may be booked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.errors import Conflict, Invalid
from catalog.live import FeedName
from catalog.media import Chapter
from catalog.session import (
    GRACE_S,
    LISTENING_LIMIT,
    LONGEST_S,
    OPENS_BEFORE_S,
    SHORTEST_S,
    SPEAKERS_LIMIT,
    TRANSITIONS,
    UNFINISHED_S,
    Booking,
    SessionInput,
    SessionKind,
    SessionState,
    check_booking,
    due,
    step,
)
from catalog.session_chapters import Span, no_chapters, placed, shift_of
from catalog.session_keys import KEY_CHARS, publishing_key, same_key

_S, _I, _K = SessionState, SessionInput, SessionKind
STARTS, ENDS = 100_000.0, 102_400.0


def test_the_way_of_a_session_that_goes_well() -> None:
    state = _S.SCHEDULED
    for event in (_I.ROOM_OPENED, _I.WENT_LIVE, _I.WENT_LIVE, _I.ENDED, _I.ENDED, _I.RECORDED):
        state = step(state, event)
    assert state is _S.RECORDED


def test_every_other_input_is_refused() -> None:
    for state in _S:
        for event in _I:
            if (state, event) not in TRANSITIONS:
                with pytest.raises(Conflict):
                    step(state, event)


@pytest.mark.parametrize(
    ("state", "now_utc", "event"),
    [
        (_S.SCHEDULED, STARTS - OPENS_BEFORE_S - 0.1, None),
        (_S.SCHEDULED, STARTS - OPENS_BEFORE_S, _I.ROOM_OPENED),
        (_S.SCHEDULED, ENDS + 1e6, _I.ROOM_OPENED),
        (_S.WAITING, ENDS + GRACE_S - 0.1, None),
        (_S.WAITING, ENDS + GRACE_S, _I.ENDED),
        (_S.LIVE, ENDS + GRACE_S - 0.1, None),
        (_S.LIVE, ENDS + GRACE_S, _I.ENDED),
        (_S.ENDED, ENDS + UNFINISHED_S - 0.1, None),
        (_S.ENDED, ENDS + UNFINISHED_S, _I.RECORDED),
        (_S.CANCELLED, ENDS + 1e6, None),
        (_S.RECORDED, ENDS + 1e6, None),
        (_S.FAILED, ENDS + 1e6, None),
    ],
)
def test_what_the_clock_does(
    state: SessionState, now_utc: float, event: SessionInput | None
) -> None:
    assert due(state, STARTS, ENDS, ENDS, now_utc) is event


GOOD = Booking(
    "两位数乘法", _K.SYNC_CLASS, "t", STARTS, 2400, False, "group", "school", "main",
    listening=("far",),
)  # fmt: skip
PAIRED = replace(
    GOOD, kind=_K.PAIRED_LESSON, listening=(), second_classroom="far", second_teacher="u"
)
OPEN = replace(GOOD, kind=_K.OPEN_CLASS, main_classroom=None, listening=())


@pytest.mark.parametrize("good", [GOOD, PAIRED, OPEN, replace(OPEN, kind=_K.RESEARCH,
                                                              speakers=("a", "b"))])  # fmt: skip
def test_what_goes_with_its_kind_is_taken(good: Booking) -> None:
    check_booking(good)
    assert good.ends_utc == good.starts_utc + good.duration_s


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (replace(GOOD, main_classroom=None), "main_classroom"),
        (replace(GOOD, listening=()), "listening_classrooms"),
        (replace(GOOD, listening=("main",)), "listening_classrooms"),
        (replace(GOOD, listening=("far", "far")), "listening_classrooms"),
        (replace(GOOD, listening=tuple(map(str, range(LISTENING_LIMIT + 1)))),
         "listening_classrooms"),
        (replace(GOOD, second_classroom="x"), "second_classroom"),
        (replace(GOOD, second_teacher="x"), "second_teacher"),
        (replace(GOOD, speakers=("t",)), "speakers"),
        (replace(GOOD, speakers=tuple(map(str, range(SPEAKERS_LIMIT + 1)))), "speakers"),
        (replace(GOOD, duration_s=SHORTEST_S - 1), "duration_s"),
        (replace(GOOD, duration_s=LONGEST_S + 1), "duration_s"),
        (replace(PAIRED, second_classroom=None), "second_classroom"),
        (replace(PAIRED, second_classroom="main"), "listening_classrooms"),
    ],
)  # fmt: skip
def test_what_does_not_go_with_its_kind_is_told(bad: Booking, field: str) -> None:
    with pytest.raises(Invalid) as told:
        check_booking(bad)
    assert field in told.value.fields


def test_each_room_and_person_has_one_part() -> None:
    assert PAIRED.classrooms() == {"main": "main", "far": "second"}
    assert PAIRED.people() == {"t": "teacher", "u": "second_teacher"}
    assert (_K.PAIRED_LESSON.feeds, _K.RESEARCH.feeds) == (2, 1)
    assert _K.OPEN_CLASS.open_by_default
    assert not _K.SYNC_CLASS.open_by_default


def test_publishing_keys_differ_by_all_that_they_are_of() -> None:
    secret = bytes(32)
    keys = {
        publishing_key(one, session, feed, version)
        for one in (secret, bytes(31) + b"x")
        for session in ("a", "b")
        for feed in FeedName
        for version in (1, 2)
    }
    assert len(keys) == 24
    assert {len(key) for key in keys} == {KEY_CHARS}
    assert publishing_key(secret, "a", FeedName.MAIN, 1) == publishing_key(
        secret, "a", FeedName.MAIN, 1
    )


@pytest.mark.parametrize("given", ["", "x", "密钥", "\udc80", "a" * 10_000])
def test_a_key_of_any_form_is_compared(given: str) -> None:
    assert not same_key(publishing_key(bytes(32), "a", FeedName.MAIN, 1), given)


CHAPTERS = [Chapter(0.0, "开始"), Chapter(60.0, "提问"), Chapter(90.0, "答疑")]


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ([Span(0.0, 0.0, 100.0)], CHAPTERS),
        ([Span(0.25, 0.0, 100.0)],
         [Chapter(0.0, "开始"), Chapter(59.75, "提问"), Chapter(89.75, "答疑")]),
        ([Span(0.0, 0.0, 60.0)], [Chapter(0.0, "开始")]),
        ([Span(70.0, 0.0, 60.0)], [Chapter(0.0, "提问"), Chapter(20.0, "答疑")]),
        ([Span(0.0, 0.0, 40.0), Span(70.0, 40.0, 30.0)],
         [Chapter(0.0, "开始"), Chapter(40.0, "提问"), Chapter(60.0, "答疑")]),
        ([Span(0.0, 0.0, 40.0), Span(95.0, 40.0, 30.0)],
         [Chapter(0.0, "开始"), Chapter(40.0, "答疑")]),
        ([], []),
    ],
)  # fmt: skip
def test_chapters_by_the_recordings_time(spans: list[Span], found: list[Chapter]) -> None:
    assert list(placed(reversed(CHAPTERS), spans)) == found
    assert placed(no_chapters([{"kind": "asked"}]), spans) == ()


@pytest.mark.parametrize(
    ("key", "shift"),
    [("media/l/1/720p/000003-t15360.mp4", 15_360), ("media/l/1/720p/000003-a1.mp4", 0),
     ("media/l/1/x-t9.mp4/000003-a1.mp4", 0), ("", 0)],
)  # fmt: skip
def test_a_live_segments_key_tells_how_far_it_was_moved(key: str, shift: int) -> None:
    assert shift_of(key) == shift
