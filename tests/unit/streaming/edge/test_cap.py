import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.edge.cap import (
    HELD_SHARE,
    SHARE,
    UNKNOWN_LINE_BPS,
    UP_AFTER_S,
    Allowed,
    Cap,
    Limits,
    Rung,
    Stream,
    Why,
)

HIGH = Rung("720p", 2_000_000)
LOW = Rung("360p", 800_000)
SOUND = Rung("aac", 96_000, sound_only=True)
MBIT = 1_000_000


def lesson(name: str = "a", *rungs: Rung) -> Stream:
    return Stream(name, rungs or (HIGH, LOW))


def decide_once(estimate_bps: int | None, *streams: Stream) -> dict[str, Allowed]:
    return Cap().decide(0.0, streams, estimate_bps)


@pytest.mark.parametrize(
    ("line", "allowed", "capped", "why"),
    [
        (8.0, ("720p", "360p"), False, Why.ALL_FITS),
        (3.5, ("720p", "360p"), False, Why.ALL_FITS),
        (3.4, ("720p",), True, Why.LINE),
        (2.5, ("720p",), True, Why.LINE),
        (2.4, ("360p",), True, Why.LINE),
        (1.0, ("360p",), True, Why.LINE),
        (0.9, ("360p",), True, Why.LOWEST),
        (0.0, ("360p",), True, Why.LOWEST),
    ],
)
def test_one_lesson_on_a_line(
    line: float, allowed: tuple[str, ...], capped: bool, why: Why
) -> None:
    assert decide_once(int(line * MBIT), lesson())["a"] == Allowed(allowed, capped, why)


def test_three_lessons_on_8_mbit_have_the_high_rung_each() -> None:
    found = decide_once(int(7.7 * MBIT), *(lesson(name) for name in "abc"))
    assert {one.rungs for one in found.values()} == {("720p",)}


def test_who_is_lowest_is_raised_first() -> None:
    steps = [Rung(f"{kbps}k", kbps * 1000) for kbps in (300, 600, 1200, 2400)]
    found = decide_once(4 * MBIT, lesson("a", *steps), lesson("b", *steps), lesson("c", *steps))
    assert [found[name].rungs for name in "abc"] == [("1200k",), ("1200k",), ("600k",)]


def test_a_step_that_is_too_large_leaves_the_room_to_others() -> None:
    steep = lesson("a", Rung("low", 200_000), Rung("high", 5 * MBIT))
    found = decide_once(3 * MBIT, steep, lesson("b"))
    assert found["a"].rungs == ("low",)
    assert found["b"].rungs == ("720p",)


def test_sound_alone_is_always_allowed_and_counted_once() -> None:
    assert decide_once(100_000, lesson("a", HIGH, LOW, SOUND))["a"] == Allowed(
        ("360p", "aac"), True, Why.LOWEST
    )
    both_bps = HIGH.bandwidth_bps + LOW.bandwidth_bps - SOUND.bandwidth_bps
    found = decide_once(int(both_bps / SHARE) + 2, lesson("a", HIGH, LOW, SOUND))
    assert found["a"] == Allowed(("720p", "360p", "aac"), False, Why.ALL_FITS)
    assert decide_once(MBIT, lesson("a", SOUND))["a"] == Allowed(("aac",), False, Why.ALL_FITS)


def test_what_is_cached_costs_nothing_and_beats_what_is_not() -> None:
    cached = replace(LOW, whole_in_cache=True)
    assert decide_once(int(1.6 * MBIT), lesson("a", HIGH, cached))["a"] == Allowed(
        ("360p",), True, Why.LINE
    )
    assert decide_once(int(2.5 * MBIT), lesson("a", HIGH, cached))["a"] == Allowed(
        ("720p", "360p"), False, Why.ALL_FITS
    )
    high = replace(HIGH, whole_in_cache=True)
    assert decide_once(500_000, lesson("a", high, LOW))["a"] == Allowed(("720p",), True, Why.LINE)
    assert decide_once(0, lesson("a", high, cached))["a"] == Allowed(
        ("720p", "360p"), False, Why.CACHED
    )


def test_a_cached_lesson_leaves_the_line_to_the_live_one() -> None:
    cached = [replace(rung, whole_in_cache=True) for rung in (HIGH, LOW)]
    found = decide_once(int(2.5 * MBIT), lesson("live"), lesson("kept", *cached))
    assert found["live"].rungs == ("720p",)


def test_an_operator_sets_a_ceiling_and_a_reserve() -> None:
    cap = Cap(Limits(ceiling_bps=2_500_000))
    assert cap.decide(0, [lesson()], 8 * MBIT)["a"] == Allowed(("720p",), True, Why.CEILING)
    cap.limit(Limits(ceiling_bps=4 * MBIT))
    assert cap.decide(1, [lesson()], 8 * MBIT)["a"].why is Why.ALL_FITS
    cap.limit(Limits(ceiling_bps=4 * MBIT, reserve_bps=6 * MBIT))
    assert cap.decide(2, [lesson()], 8 * MBIT)["a"] == Allowed(("360p",), True, Why.LINE)
    assert cap.room_bps == 1_600_000
    cap.limit(Limits(reserve_bps=9 * MBIT))
    assert cap.decide(3, [lesson()], 8 * MBIT)["a"].why is Why.LOWEST


@pytest.mark.parametrize(
    ("estimate", "streams", "needed"),
    [
        (8.0, (lesson(),), None),
        (2.4, (lesson(),), 2.0 / SHARE),
        (3.0, (lesson(),), 2.8 / SHARE),
        (2.4, (lesson("a"), lesson("b")), (2.0 + 0.8) / SHARE),
        (None, (lesson(),), 2.0 / SHARE),
    ],
)
def test_what_the_next_raise_needs(
    estimate: float | None, streams: tuple[Stream, ...], needed: float | None
) -> None:
    cap = Cap()
    cap.decide(0.0, streams, None if estimate is None else int(estimate * MBIT))
    assert cap.next_bps == (None if needed is None else round(needed * MBIT))
    if cap.next_bps is not None and estimate is not None:
        before = cap.decide(1.0, streams, cap.next_bps)
        assert cap.decide(1.0 + UP_AFTER_S, streams, cap.next_bps) != before


def test_a_line_that_was_never_measured() -> None:
    assert HIGH.bandwidth_bps > UNKNOWN_LINE_BPS * SHARE
    cap = Cap()
    assert cap.decide(0, [lesson()], None)["a"] == Allowed(("360p",), True, Why.UNKNOWN)
    assert cap.decide(1, [lesson()], 8 * MBIT)["a"].why is Why.ALL_FITS
    assert Cap(Limits(8 * MBIT)).decide(0, [lesson()], None)["a"].why is Why.ALL_FITS
    assert Cap(Limits(3 * MBIT)).decide(0, [lesson()], None)["a"].why is Why.CEILING


def test_down_at_once_and_up_after_half_a_minute_without_a_break() -> None:
    cap = Cap()
    rungs = []
    lines = {0: 8.0, 10: 1.6, 20: 8.0, 45: 1.6, 46: 8.0}
    line = 0.0
    for now in range(90):
        line = lines.get(now, line)
        rungs.append(cap.decide(now, [lesson()], int(line * MBIT))["a"].rungs)
    changes = [now + 1 for now, (one, two) in enumerate(pairwise(rungs)) if one != two]
    assert changes == [10, 76]
    assert rungs[10] == ("360p",)
    assert rungs[76] == ("720p", "360p")


def raises(lines: dict[int, float], until: int) -> list[int]:
    """Give when a lesson was raised on a line that changes at these seconds."""
    cap = Cap()
    line, found, before = 8.0, [], 0
    for now in range(until):
        line = lines.get(now, line)
        rungs = len(cap.decide(now, [lesson()], int(line * MBIT))["a"].rungs)
        if now and rungs > before:
            found.append(now)
        before = rungs
    return found


def test_a_raise_in_vain_makes_the_next_one_slower() -> None:
    drops = {start + n: line for start in (10, 100, 250) for n, line in ((0, 1.6), (1, 8.0))}
    assert raises(drops, 400) == [41, 161, 371]
    calm = {start + n: line for start in (10, 300, 600) for n, line in ((0, 1.6), (1, 8.0))}
    assert raises(calm, 700) == [41, 331, 631]


def test_the_next_raise_waits_for_eight_minutes_at_most() -> None:
    lines: dict[int, float] = {}
    now = 0
    for wait_s in (30, 60, 120, 240, 480, 480):
        lines |= {now + 1: 1.6, now + 2: 8.0}
        now += wait_s + 3
    assert len(raises(lines, now)) == 6


def test_the_raise_is_the_least_that_fitted_all_the_time() -> None:
    steps = lesson("a", Rung("low", 400_000), Rung("mid", MBIT), Rung("high", 3 * MBIT))
    cap = Cap()
    cap.decide(0, [steps], 600_000)
    for now in range(1, 31):
        estimate = 8 * MBIT if now < 20 else 1_500_000
        assert cap.decide(now, [steps], estimate)["a"].rungs == ("low",)
    assert cap.next_deadline() == 1 + UP_AFTER_S
    assert cap.decide(31, [steps], 8 * MBIT)["a"].rungs == ("mid",)


def test_a_stream_that_appears_lowers_others_at_once_and_lifts_them_late() -> None:
    cap = Cap()
    a, b = lesson("a"), lesson("b")
    line = int(3.6 * MBIT)
    assert cap.decide(0, [a], line)["a"].rungs == ("720p", "360p")
    found = cap.decide(1, [a, b], line)
    assert (found["a"].rungs, found["b"].rungs) == (("720p",), ("360p",))
    found = cap.decide(2, [a, b, lesson("c")], line)
    assert {one.rungs for one in found.values()} == {("360p",)}
    for now in range(3, 33):
        assert cap.decide(now, [a], line)["a"].rungs == ("360p",)
    assert cap.decide(33, [a], line)["a"].rungs == ("720p", "360p")


def test_a_choice_is_found_again_when_the_cache_or_the_ladder_changed() -> None:
    cap = Cap()
    line = int(2.6 * MBIT)
    assert cap.decide(0, [lesson()], line)["a"].rungs == ("720p",)
    kept = lesson("a", replace(HIGH, whole_in_cache=True), LOW)
    assert cap.decide(1, [kept], line)["a"].rungs == ("720p",)
    assert cap.decide(2, [lesson("a", Rung("480p", MBIT), LOW)], line)["a"].rungs == ("360p",)
    assert cap.decide(3, [Stream("a", ())], line)["a"] == Allowed((), False, Why.ALL_FITS)


ladders = st.lists(st.integers(50_000, 6_000_000), min_size=1, max_size=5, unique=True)
streams = st.lists(
    st.builds(
        lambda rates, cached, sound: tuple(
            [Rung(str(bps), bps, kept) for bps, kept in zip(rates, cached, strict=False)]
            + ([Rung("aac", 48_000, sound_only=True)] if sound else [])
        ),
        ladders,
        st.lists(st.booleans(), min_size=5, max_size=5),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
).map(lambda found: [Stream(str(n), rungs) for n, rungs in enumerate(found)])


def crossing_bps(stream: Stream, allowed: tuple[str, ...]) -> int:
    sound = sum(rung.bandwidth_bps for rung in stream.rungs if rung.sound_only)
    return sound + sum(
        rung.bandwidth_bps - sound
        for rung in stream.rungs
        if rung.name in allowed and not rung.whole_in_cache and not rung.sound_only
    )


@given(st.lists(st.tuples(streams, st.integers(0, 12_000_000)), min_size=1, max_size=12))
def test_what_is_allowed_fits_or_is_the_least_there_is(
    moments: list[tuple[list[Stream], int]],
) -> None:
    cap = Cap()
    for n, (watched, estimate) in enumerate(moments):
        found = cap.decide(10.0 * n, watched, estimate)
        assert set(found) == {stream.id for stream in watched}
        needed, least = 0, 0
        for stream in watched:
            allowed = found[stream.id].rungs
            video = [rung for rung in stream.rungs if not rung.sound_only]
            free = {rung.name for rung in video if rung.whole_in_cache}
            sound = {rung.name for rung in stream.rungs if rung.sound_only}
            assert free | sound <= set(allowed)
            assert set(allowed) - sound, "there is always a picture"
            assert found[stream.id].capped is (len(allowed) < len(stream.rungs))
            needed += crossing_bps(stream, allowed)
            lowest = min(video, key=lambda rung: rung.bandwidth_bps).name
            least += crossing_bps(stream, tuple(sound if free else {lowest, *sound}))
        assert needed <= max(least, HELD_SHARE * estimate)


@given(streams, st.integers(0, 12_000_000))
def test_a_line_that_stays_is_decided_once(watched: list[Stream], estimate: int) -> None:
    cap = Cap()
    first = cap.decide(0.0, watched, estimate)
    for now in range(1, 100):
        assert cap.decide(float(now), watched, estimate) == first
    assert cap.decide(100.0, watched[::-1], estimate) == first


@settings(max_examples=60)
@given(
    streams.filter(lambda found: len(found) <= 3),
    st.integers(200_000, 12_000_000),
    st.integers(0, 2**32),
)
def test_nobody_oscillates_on_a_noisy_estimate(
    watched: list[Stream], line_bps: int, seed: int
) -> None:
    noise = random.Random(seed)
    cap = Cap()
    found = []
    for half_second in range(600):
        estimate = int(line_bps * noise.uniform(0.85, 1.15))
        decision = cap.decide(half_second / 2, watched, estimate)
        found.append({name: one.rungs for name, one in decision.items()})
    changes = [two for one, two in pairwise(found) if one != two]
    assert len(changes) <= 1
