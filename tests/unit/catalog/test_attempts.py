"""Token buckets at literal times."""

from __future__ import annotations

from catalog.attempts import Attempts, Rate, take_all

RATE = Rate(burst=3, refill_s=10.0)


def taken(attempts: Attempts, key: str, now: float) -> bool:
    return take_all([(attempts, key)], now) == 0.0


def test_a_burst_then_one_each_refill() -> None:
    attempts = Attempts(RATE)
    assert [taken(attempts, "a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert attempts.wait_s("a", 0.0) == 10.0
    assert attempts.wait_s("a", 4.0) == 6.0
    assert not taken(attempts, "a", 9.9)
    assert taken(attempts, "a", 10.0)
    assert not taken(attempts, "a", 10.0)


def test_keys_do_not_touch_each_other() -> None:
    attempts = Attempts(RATE)
    for _ in range(5):
        taken(attempts, "a", 0.0)
    assert taken(attempts, "b", 0.0)


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    attempts = Attempts(RATE)
    taken(attempts, "a", 0.0)
    assert [taken(attempts, "a", 1e6) for _ in range(4)] == [True, True, True, False]


def test_a_good_try_is_given_back() -> None:
    attempts = Attempts(RATE)
    for _ in range(20):
        assert taken(attempts, "a", 0.0)
        attempts.give_back("a", 0.0)
    attempts.give_back("a", 0.0)
    assert [taken(attempts, "a", 0.0) for _ in range(4)] == [True, True, True, False]


def test_a_refused_try_takes_nothing_of_any_key() -> None:
    people, places = Attempts(RATE), Attempts(Rate(burst=1, refill_s=60.0))
    assert take_all([(people, "a"), (places, "x")], 0.0) == 0.0
    assert take_all([(people, "a"), (places, "x")], 0.0) == 60.0
    assert people.wait_s("a", 0.0) == 0.0


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    attempts = Attempts(RATE)
    for _ in range(3):
        taken(attempts, "a", 100.0)
    assert not taken(attempts, "a", 50.0)


def test_the_number_of_buckets_is_bounded() -> None:
    attempts = Attempts(RATE, buckets=10)
    for number in range(100):
        taken(attempts, str(number), 0.0)
    assert len(attempts) == 10
