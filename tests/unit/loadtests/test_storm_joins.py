"""What a joining viewer asks for, one after the other, and when its picture can be decoded."""

from __future__ import annotations

import gzip

import pytest

from loadtests.storm_joins import (
    INIT,
    KEYFRAME,
    StreamJoin,
    TrackJoin,
    addresses,
    picture_and_sound,
)
from streaming.errors import BadPlaylist

URL = "http://city/live/one/t/token/720p.m3u8"
HERE = URL.rpartition("/")[0]
PLAYLIST = """#EXTM3U
#EXT-X-MAP:URI="720p/init-0.mp4"
#EXT-X-PART:DURATION=0.200,URI="720p/3.9.m4s"
#EXTINF:2.000,
720p/3.m4s
#EXT-X-PART:DURATION=0.200,URI="720p/4.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.200,URI="720p/4.1.m4s"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="720p/4.2.m4s"
"""
MORE = PLAYLIST.replace("#EXT-X-PRELOAD-HINT:TYPE=PART", "#EXT-X-PART:DURATION=0.200").encode()
MULTIVARIANT = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="aac",DEFAULT=YES,AUTOSELECT=YES,URI="t/k/aac.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=828000,AVERAGE-BANDWIDTH=828000,CODECS="avc1.64001e",AUDIO="sound"
t/k/360p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2028000,AVERAGE-BANDWIDTH=2028000,CODECS="avc1.64001e",AUDIO="sound"
t/k/720p.m3u8
"""
RELOAD = "?_HLS_msn=4&_HLS_part={}&_HLS_skip=YES"


def test_it_begins_with_the_init_and_the_newest_keyframe() -> None:
    track = TrackJoin(URL)
    assert track.began() == URL
    assert track.took(PLAYLIST.encode()) == f"{HERE}/720p/init-0.mp4"
    assert track.took(b"init") == f"{HERE}/720p/4.0.m4s"
    assert track.parts == 0
    assert track.took(b"part") == f"{HERE}/720p/4.1.m4s"
    assert track.plays
    assert track.took(b"part") == URL + RELOAD.format(2)


def test_then_it_takes_what_is_new_and_no_init_again() -> None:
    track = _playing()
    assert track.took(MORE) == f"{HERE}/720p/4.2.m4s"
    assert track.took(b"part") == URL + RELOAD.format(3)
    assert track.took(MORE) == URL + RELOAD.format(3)
    assert track.parts == 3


def test_without_a_keyframe_it_waits_at_the_edge_for_one() -> None:
    track = TrackJoin(URL)
    track.began()
    early = PLAYLIST.replace(",INDEPENDENT=YES", "")
    assert track.took(early.encode()) == URL + RELOAD.format(2)
    following = early + '#EXT-X-PART:DURATION=0.2,URI="720p/5.0.m4s",INDEPENDENT=YES\n'
    assert track.took(following.encode()) == f"{HERE}/720p/init-0.mp4"
    assert track.took(b"init") == f"{HERE}/720p/5.0.m4s"


def test_a_keyframe_that_is_a_gap_is_none() -> None:
    track = TrackJoin(URL)
    gone = PLAYLIST.replace("INDEPENDENT=YES", "INDEPENDENT=YES,GAP=YES")
    assert track.took(gone.encode()) == URL + RELOAD.format(2)


def test_who_was_refused_asks_for_the_playlist_and_begins_with_a_keyframe() -> None:
    track = TrackJoin(URL)
    track.took(PLAYLIST.encode())
    assert track.began() == URL + RELOAD.format(2)
    assert track.took(MORE) == f"{HERE}/720p/init-0.mp4"
    assert track.took(b"init") == f"{HERE}/720p/4.0.m4s"
    assert not track.plays
    playing = _playing()
    assert playing.began() == URL + RELOAD.format(2)
    assert playing.took(gzip.compress(MORE)) == f"{HERE}/720p/4.2.m4s"


def test_the_best_picture_and_its_sound() -> None:
    url = "http://city/live/one/multivariant.m3u8?token=k"
    assert picture_and_sound(url, MULTIVARIANT.encode()) == (
        "http://city/live/one/t/k/720p.m3u8",
        "http://city/live/one/t/k/aac.m3u8",
    )
    silent = MULTIVARIANT.replace(',AUDIO="sound"', "")
    assert picture_and_sound(url, silent.encode())[1] == ""
    with pytest.raises(BadPlaylist):
        picture_and_sound(url, b"no playlist")


def test_addresses_are_those_that_the_api_hands_out() -> None:
    body = '{"id": "x", "urls": {"hls": "/live/x?token=k", "stream": "/s"}, "title": "早上八点"}'
    assert addresses(body.encode())["hls"] == "/live/x?token=k"


def test_a_stream_can_be_decoded_from_an_init_and_a_keyframe_of_one_rendition() -> None:
    join = StreamJoin()
    assert not join.media(1, KEYFRAME)
    assert not join.media(1, INIT)
    assert not join.media(2, KEYFRAME)
    assert not join.media(1, 2)
    assert join.media(1, KEYFRAME)
    assert join.media(1, 2)


def _playing() -> TrackJoin:
    track = TrackJoin(URL)
    for body in (PLAYLIST.encode(), b"init", b"part", b"part"):
        track.took(body)
    return track
