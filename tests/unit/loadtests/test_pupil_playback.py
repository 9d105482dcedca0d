"""When a pupil's picture moves and when it stands, with literal times."""

from __future__ import annotations

import pytest

from loadtests.pupil_playback import Piece, Playback


def test_nobody_stalls_before_the_first_picture() -> None:
    playback = Playback()
    playback.advance(100.0)
    assert (playback.started_at, playback.stalls, playback.stalled_s) == (None, 0, 0.0)


def test_a_buffer_that_runs_dry_is_one_stall_however_often_it_is_looked_at() -> None:
    playback = Playback()
    playback.add(Piece(2.0), 10.0)
    for now in (11.0, 12.0):
        playback.advance(now)
    assert (playback.stalls, playback.buffer_s) == (0, 0.0)
    for now in (12.5, 13.0):
        playback.advance(now)
    assert (playback.stalls, playback.stalled_s, playback.played_s) == (1, 1.0, 2.0)
    playback.add(Piece(2.0), 14.0)
    playback.add(Piece(2.0), 15.0)
    playback.advance(18.0)
    assert (playback.stalls, playback.stalled_s, playback.buffer_s) == (1, 2.0, 0.0)
    playback.advance(18.25)
    assert (playback.stalls, playback.stalled_s, playback.played_s) == (2, 2.25, 6.0)


def test_the_end_of_a_recording_is_no_stall() -> None:
    playback = Playback()
    playback.add(Piece(2.0), 10.0)
    playback.complete = True
    playback.advance(60.0)
    assert (playback.stalls, playback.played_s) == (0, 2.0)


def test_it_knows_when_the_picture_was_made() -> None:
    playback = Playback()
    for number in range(3):
        playback.add(Piece(2.0, 1000.0 + 2 * number), 10.0)
    playback.advance(13.0)
    assert playback.program_s() == pytest.approx(1003.0)
    playback.add(Piece(2.0, 1010.0), 13.0)
    playback.advance(16.5)
    assert playback.program_s() == pytest.approx(1010.5)
    playback.advance(20.0)
    assert playback.program_s() is None
