"""A feed's states: what leads where, and what cannot happen."""

from __future__ import annotations

from itertools import product

import pytest

from transcoder.live.feed_state import END_STATES, TABLE, FeedInput, FeedState, after

_S, _I = FeedState, FeedInput


@pytest.mark.parametrize(
    ("happened", "goes"),
    [
        ([_I.FLOWS, _I.CLOSED], [_S.PUBLISHING, _S.ENDED]),
        ([_I.FLOWS, _I.LEFT, _I.JOINED, _I.FLOWS], [_S.PUBLISHING, _S.AWAY, _S.PROBING,
                                                   _S.PUBLISHING]),
        ([_I.FLOWS, _I.LEFT, _I.OVERDUE, _I.JOINED], [_S.PUBLISHING, _S.AWAY, _S.RESTING,
                                                     _S.PROBING]),
        ([_I.LEFT, _I.OVERDUE, _I.CLOSED], [_S.AWAY, _S.RESTING, _S.ENDED]),
        ([_I.LEFT, _I.JOINED, _I.LEFT, _I.FAULT], [_S.AWAY, _S.PROBING, _S.AWAY, _S.FAILED]),
    ],
)  # fmt: skip
def test_lives(happened: list[FeedInput], goes: list[FeedState]) -> None:
    state, seen = FeedState.PROBING, []
    for one in happened:
        state = after(state, one)
        seen.append(state)
    assert seen == goes


def test_every_feed_can_be_closed_and_can_fail_until_it_has() -> None:
    for state in FeedState:
        for happened in (FeedInput.CLOSED, FeedInput.FAULT):
            assert ((state, happened) in TABLE) is (state not in END_STATES)


def test_nothing_leads_out_of_an_end() -> None:
    assert not [pair for pair in TABLE if pair[0] in END_STATES]
    assert set(TABLE.values()) == set(FeedState)


def test_an_absence_alone_ends_nothing() -> None:
    ends = {happened for (_, happened), state in TABLE.items() if state in END_STATES}
    assert ends == {FeedInput.CLOSED, FeedInput.FAULT}


@pytest.mark.parametrize(
    ("state", "happened"), [pair for pair in product(FeedState, FeedInput) if pair not in TABLE]
)
def test_what_makes_no_sense_is_refused(state: FeedState, happened: FeedInput) -> None:
    with pytest.raises(ValueError, match=f"{state.value} cannot be {happened.value}"):
        after(state, happened)
