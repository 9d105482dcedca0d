"""The bench's origin: sizes by a seed, playlists that a careful player takes, a moving window."""

from __future__ import annotations

import pytest

from loadtests.pupil_lists import listing_of, rungs_of
from loadtests.school_origin import (
    RATE,
    RATES,
    Rate,
    bytes_of,
    live_playlist,
    multivariant,
    recorded_playlist,
    segment,
    size_bytes,
)
from streaming.hls.parse import parse_media

EPOCH_S = 1_790_000_000.0
LOW = RATE["360p"]


def test_rungs_are_announced_by_their_peaks() -> None:
    found = rungs_of("http://o/live/1/index.m3u8", multivariant(), 2160)
    assert [(rung.peak_bps, rung.mean_bps, rung.height_px) for rung in found] == [
        (920_000, 800_000, 360),
        (2_300_000, 2_000_000, 720),
    ]
    assert found[0].uri == "http://o/live/1/360p.m3u8"


@pytest.mark.parametrize("rate", RATES)
def test_segments_stay_within_their_peak_and_average_to_their_mean(rate: Rate) -> None:
    sizes = [size_bytes("live/1", rate, number) for number in range(500)]
    assert max(sizes) <= rate.peak_bps * 2 / 8
    assert min(sizes) >= 0.85 * rate.mean_bps * 2 / 8 - 1
    assert 4 * sum(sizes) / 500 == pytest.approx(rate.mean_bps, rel=0.02)


def test_the_same_name_is_the_same_bytes_and_another_one_is_not() -> None:
    first = bytes(segment("live/1", LOW, 7))
    assert len(first) == size_bytes("live/1", LOW, 7)
    assert first == bytes(segment("live/1", LOW, 7))
    assert first[:100] != bytes(segment("live/1", LOW, 8))[:100]
    assert size_bytes("live/1", LOW, 7) != size_bytes("live/2", LOW, 7)


def test_a_live_playlist_holds_six_segments_and_says_when_they_were_made() -> None:
    assert live_playlist(LOW, 36, EPOCH_S).startswith(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:30\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:14:20.000Z\n#EXTINF:2.000,\n360p/30.m4s\n"
    )
    found = listing_of("http://o/live/1/360p.m3u8", live_playlist(LOW, 36, EPOCH_S))
    assert (found.first, found.next, found.ended) == (30, 36, False)
    assert found.segments[-1].piece.program_s == EPOCH_S + 70
    assert found.segments[-1].ask.uri == "http://o/live/1/360p/35.m4s"


def test_a_recording_is_whole() -> None:
    found = parse_media(recorded_playlist(LOW))
    assert (len(found.segments), found.ended) == (300, True)


def test_paths_name_bytes() -> None:
    assert bytes_of("/live/1/360p/7.m4s") == size_bytes("live/1", LOW, 7)
    assert bytes_of("/recorded/1/360p/7.m4s") == size_bytes("recorded/1", LOW, 7)
    assert bytes_of("/part/alone3") == 40_000
    assert [bytes_of(path) for path in ("/live/1/360p.m3u8", "/live/1/9p/7.m4s", "/")] == [0, 0, 0]
