"""The newest segments of a track: what was published is held or was evicted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streaming.live.segments import Segment
from streaming.live.track import WINDOW_SEGMENTS
from streaming.live.window import Window
from tests.support.live import EVERYTHING, HIGH, Script


def segment(number: int, data: bytes = b"media") -> Segment:
    return Segment(number, 0, False, 0.0, number, 1, len(data), data=data, gap=not data)


def counts(window: Window) -> tuple[int, int, int]:
    return window.published, window.held, window.evicted


def test_the_oldest_goes_for_the_newest() -> None:
    window = Window(2)
    assert [window.push(segment(number)) for number in (1, 2)] == [None, None]
    assert counts(window) == (2, 2, 0)
    out = window.push(segment(3))
    assert out is not None
    assert out.number == 1
    assert counts(window) == (3, 2, 1)


def test_a_gap_takes_a_place_and_is_not_counted() -> None:
    window = Window(2)
    for number, data in enumerate((b"media", b"", b"media")):
        window.push(segment(number, data))
    assert counts(window) == (2, 1, 1)


@given(st.lists(st.one_of(st.booleans(), st.just("renew")), max_size=40))
def test_nothing_is_lost_whatever_comes(steps: list[bool | str]) -> None:
    window = Window(3)
    kept: list[Segment] = []
    for number, step in enumerate(steps):
        if step == "renew":
            kept = kept[-1:]
            window.renew(kept)
        else:
            kept = [*kept, segment(number, b"media" if step else b"")][-3:]
            window.push(kept[-1])
        assert window.published == window.held + window.evicted
        assert window.held == sum(bool(one.data) for one in kept)


def test_a_track_counts_what_its_channel_cuts() -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 60 * (WINDOW_SEGMENTS + 3) + 1)
    for track in script.channel.tracks.values():
        whole = len(script.segments(track.name))
        assert counts(track.window) == (whole, WINDOW_SEGMENTS, whole - WINDOW_SEGMENTS)
        assert track.window.held == sum(bool(one.data) for one in track.segments)


def test_a_rendition_that_begins_anew_lets_go_what_it_had() -> None:
    script = Script().begin(HIGH)
    script.play(0, 60 * 3 + 1, ("720p",))
    track = script.channel.tracks["720p"]
    track.restart()
    assert counts(track.window) == (3, 0, 3)
