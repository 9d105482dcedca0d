"""When a transfer is too slow to be one."""

from __future__ import annotations

from streaming.edge.drip import FLOOR_BYTES, SILENCE_S, WINDOW_S, Drip


def test_silence_ends_it() -> None:
    drip = Drip(100.0)
    assert drip.deadline_at == 100.0 + SILENCE_S
    drip.take(1, 103.0)
    assert drip.deadline_at == 103.0 + SILENCE_S


def test_less_than_a_kibibyte_a_second_ends_it_whatever_comes() -> None:
    assert FLOOR_BYTES / WINDOW_S == 1024
    drip = Drip(100.0)
    for second in range(1, 20):
        drip.take(1023, 100.0 + second)
    assert drip.deadline_at == 100.0 + WINDOW_S


def test_enough_begins_a_new_window() -> None:
    drip = Drip(100.0)
    drip.take(FLOOR_BYTES - 1, 110.0)
    drip.take(1, 115.0)
    drip.take(1, 120.0)
    assert drip.deadline_at == min(115.0 + WINDOW_S, 120.0 + SILENCE_S)
