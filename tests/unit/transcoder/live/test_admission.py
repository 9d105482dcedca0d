"""The CPU budget: nobody is starved, and what is given back can be taken again."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from transcoder.live.admission import Admission, usable_cores
from transcoder.live.errors import Refusal, Refused
from transcoder.live.flv import Hints
from transcoder.live.ladder import LivePlan, recoding_cores, ways
from transcoder.live.source import Picture, Source

PLANS = ways(Source(Picture("h264", 1280, 720, 30.0, plain=True), "aac"))
WHOLE, COPY = PLANS[0].cores, PLANS[-1].cores


def plan(cores: float) -> LivePlan:
    """A plan of which only the cost matters."""
    return LivePlan((), True, 0.0, cores)


def test_the_best_plan_that_fits_is_taken() -> None:
    admission = Admission(WHOLE + COPY)
    assert admission.admit("first", PLANS) is PLANS[0]
    assert admission.admit("second", PLANS) is PLANS[-1]
    assert admission.free_cores == pytest.approx(0, abs=1e-9)


def test_who_does_not_fit_hears_how_much_is_free() -> None:
    admission = Admission(1.0)
    admission.admit("first", [plan(0.75)])
    with pytest.raises(Refused, match=r"0\.25 of 1\.00 cores are free") as refused:
        admission.admit("second", [plan(0.5), plan(0.3)])
    assert refused.value.why is Refusal.CAPACITY
    assert admission.taken_cores == 0.75, "a refusal takes nothing"


def test_a_holder_that_asks_again_gets_another_plan_in_place_of_its_own() -> None:
    admission = Admission(1.0)
    admission.admit("one", [plan(0.9)])
    assert admission.admit("one", [plan(1.0)]).cores == 1.0
    with pytest.raises(Refused):
        admission.admit("one", [plan(1.1)])
    assert admission.taken_cores == 1.0, "and keeps its own where it gets none"
    admission.release("one")
    admission.release("one")
    assert admission.free_cores == 1.0


def test_a_relay_takes_beside_its_feed() -> None:
    admission = Admission(0.5)
    admission.reserve("relay 1", 0.4)
    assert admission.admit("feed", [plan(0.2), plan(0.1)]).cores == 0.1
    with pytest.raises(Refused, match=r"send H\.264"):
        admission.reserve("relay 2", 0.1)
    admission.release("relay 1")
    admission.reserve("relay 2", 0.4)


def test_a_machine_keeps_a_quarter_for_serving() -> None:
    assert [usable_cores(cores) for cores in (1, 2, 8)] == [1.0, 1.5, 6.0]


@pytest.mark.parametrize(
    ("hints", "dearer"),
    [(Hints(), 1.0), (Hints(1280, 720, 30.0), 1.0), (Hints(1920, 1080, 30.0), 2.25)],
)
def test_recoding_costs_more_than_encoding_the_same_picture(hints: Hints, dearer: float) -> None:
    assert recoding_cores(hints) == pytest.approx(recoding_cores(Hints()) * dearer, rel=0.1)
    encoded = ways(Source(Picture("hevc", 1280, 720, 30.0, plain=False), None))
    alone = next(p for p in encoded if len(p.rungs) == 3)
    assert WHOLE < recoding_cores(Hints()) < alone.cores


@given(st.integers(0, 8192), st.integers(0, 8192), st.floats(0, 120))
def test_recoding_always_costs_something(width: int, height: int, fps: float) -> None:
    assert recoding_cores(Hints(width, height, fps)) > COPY


class Budget(RuleBasedStateMachine):
    """Holders come, change and go in any order."""

    holders: ClassVar[Bundle[str]] = Bundle("holders")

    def __init__(self) -> None:
        super().__init__()
        self.admission = Admission(4.0)
        self.model: dict[str, float] = {}

    @rule(target=holders, name=st.sampled_from("abcdef"))
    def named(self, name: str) -> str:
        return name

    @rule(holder=holders, costs=st.lists(st.floats(0.001, 5), min_size=1, max_size=4))
    def admit(self, holder: str, costs: list[float]) -> None:
        free = 4.0 - sum(cores for name, cores in self.model.items() if name != holder)
        try:
            self.model[holder] = self.admission.admit(holder, [plan(c) for c in costs]).cores
        except Refused:
            assert min(costs) > free - 1e-5
        else:
            assert self.model[holder] <= free + 1e-5

    @rule(holder=holders)
    def release(self, holder: str) -> None:
        self.admission.release(holder)
        self.model.pop(holder, None)

    @invariant()
    def never_more_than_there_is(self) -> None:
        assert self.admission.taken_cores == pytest.approx(sum(self.model.values()))
        assert self.admission.taken_cores <= 4.0 + 1e-5 * len(self.model)


TestBudget = Budget.TestCase
