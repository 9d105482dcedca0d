"""How often, and until when, a broken fill is tried again."""

from __future__ import annotations

from streaming.edge.patience import (
    PATIENCE_S,
    PAUSE_LIMIT_S,
    TRIES_LIMIT,
    Patience,
    PatienceSettings,
)


def test_pauses_double_up_to_a_limit_and_end_with_the_tries() -> None:
    patience = Patience(PatienceSettings())
    pauses = [patience.pause_s(0.0) for _ in range(TRIES_LIMIT)]
    assert pauses[:4] == [0.2, 0.4, 0.8, 1.6]
    assert pauses[-2:] == [PAUSE_LIMIT_S, None]


def test_patience_runs_from_the_first_break_and_is_not_renewed() -> None:
    patience = Patience(PatienceSettings())
    assert patience.left_s(500.0) == 0.0
    assert patience.pause_s(1000.0) is not None
    assert patience.left_s(1010.0) == PATIENCE_S - 10
    assert patience.pause_s(1000.0 + PATIENCE_S - 0.1) == 1000.0 + PATIENCE_S - (
        1000.0 + PATIENCE_S - 0.1
    )
    assert patience.pause_s(1000.0 + PATIENCE_S) is None
