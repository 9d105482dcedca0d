"""Ratios against a baseline: regressions and what is missing fail, loudly."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.baseline import Kept, Verdict, compare, read, table, write

KEPT = {"CPU": Kept(2.0, 1.5), "API": Kept(1.2, 2.0)}
GOOD = {"CPU": 2.1, "API": 1.0}


def test_within_tolerance_is_good() -> None:
    found = compare(GOOD, KEPT)
    assert [one.verdict for one in found] == [Verdict.GOOD, Verdict.GOOD]
    assert table(found).splitlines()[-1] == "no ratio is worse than its baseline"


def test_a_regression_is_named_last_and_loudly() -> None:
    found = compare({**GOOD, "CPU": 3.01}, KEPT)
    assert [one.fails for one in found] == [True, False]
    assert table(found).splitlines()[2] == "| CPU | 3.01 | 2.00 | 3.00 | WORSE |"
    assert table(found).splitlines()[-1] == "REGRESSION: CPU"


@pytest.mark.parametrize("value", [None, math.inf, math.nan])
def test_what_is_not_measured_any_more_fails(value: float | None) -> None:
    found = {"CPU": 2.0} if value is None else {"CPU": 2.0, "API": value}
    compared = compare(found, KEPT)
    assert compared[1].verdict is Verdict.MISSING
    assert compared[1].fails
    assert table(compared).endswith("REGRESSION: API")


def test_what_has_no_baseline_yet_is_said_and_passes() -> None:
    compared = compare({**GOOD, "memory": 9.0}, KEPT)
    assert (compared[-1].name, compared[-1].verdict) == ("memory", Verdict.NEW)
    assert not any(one.fails for one in compared)
    assert "| memory | 9.00 | - | - | new |" in table(compared)


@given(st.floats(0.01, 100), st.floats(1, 10), st.floats(0.01, 100))
def test_it_fails_exactly_beyond_the_limit(value: float, tolerance: float, found: float) -> None:
    kept = Kept(value, tolerance)
    (compared,) = compare({"x": found}, {"x": kept})
    assert compared.fails == (found > value * tolerance)


def test_a_baseline_is_read_as_it_was_written() -> None:
    text = write({"CPU": 2.00049, "API": 1.2}, {"CPU": 1.5, "API": 2.0}, "a command")
    assert read(text) == KEPT
    assert json.loads(text)["command"] == "a command"


@pytest.mark.parametrize(
    "text",
    ["{}", '{"ratios": {}}', '{"ratios": {"CPU": 2}}', "[]", "no json",
     '{"ratios": {"CPU": {"value": 0, "tolerance": 2}}}',
     '{"ratios": {"CPU": {"value": 1, "tolerance": 0.5}}}'],
)  # fmt: skip
def test_what_is_no_baseline_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read(text)
