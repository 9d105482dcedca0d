from streaming.hot.pace import SLOW_WINDOW_BYTES, SLOW_WINDOW_S, Pace


def test_a_reader_has_a_window_to_take_something() -> None:
    pace = Pace()
    assert pace.due(100.0)
    assert not pace.too_slow(100.0, 5_000)
    assert not pace.due(100.0 + SLOW_WINDOW_S - 1)
    assert pace.due(100.0 + SLOW_WINDOW_S)
    assert pace.too_slow(100.0 + SLOW_WINDOW_S, 5_000 + SLOW_WINDOW_BYTES - 1)


def test_who_takes_enough_in_each_window_goes_on() -> None:
    pace = Pace()
    for window in range(5):
        assert not pace.too_slow(window * SLOW_WINDOW_S, window * SLOW_WINDOW_BYTES)


def test_after_a_rest_the_window_begins_anew() -> None:
    pace = Pace()
    assert not pace.too_slow(0.0, 0)
    pace.rest()
    assert pace.due(1.0)
    assert not pace.too_slow(SLOW_WINDOW_S, 0)
