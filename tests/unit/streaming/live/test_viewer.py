from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.live.frame import Frame, Kind, frame_of
from streaming.live.viewer import (
    QUEUE_LIMIT_BYTES,
    QUEUE_LIMIT_S,
    SECOND_SKIP_S,
    SOUND_LIMIT_S,
    Item,
    Rung,
    RungChanged,
    Said,
    Skipped,
    Viewer,
)

HIGH, LOW, SOUND = 1, 2, 3
RUNGS = (Rung(HIGH, "720p"), Rung(LOW, "360p"))


def init(rendition: int, run: int = 0) -> Frame:
    return frame_of(rendition, Kind.INIT, run, 0, b"init")


def picture(number: int, rendition: int = HIGH, gop: int = 30, size: int = 100) -> Frame:
    kind = Kind.KEYFRAME if number % gop == 0 else Kind.PICTURE
    return frame_of(rendition, kind, 0, number * 33_333, bytes(size))


def sound(number: int, size: int = 10) -> Frame:
    return frame_of(SOUND, Kind.SOUND, 0, number * 33_333, bytes(size))


def viewer(video: int | None = HIGH) -> Viewer:
    made = Viewer(RUNGS, video, SOUND)
    for rendition in (HIGH, LOW, SOUND):
        made.offer(init(rendition), 0.0)
    return made


def drain(found: Viewer) -> list[Item]:
    items: list[Item] = []
    while (item := found.next()) is not None:
        items.append(item)
    return items


def kinds(items: list[Item]) -> str:
    """Say what came: i, K, p, s; R for a change of rung, S for a skip."""
    letters = {Kind.INIT: "i", Kind.KEYFRAME: "K", Kind.PICTURE: "p", Kind.SOUND: "s"}
    named = {RungChanged: "R", Skipped: "S", Said: "t"}
    return "".join(letters[i.kind] if isinstance(i, Frame) else named[type(i)] for i in items)


def test_a_message_is_four_bytes_and_the_media() -> None:
    frame = frame_of(3, Kind.SOUND, 258, 0, b"moof")
    assert frame.message == b"\x03\x03\x01\x02moof"
    assert frame.wire == b"\x82\x08" + frame.message


def test_it_begins_with_the_init_and_a_keyframe() -> None:
    found = viewer()
    for number in range(28, 33):
        found.offer(picture(number), 0.0)
        found.offer(picture(number, LOW), 0.0)
        found.offer(sound(number), 0.0)
    assert kinds(drain(found)) == "issiKspsps"
    assert found.size_bytes == 0


def test_who_came_before_the_first_picture_gets_it() -> None:
    found = Viewer((), None, SOUND)
    found.offer(init(SOUND), 0.0)
    found.offer(sound(0), 0.0)
    found.begin(RUNGS, SOUND)
    found.offer(init(HIGH), 0.0)
    found.offer(picture(0), 0.0)
    assert kinds(drain(found)) == "isRiK"


@pytest.mark.parametrize("asks_later", [True, False])
def test_who_wants_sound_alone_gets_no_picture_that_comes_late(asks_later: bool) -> None:
    found = Viewer((), None, SOUND, sound_alone=not asks_later)
    if asks_later:
        assert found.ask("audio", 0.0)
    found.begin(RUNGS, SOUND)
    found.offer(init(HIGH), 0.0)
    found.offer(picture(0), 0.0)
    assert kinds(drain(found)) == ""
    assert found.ask("auto", 0.0)
    found.offer(picture(30), 0.0)
    assert kinds(drain(found)) == "RiK"


def test_a_new_run_sends_its_init_before_its_first_frame() -> None:
    found = viewer()
    found.offer(picture(0), 0.0)
    found.offer(init(HIGH, 1), 0.0)
    found.offer(init(HIGH, 1), 0.0)
    found.offer(picture(30), 0.0)
    items = drain(found)
    assert kinds(items) == "iKiK"
    assert [i.run for i in items if isinstance(i, Frame) and i.kind is Kind.INIT] == [0, 1]


def test_sound_alone() -> None:
    found = viewer(None)
    for number in range(3):
        found.offer(picture(number), 0.0)
        found.offer(sound(number), 0.0)
    assert kinds(drain(found)) == "isss"


def test_who_is_too_slow_goes_on_with_the_newest_keyframe_and_keeps_the_sound() -> None:
    found = viewer()
    at = 0.0
    for number in range(35):
        at = number / 12
        found.offer(picture(number), at)
        found.offer(sound(number), at)
        if found.skips:
            break
    items = drain(found)
    assert found.skips == 1
    skipped = next(item for item in items if isinstance(item, Skipped))
    assert "p" not in kinds(items)
    assert kinds(items).count("s") == skipped.frames
    found.offer(picture(number + 1), at)
    assert kinds(drain(found)) == ""
    found.offer(picture(60), at)
    assert kinds(drain(found)) == "K"


def test_a_keyframe_in_the_queue_is_where_it_goes_on() -> None:
    found = viewer()
    for number in range(40):
        found.offer(picture(number), 0.0 if number < 30 else 1.5)
    found.offer(picture(40), QUEUE_LIMIT_S + 0.1)
    items = drain(found)
    assert kinds(items) == "iK" + "p" * 10 + "S"
    assert Skipped(30) in items
    assert isinstance(items[1], Frame)
    assert items[1].at_us == picture(30).at_us


def test_a_queue_is_bounded_in_bytes() -> None:
    found = viewer()
    for number in range(100):
        found.offer(picture(number, size=200_000), 0.0)
        assert found.size_bytes <= QUEUE_LIMIT_BYTES + 200_004
    assert found.skips > 0


def test_sound_goes_too_when_nothing_is_taken_at_all() -> None:
    found = viewer()
    for number in range(3000):
        found.offer(sound(number), number / 30)
    assert len(found) <= SOUND_LIMIT_S * 30 + 2
    huge = viewer(None)
    for number in range(100):
        huge.offer(sound(number, 1_000_000), 0.0)
    assert huge.size_bytes <= QUEUE_LIMIT_BYTES


def test_a_keyframe_that_is_too_large_takes_along_what_needs_it() -> None:
    found = viewer()
    found.offer(picture(0), 0.0)
    for number in (30, 31):
        found.offer(picture(number, size=QUEUE_LIMIT_BYTES // 2), 0.0)
    assert kinds(drain(found)) == "iS"
    found.offer(picture(32), 0.1)
    found.offer(picture(60), 0.1)
    assert kinds(drain(found)) == "K"


def skip(found: Viewer, number: int, now: float) -> None:
    drain(found)
    found.offer(picture(number, found.video or HIGH), now)
    found.offer(picture(number + 1, found.video or HIGH), now + QUEUE_LIMIT_S + 0.1)


@pytest.mark.parametrize(
    ("pause_s", "video"), [(SECOND_SKIP_S - 4, LOW), (SECOND_SKIP_S + 1, HIGH)]
)
def test_the_second_skip_within_ten_seconds_is_one_rung_down(pause_s: float, video: int) -> None:
    found = viewer()
    skip(found, 30, 10.0)
    skip(found, 60, 10.0 + pause_s)
    assert (found.skips, found.video) == (2, video)
    changes = [item for item in drain(found) if isinstance(item, RungChanged)]
    assert changes == ([RungChanged(LOW, "slow")] if video == LOW else [])
    found.offer(picture(90, LOW), 30.0)
    assert kinds(drain(found)) == ("iK" if video == LOW else "")


def test_below_the_lowest_rung_there_is_nothing() -> None:
    found = viewer(LOW)
    for number in range(6):
        skip(found, 30 * number, 3.0 * number)
    assert found.video == LOW


def test_an_asked_rung_begins_with_its_keyframe_and_the_old_one_goes_on() -> None:
    found = viewer()
    found.offer(picture(0), 0.0)
    assert found.ask("360p", 0.0)
    for number in range(28, 32):
        found.offer(picture(number), 0.0)
        found.offer(picture(number, LOW), 0.0)
    items = drain(found)
    assert kinds(items) == "iKppKRiKp"
    assert RungChanged(LOW, "asked") in items
    assert found.ask("auto", 0.0)
    found.offer(picture(60), 0.0)
    assert kinds(drain(found)) == "RK"


def test_sound_only_is_at_once_and_what_is_unknown_is_refused() -> None:
    found = viewer()
    found.offer(picture(0), 0.0)
    assert found.ask("audio", 0.0)
    found.offer(picture(30), 0.0)
    found.offer(sound(30), 0.0)
    assert kinds(drain(found)) == "iRis"
    assert not found.ask("8k", 0.0)


def test_a_rung_that_is_sent_no_more_gives_way_to_the_smallest() -> None:
    found = viewer()
    found.offer(picture(0), 0.0)
    found.begin(RUNGS[1:], SOUND)
    found.offer(picture(30, LOW), 0.0)
    assert found.video == LOW


steps = st.lists(
    st.tuples(st.sampled_from("HLSasdn"), st.floats(0, 3), st.integers(1, 900_000)), max_size=80
)


@given(steps)
def test_whatever_happens_it_is_bounded_and_each_picture_follows_the_one_before(
    moves: list[tuple[str, float, int]],
) -> None:
    found, now, number = viewer(), 0.0, 0
    offered: dict[int, Frame] = {}
    before: dict[int, Frame | None] = {}
    shown: Frame | None = None
    for move, pause_s, size in moves:
        now, number = now + pause_s, number + 1
        if move in "HL":
            rendition = HIGH if move == "H" else LOW
            frame = picture(number, rendition, gop=7, size=size)
            before[id(frame)] = offered.get(rendition)
            offered[rendition] = frame
            found.offer(frame, now)
        elif move == "S":
            found.offer(sound(number, size), now)
        elif move in "asd":
            found.ask({"a": "auto", "s": "360p", "d": "audio"}[move], now)
        else:
            for item in drain(found):
                if isinstance(item, Frame) and item.kind is Kind.PICTURE:
                    assert shown is not None
                    assert before[id(item)] is shown
                if isinstance(item, Frame) and item.kind in (Kind.KEYFRAME, Kind.PICTURE):
                    shown = item
        assert found.size_bytes <= QUEUE_LIMIT_BYTES + 900_100
        assert found.size_bytes >= 0
    drain(found)
    assert found.size_bytes == 0


def test_a_rung_that_was_taken_away_comes_back() -> None:
    found = viewer()
    found.begin(RUNGS[1:], SOUND)
    assert found.uses[2] == RUNGS[1].id, "the largest that is left"
    found.begin(RUNGS, SOUND)
    assert found.uses[2] == RUNGS[0].id
    found.begin(RUNGS[1:], SOUND)
    assert found.ask(RUNGS[1].name, 0.0)
    found.begin(RUNGS, SOUND)
    assert found.uses[2] == RUNGS[1].id, "it was chosen since"
    assert found.ask(RUNGS[0].name, 0.0)
    found.begin(RUNGS[1:], SOUND)
    found.begin(RUNGS, SOUND)
    assert found.uses[2] == RUNGS[0].id, "what was chosen, too"


def test_who_came_while_there_was_less_goes_with_the_largest() -> None:
    found = Viewer(RUNGS[1:], RUNGS[1].id, SOUND)
    found.begin(RUNGS, SOUND)
    assert found.uses[2] == RUNGS[0].id
