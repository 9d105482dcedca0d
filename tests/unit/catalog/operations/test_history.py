"""How it was: the hour in memory, the rows of minutes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.operations import history as history_module
from catalog.operations.history import EVERY_S, FIGURES, SLOTS, History, Sample, joined

CITY = ("city", "")
NOW = 1_795_600_000.0


def taken(*delays: float | None, step: int = 1) -> History:
    history = History()
    for number, delay in enumerate(delays):
        history.take({CITY: Sample(delay_ms=delay)}, NOW + number * step * EVERY_S)
    return history


def delays(history: History, now: float, over_s: float = 3600.0) -> list[float | None]:
    at = FIGURES.index("delay_ms")
    return [values[at] for _, values in history.points(CITY, now, over_s)]


def test_samples_come_back_in_order_with_their_times() -> None:
    history = taken(400.0, 450.0, 500.0)
    found = history.points(CITY, NOW + 20)
    assert [at for at, _ in found] == [NOW, NOW + 10, NOW + 20]
    assert delays(history, NOW + 20) == [400.0, 450.0, 500.0]
    assert delays(history, NOW + 20, over_s=20) == [450.0, 500.0]


def test_what_was_not_known_and_what_nobody_took_is_left_out() -> None:
    assert delays(taken(400.0, None, 500.0), NOW + 20) == [400.0, 500.0]
    history = taken(400.0, 500.0, step=5)
    assert [at for at, _ in history.points(CITY, NOW + 50)] == [NOW, NOW + 50]


def test_an_hour_is_kept_and_no_more() -> None:
    history = taken(*(float(n) for n in range(SLOTS + 40)))
    found = delays(history, NOW + (SLOTS + 39) * EVERY_S)
    assert found == [float(n) for n in range(40, SLOTS + 40)]
    assert delays(history, NOW + (SLOTS + 39) * EVERY_S + 3600.0) == []


def test_after_a_long_pause_nothing_of_before_is_left() -> None:
    history = taken(400.0)
    later = NOW + 5000.0
    history.take({CITY: Sample(delay_ms=500.0)}, later)
    assert delays(history, later) == [500.0]


def test_a_minute_has_the_mean_of_its_samples_and_the_worst_of_some() -> None:
    history, minute = History(), NOW - NOW % 60
    for number, sample in enumerate([
        Sample(delay_ms=400.0, stalls=1, skew_ms=10.0, cause=5),
        Sample(delay_ms=500.0, stalls=3, skew_ms=-2.0, cause=2),
        Sample(delay_ms=600.0),
    ]):  # fmt: skip
        history.take({CITY: sample}, minute + number * EVERY_S)
    history.take({CITY: Sample(delay_ms=9000.0)}, minute + 60)
    ((subject, row),) = history.minute(minute)
    found = dict(zip(FIGURES, row, strict=True))
    assert subject == CITY
    assert (found["delay_ms"], found["stalls"], found["skew_ms"]) == (500.0, 3.0, 10.0)
    assert found["cause"] == 2, "the first in the order of the picture"
    assert found["rooms"] is None


def test_a_minute_of_which_nothing_is_known_has_no_row() -> None:
    assert list(taken(None, None).minute(NOW - NOW % 60)) == []


def test_subjects_and_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "SUBJECTS_LIMIT", 3)
    monkeypatch.setattr(history_module, "ROWS_A_MINUTE_LIMIT", 2)
    history = History()
    for number in range(5):
        history.take({("session", f"s{number}"): Sample(rooms=1)}, NOW)
    assert history.points(("session", "s1"), NOW) == []
    assert history.points(("session", "s4"), NOW)
    assert len(list(history.minute(NOW - NOW % 60))) == 2


figures = st.none() | st.floats(0, 1e6, width=32)
rows = st.tuples(*([figures] * len(FIGURES)))


@given(st.lists(rows, max_size=6))
def test_a_joined_figure_lies_between_the_least_and_the_most(
    found: list[tuple[float | None, ...]],
) -> None:
    for number, value in enumerate(joined(found)):
        known = [v for row in found if (v := row[number]) is not None]
        if value is None:
            assert not known
        else:
            assert min(known) - 1e-3 <= value <= max(known) + 1e-3
