"""Progress and time left from what the units say."""

from __future__ import annotations

from catalog.db.work import UnitStatus
from tests.support.worker import plan
from transcoder.estimate import estimate


def test_nothing_is_known_before_the_plan_has_units() -> None:
    found = estimate(plan(), [UnitStatus("prepare", "done", 1, None)])
    assert (found.progress, found.eta_s) == (0, None)


def test_sound_weighs_little() -> None:
    units = [UnitStatus("audio", "done", 1, None), UnitStatus("video/0", "wanted", 0, None)]
    found = estimate(plan(100), units)
    assert round(found.progress, 3) == round(3 / 103, 3)
    assert found.eta_s is None


def test_the_time_left_counts_all_who_work() -> None:
    units = [
        UnitStatus("video/0", "running", 0.5, 2.0),
        UnitStatus("video/1", "running", 0.0, 1.0),
        UnitStatus("video/2", "wanted", 0.0, None),
    ]
    found = estimate(plan(120, chunks=3), units)
    assert found.progress == 20 / 120
    assert found.eta_s == 100 / 3


def test_late_units_do_not_count() -> None:
    units = [UnitStatus("video/0", "done", 1, None), UnitStatus("av1/0", "running", 0.1, 1.0)]
    found = estimate(plan(late=True), units)
    assert (found.progress, found.eta_s) == (1, None)
