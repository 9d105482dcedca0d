"""A pupil's player against playlists and times that are written down."""

from __future__ import annotations

import pytest

from loadtests.pupil import Drop, Order, Pupil
from loadtests.pupil_lists import Ask, Lane, listing_of, rungs_of

TOP = "http://edge/live/a/index.m3u8"
MULTIVARIANT = """#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=2300000,AVERAGE-BANDWIDTH=2000000,CODECS="avc1",RESOLUTION=1280x720
720p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=900000,AVERAGE-BANDWIDTH=800000,CODECS="avc1",RESOLUTION=640x360
360p.m3u8
"""
LOW, HIGH = "http://edge/live/a/360p.m3u8", "http://edge/live/a/720p.m3u8"


def live(first: int, count: int = 6, rung: str = "360p") -> str:
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2", f"#EXT-X-MEDIA-SEQUENCE:{first}",
             "#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.000Z"]  # fmt: skip
    lines += [f"#EXTINF:2.000,\n{rung}/{number}.m4s" for number in range(first, first + count)]
    return "\n".join(lines) + "\n"


def recording(count: int, rung: str = "360p") -> str:
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:4", "#EXT-X-PLAYLIST-TYPE:VOD",
             f'#EXT-X-MAP:URI="{rung}/init.mp4"']  # fmt: skip
    lines += [f"#EXTINF:4.000,\n{rung}/{number}.m4s" for number in range(count)]
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


def lists(uri: str) -> list[Order]:
    return [Ask(Lane.LISTS, uri)]


def media(name: str) -> list[Order]:
    return [Ask(Lane.MEDIA, f"http://edge/live/a/{name}")]


def opened(first: int = 10, most_height_px: int = 1080) -> Pupil:
    """A pupil who has read both playlists at 0.2 s and asked for the first segment."""
    pupil = Pupil(TOP, most_height_px=most_height_px)
    pupil.begin(0.0)
    assert pupil.orders() == lists(TOP)
    pupil.on_list(MULTIVARIANT, 0.1)
    assert pupil.orders() == lists(LOW)
    pupil.on_list(live(first), 0.2)
    return pupil


def deliver(pupil: Pupil, size_bytes: int, began_at: float, now: float) -> None:
    pupil.on_first_byte(size_bytes, began_at)
    pupil.on_bytes(size_bytes, now)
    pupil.on_media(now)


def test_live_begins_three_segments_behind_and_plays_after_the_first() -> None:
    pupil = opened()
    assert pupil.orders() == media("360p/13.m4s")
    deliver(pupil, 100_000, 1.0, 1.5)
    report = pupil.report(1.5)
    assert (report.join_s, report.stalls, report.mean_bps) == (1.5, 0, 800_000)
    assert report.fetches_s == (1.3,)


def test_a_playlist_without_news_is_read_again_after_half_a_target_duration() -> None:
    pupil = opened()
    assert pupil.next_deadline() == pytest.approx(2.1)
    pupil.orders()
    pupil.on_timer(2.1)
    assert pupil.orders() == lists(LOW)
    pupil.on_list(live(10), 2.15)
    assert pupil.next_deadline() == pytest.approx(3.1)
    pupil.on_timer(3.1)
    pupil.orders()
    pupil.on_list(live(11), 3.2)
    assert pupil.next_deadline() == pytest.approx(5.1)


def test_a_fast_line_climbs_by_way_of_the_other_playlist() -> None:
    pupil = opened()
    pupil.orders()
    deliver(pupil, 200_000, 0.21, 0.25)
    assert pupil.orders() == lists(HIGH)
    pupil.on_list(live(10, rung="720p"), 0.3)
    assert pupil.orders() == media("720p/14.m4s")
    deliver(pupil, 500_000, 0.31, 0.4)
    assert pupil.orders() == media("720p/15.m4s")
    report = pupil.report(0.4)
    assert (report.switches, report.downs, report.mean_bps) == (1, 0, 1_400_000)


def test_a_small_screen_stays_below() -> None:
    pupil = opened(most_height_px=360)
    pupil.orders()
    deliver(pupil, 200_000, 0.21, 0.25)
    assert pupil.orders() == media("360p/14.m4s")
    assert [rung.uri for rung in rungs_of(TOP, MULTIVARIANT, 100)] == [LOW]


def test_an_answer_for_a_rung_that_was_left_is_not_taken_for_the_new_one() -> None:
    pupil = opened()
    pupil.orders()
    pupil.on_timer(2.1)
    assert pupil.orders() == lists(LOW)
    deliver(pupil, 200_000, 2.11, 2.15)
    assert pupil.orders() == []
    pupil.on_list(live(11), 2.2)
    assert pupil.orders() == lists(HIGH)
    pupil.on_list(live(11, rung="720p"), 2.3)
    assert pupil.orders() == media("720p/14.m4s")


def high_up(now: float = 0.4) -> Pupil:
    """A pupil who has two segments, and a third of 720p on its way since `now`."""
    pupil = opened()
    pupil.orders()
    deliver(pupil, 200_000, 0.21, 0.25)
    pupil.on_list(live(10, rung="720p"), 0.3)
    deliver(pupil, 500_000, 0.31, now)
    pupil.orders()
    return pupil


def test_a_download_that_is_too_slow_is_dropped_for_the_lower_rung() -> None:
    pupil = high_up()
    pupil.on_first_byte(500_000, 0.5)
    pupil.on_bytes(20_000, 1.4)
    pupil.on_timer(1.5)
    assert pupil.orders() == [Drop(), *lists(LOW)]
    pupil.on_list(live(11), 1.6)
    assert pupil.orders() == media("360p/15.m4s")
    report = pupil.report(1.6)
    assert (report.abandoned, report.switches, report.downs) == (1, 2, 1)


def test_an_empty_buffer_stalls_until_the_next_segment() -> None:
    pupil = opened(most_height_px=360)
    pupil.orders()
    deliver(pupil, 200_000, 0.21, 0.25)
    assert pupil.report(2.25).stalls == 0
    assert pupil.report(4.0).stalled_s == pytest.approx(1.75)
    deliver(pupil, 200_000, 4.0, 4.25)
    report = pupil.report(5.0)
    assert (report.stalls, report.played_s) == (1, 2.75)
    assert report.stalled_s == pytest.approx(2.0)


def test_who_fell_out_of_the_window_begins_anew_three_behind() -> None:
    pupil = opened()
    pupil.orders()
    pupil.on_failed(Lane.MEDIA, 10.0)
    pupil.on_timer(10.0)
    pupil.orders()
    pupil.on_list(live(20), 10.1)
    assert pupil.orders() == []
    pupil.on_timer(11.0)
    assert pupil.orders() == media("360p/23.m4s")
    report = pupil.report(11.0)
    assert (report.skipped, report.failed, report.join_s) == (10, 1, None)


def test_a_failed_playlist_is_asked_for_again_after_a_second() -> None:
    pupil = Pupil(TOP, most_height_px=1080)
    pupil.begin(0.0)
    pupil.orders()
    pupil.on_failed(Lane.LISTS, 0.5)
    assert pupil.next_deadline() == 1.5
    pupil.on_timer(1.5)
    assert pupil.orders() == lists(TOP)


def test_delay_is_from_when_a_picture_was_made_to_when_it_is_shown() -> None:
    made_s = 1_790_000_000.0
    third = listing_of(LOW, live(10)).segments[3].piece.program_s
    assert third == made_s + 6
    pupil = Pupil(TOP, most_height_px=360, unix_offset_s=made_s + 11)
    pupil.begin(0.0)
    pupil.on_list(MULTIVARIANT, 0.1)
    pupil.on_list(live(10), 0.2)
    deliver(pupil, 100_000, 0.9, 1.0)
    assert pupil.report(1.0).delay_s == pytest.approx(6.0)


def test_a_recording_is_read_once_from_its_beginning_with_its_init() -> None:
    pupil = Pupil(TOP, most_height_px=360)
    pupil.begin(0.0)
    pupil.on_list(MULTIVARIANT, 0.1)
    pupil.orders()
    pupil.on_list(recording(12), 0.2)
    assert pupil.orders() == media("360p/init.mp4")
    deliver(pupil, 900, 0.21, 0.22)
    for number in range(7):
        assert pupil.orders() == media(f"360p/{number}.m4s")
        deliver(pupil, 400_000, 0.3, 0.5)
    assert pupil.orders() == media("360p/7.m4s")
    deliver(pupil, 400_000, 0.5, 0.6)
    # 32 s are there and 30 s are wanted: it goes on when there is room.
    assert pupil.orders() == []
    assert pupil.next_deadline() == pytest.approx(2.6)
    pupil.on_timer(2.7)
    assert pupil.orders() == media("360p/8.m4s")


def test_the_end_of_a_recording_is_not_a_stall() -> None:
    pupil = Pupil(TOP, most_height_px=360)
    pupil.begin(0.0)
    pupil.on_list(MULTIVARIANT, 0.1)
    pupil.on_list(recording(1), 0.2)
    deliver(pupil, 900, 0.21, 0.22)
    deliver(pupil, 400_000, 0.3, 0.5)
    report = pupil.report(60.0)
    assert (report.stalls, report.played_s, report.delay_s) == (0, 4.0, None)
