from streaming.hot.patience import (
    HALF_CLOSED_S,
    HEAD_S,
    IDLE_S,
    LINGER_S,
    RELEASE_S,
    SLOW_WINDOW_BYTES,
    SLOW_WINDOW_S,
    Patience,
    Why,
)


def test_who_asks_nothing_is_waited_for_so_long() -> None:
    patience = Patience(100.0)
    assert patience.idle_since() == 100.0
    assert patience.overdue(100.0 + IDLE_S - 1) is None
    assert patience.overdue(100.0 + IDLE_S) is Why.IDLE
    patience.rest(110.0)
    assert patience.overdue(100.0 + IDLE_S) is None
    assert not patience.rests(110.0 + RELEASE_S)
    assert patience.rests(110.0 + RELEASE_S + 0.1)


def test_a_head_has_its_time_whatever_trickles_in() -> None:
    patience = Patience(100.0)
    patience.begin_head(101.0)
    patience.begin_head(110.0)
    assert (patience.in_head, patience.idle_since()) == (True, 101.0)
    assert patience.overdue(101.0 + HEAD_S - 1) is None
    assert patience.overdue(101.0 + HEAD_S) is Why.HEAD
    patience.rest(110.0)
    assert (patience.in_head, patience.overdue(101.0 + HEAD_S)) == (False, None)


def test_the_next_head_has_a_time_of_its_own_however_the_last_one_came() -> None:
    patience = Patience(100.0)
    patience.begin_head(100.0)
    patience.promise(105.0, half_closed=False)
    assert patience.overdue(1e9) is None
    patience.begin_head(200.0)
    assert patience.overdue(200.0 + HEAD_S - 1) is None
    assert patience.overdue(200.0 + HEAD_S) is Why.HEAD


def test_an_answer_has_its_time_and_one_who_may_be_gone_has_little() -> None:
    patience = Patience(0.0)
    patience.answer()
    assert patience.overdue(1e9) is None
    patience.promise(10.0, half_closed=True)
    assert patience.overdue(10.0 + HALF_CLOSED_S - 1) is None
    assert patience.overdue(10.0 + HALF_CLOSED_S) is Why.IDLE
    patience.linger(20.0)
    assert patience.overdue(20.0 + LINGER_S) is Why.IDLE


def test_a_reader_has_a_window_to_take_something() -> None:
    patience = Patience(0.0)
    assert patience.judges(100.0)
    assert not patience.too_slow(100.0, 5_000)
    assert not patience.judges(100.0 + SLOW_WINDOW_S - 1)
    assert patience.judges(100.0 + SLOW_WINDOW_S)
    assert patience.too_slow(100.0 + SLOW_WINDOW_S, 5_000 + SLOW_WINDOW_BYTES - 1)


def test_who_takes_enough_in_each_window_goes_on() -> None:
    patience = Patience(0.0)
    for window in range(5):
        assert not patience.too_slow(window * SLOW_WINDOW_S, window * SLOW_WINDOW_BYTES)


def test_after_a_rest_the_window_begins_anew() -> None:
    patience = Patience(0.0)
    assert not patience.too_slow(0.0, 0)
    patience.taken()
    assert patience.judges(1.0)
    assert not patience.too_slow(SLOW_WINDOW_S, 0)
