"""Who of an evening plays, who is in, and what is told of the window."""

from __future__ import annotations

from loadtests.evening_homes import Evening
from loadtests.home_player import BUFFER_S, Track
from loadtests.pupil_playback import Piece


def _home(evening: Evening, viewer: int) -> list[Track]:
    evening.tracks[viewer] = [Track("picture"), Track("sound")]
    return evening.tracks[viewer]


def test_a_home_plays_when_picture_and_sound_do_and_is_in_when_both_are_full() -> None:
    evening = Evening(1)
    picture, sound = _home(evening, 0)
    picture.playback.add(Piece(BUFFER_S), 1.0)
    evening.look(0, 1.0)
    assert evening.plays_at == {}
    sound.playback.add(Piece(BUFFER_S), 2.0)
    evening.look(0, 2.0)
    evening.look(0, 3.0)
    assert evening.plays_at == {0: 2.0}
    assert not evening.all_in.is_set()
    picture.full = sound.full = True
    evening.look(0, 4.0)
    assert evening.all_in.is_set()


def test_only_what_was_within_the_window_is_told() -> None:
    evening = Evening(2)
    for viewer, buffered_s in ((0, 900.0), (1, 2.0)):
        for track in _home(evening, viewer):
            # each stood still before the window began
            track.playback.add(Piece(1.0), 80.0)
            track.playback.add(Piece(buffered_s), 100.0)
        evening.plays_at[viewer] = 80.0
    evening.open_window(100.0)
    told = evening.said(70.0, 8.0, 1.0)
    assert (told["stalls"], told["stalled_s"]) == (1, 6.0)
    assert told["slowest"] == 2 / ((8 + 2) / 2)
