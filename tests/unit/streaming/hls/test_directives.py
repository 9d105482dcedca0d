from __future__ import annotations

import pytest

from streaming.hls.directives import (
    BadDirective,
    Directives,
    Position,
    Verdict,
    decide,
    read_directives,
)

AT = Position(open_number=7, parts=3, last_parts=10, part_target_us=200_000)


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({}, Directives()),
        ({"_HLS_msn": "0"}, Directives(0)),
        ({"_HLS_msn": "12", "_HLS_part": "3"}, Directives(12, 3)),
        ({"_HLS_skip": "YES"}, Directives(skip=True)),
        ({"_HLS_skip": "v2", "_HLS_msn": "1"}, Directives(1, skip=True)),
        ({"_HLS_skip": "NO"}, Directives()),
        ({"token": "x"}, Directives()),
    ],
)
def test_what_is_asked(query: dict[str, str], asked: Directives) -> None:
    assert read_directives(query) == asked


@pytest.mark.parametrize(
    "query",
    [
        {"_HLS_part": "0"},
        {"_HLS_msn": ""},
        {"_HLS_msn": "-1"},
        {"_HLS_msn": "1.5"},
        {"_HLS_msn": "٣"},
        {"_HLS_msn": "1" * 10},
        {"_HLS_msn": "1", "_HLS_part": "x"},
    ],
)
def test_what_may_not_be_asked(query: dict[str, str]) -> None:
    with pytest.raises(BadDirective):
        read_directives(query)


@pytest.mark.parametrize(
    ("number", "part", "verdict"),
    [
        (None, None, Verdict.NOW),
        (0, None, Verdict.NOW),
        (6, None, Verdict.NOW),
        (7, None, Verdict.WAIT),
        (8, None, Verdict.WAIT),
        (7, 0, Verdict.NOW),
        (7, 2, Verdict.NOW),
        (7, 3, Verdict.WAIT),
        (7, 17, Verdict.WAIT),
        (8, 0, Verdict.WAIT),
        (6, 9, Verdict.NOW),
        (6, 10, Verdict.NOW),
        (5, 99, Verdict.NOW),
    ],
)
def test_now_or_later(number: int | None, part: int | None, verdict: Verdict) -> None:
    assert decide(Directives(number, part), AT) is verdict


@pytest.mark.parametrize(
    ("number", "part"), [(9, None), (9, 0), (10**8, None), (7, 18), (8, 15), (8, 999)]
)
def test_too_far_ahead(number: int, part: int | None) -> None:
    with pytest.raises(BadDirective, match="ahead"):
        decide(Directives(number, part), AT)


def test_a_part_beyond_the_last_is_the_next_segments_first() -> None:
    fresh = Position(open_number=7, parts=0, last_parts=10, part_target_us=200_000)
    assert decide(Directives(6, 10), fresh) is Verdict.WAIT
    assert decide(Directives(6, 9), fresh) is Verdict.NOW


def test_parts_of_a_second_and_more_are_asked_for_three_ahead() -> None:
    slow = Position(open_number=7, parts=1, last_parts=2, part_target_us=1_000_000)
    assert decide(Directives(7, 3), slow) is Verdict.WAIT
    with pytest.raises(BadDirective):
        decide(Directives(7, 4), slow)


@pytest.mark.parametrize("number", [0, 7, 9, 10**8])
def test_what_has_ended_answers_at_once(number: int) -> None:
    ended = Position(7, 0, 10, 200_000, ended=True)
    assert decide(Directives(number, 5), ended) is Verdict.NOW
