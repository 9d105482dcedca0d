"""What viewers want is decided by chance, the same for the same seed; messages have heads."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest

from loadtests.soak_profile import LEAST_S, MOST_S, Manner, in_a_while, profile_of
from loadtests.soak_reports import report_of
from loadtests.soak_streams import wire_bytes
from streaming.live.frame import BINARY, header
from streaming.qoe.report import read_report


def test_the_same_chance_gives_the_same_wish() -> None:
    wishes = [profile_of("u", True, random.Random(seed)) for seed in range(200)]
    assert wishes == [profile_of("u", True, random.Random(seed)) for seed in range(200)]
    assert {one.manner for one in wishes} == set(Manner)
    assert all(LEAST_S <= one.seconds <= MOST_S for one in wishes)
    assert 0 < sum(one.cmcd for one in wishes) < len(wishes)
    counts = Counter(one.manner.polite for one in wishes)
    assert counts[True] > counts[False] > 0


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000])
def test_a_message_is_as_long_as_the_service_writes_it(size: int) -> None:
    assert wire_bytes(size) == len(header(BINARY, size)) + size


def test_reports_are_read_by_the_service_and_no_two_have_one_id() -> None:
    chance, again = random.Random(1), random.Random(1)
    made = [report_of(chance) for _ in range(50)]
    assert made == [report_of(again) for _ in range(50)]
    read = [read_report(msgspec.json.encode(one)) for one in made]
    assert len({one.id for one in read}) == len(made)


def test_a_viewer_leaves_when_its_time_is_over_or_all_leave() -> None:
    everybody = False
    assert in_a_while(-1.0, lambda: everybody)()
    leaves = in_a_while(3600.0, lambda: everybody)
    assert not leaves()
    everybody = True
    assert leaves()
