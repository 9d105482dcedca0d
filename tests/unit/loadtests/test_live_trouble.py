"""What a page suffered, and whether a playlist counted on, with literal times."""

from __future__ import annotations

import math

from loadtests.live_numbers import Numbers, numbers_of
from loadtests.live_trouble import Trouble, suffered
from loadtests.live_watch import Seen, Shown

DELAY_MS = 400


def frames(first: int, last: int) -> tuple[Shown, ...]:
    """Frames of 30 a second, shown 400 ms after their stamp."""
    stamps = [round(number * 1000 / 30) for number in range(first, last)]
    return tuple(Shown(stamp, stamp + DELAY_MS, stamp / 1000) for stamp in stamps)


def test_what_nobody_sent_is_not_lost() -> None:
    seen = Seen(frames(0, 300) + frames(600, 900))
    unsent = Trouble("away", 10_000, 20_000, ((10_000, 20_000),))
    found = suffered(seen, unsent, 30_400)
    assert (round(found.longest_ms), round(found.lost_s, 2)) == (10_033, 0)
    assert found.back_s == 0.4
    killed = suffered(seen, Trouble("killed", 10_000, 10_000), 30_400)
    assert round(killed.lost_s, 2) == 10
    assert str(killed) == "10.0 s | 10.0 s | 10.4 s"


def test_a_page_that_stands_at_the_end_is_not_back() -> None:
    stands = suffered(Seen(frames(0, 300)), Trouble("away", 5_000, 6_000), 30_000)
    assert stands.back_s == math.inf
    assert "NOT BACK" in str(stands)
    assert suffered(Seen(), Trouble("away", 5_000, 6_000), 30_000).longest_ms == 25_000


def test_a_page_that_saw_nothing_of_it() -> None:
    found = suffered(Seen(frames(0, 900)), Trouble("joins", 10_000, 15_000), 30_400)
    assert (found.longest_ms < 40, found.lost_s, found.back_s) == (True, 0, 0)


PLAYLIST = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:6
#EXT-X-MAP:URI="720p/init-0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-25T19:13:12.971Z
#EXTINF:2.000,
720p/0.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-11-25T19:13:14.972Z
#EXTINF:2.000,
720p/1.m4s
"""
LATER = """#EXT-X-PROGRAM-DATE-TIME:2026-11-25T19:13:27.000Z
#EXTINF:2.000,
720p/2.m4s
"""


def test_time_between_segments_is_counted_once() -> None:
    before, after = numbers_of(PLAYLIST), numbers_of(PLAYLIST + LATER)
    assert before == Numbers(0, 2, 0, 4.0, 0.0)
    assert after.since(before) == "2 → 3, 0 discontinuities, 10.0 s in no segment"


def test_numbers_that_begin_anew_are_broken() -> None:
    before = Numbers(0, 9, 0, 18.0, 0.0)
    assert Numbers(0, 3, 1, 6.0, 0.0).since(before).startswith("BROKEN 9 → 3")
