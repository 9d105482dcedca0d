"""What a home asks for, one after the other, and when it waits."""

from __future__ import annotations

import pytest

from loadtests.home_player import BUFFER_S, ROOM_S, Track, Wait
from loadtests.pupil_lists import Ask, Lane

URL = "http://city/media/one/720p.m3u8?token=k"
HERE = "http://city/media/one"
SEGMENT_S = 8
PLAYLIST = b"""#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:8
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="720p/init.mp4"
#EXTINF:8.000,
720p/0.m4s
#EXTINF:8.000,
#EXT-X-BYTERANGE:100@900
720p/a.mp4
#EXT-X-ENDLIST
"""


def _media(name: str, of: tuple[int, int] | None = None) -> Ask:
    return Ask(Lane.MEDIA, f"{HERE}/720p/{name}", of)


def _watching(now: float = 0.0) -> Track:
    track = Track(URL)
    track.took(PLAYLIST, now)
    return track


def test_playlist_init_and_segments_with_their_ranges_come_one_after_the_other() -> None:
    track = Track(URL)
    assert track.began() == Ask(Lane.LISTS, URL)
    assert track.took(PLAYLIST, 0.0) == _media("init.mp4")
    assert track.took(b"init", 0.1) == _media("0.m4s")
    assert track.playback.started_at is None
    assert track.took(b"segment", 0.2) == _media("a.mp4", (900, 100))
    assert track.playback.started_at == 0.2


def test_it_begins_again_at_the_end_without_its_init() -> None:
    track = _watching()
    for _ in range(2):
        track.took(b"", 0.0)
    assert track.took(b"segment", 0.0) == _media("0.m4s")


def test_a_full_buffer_waits_until_there_is_room() -> None:
    track = _watching()
    track.took(b"init", 0.0)
    asked = [track.took(b"segment", 0.0) for _ in range(4)]
    assert all(isinstance(one, Ask) for one in asked[:3])
    assert not isinstance(asked[3], Ask)
    assert asked[3] == Wait(4 * SEGMENT_S - BUFFER_S + ROOM_S)
    assert track.full
    assert track.go_on(asked[3].until) == _media("0.m4s")


def test_at_play_pace_a_segment_comes_each_time_that_one_was_played() -> None:
    track = _watching()
    track.took(b"init", 0.0)
    now, asked = 0.0, 0
    while now < 800.0:
        order = track.took(b"segment", now)
        asked += 1
        while isinstance(order, Wait):
            now = order.until
            order = track.go_on(now)
    assert asked == pytest.approx((800 + BUFFER_S) / SEGMENT_S, abs=2)
    assert track.playback.stalls == 0


def test_who_gets_nothing_for_longer_than_the_buffer_stands_still_once() -> None:
    track = _watching()
    track.took(b"init", 0.0)
    track.took(b"segment", 0.0)
    track.took(b"segment", SEGMENT_S + 2.5)
    assert track.playback.stalls == 1
    assert track.playback.stalled_s == pytest.approx(2.5)
    assert track.playback.played_s == pytest.approx(SEGMENT_S)


def test_a_recording_without_segments_is_said() -> None:
    with pytest.raises(ValueError, match="nothing to watch"):
        Track(URL).took(PLAYLIST.partition(b"#EXTINF")[0] + b"#EXT-X-ENDLIST\n", 0.0)
