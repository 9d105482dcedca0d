import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.edge.freshness import (
    GOOD,
    HOLDS_S,
    OUTDATED,
    Kind,
    Known,
    Use,
    keep,
    kind_of,
    use,
)


@pytest.mark.parametrize(
    ("status", "growing", "kind"),
    [
        (200, True, Kind.GROWING),
        (200, False, Kind.WHOLE),
        (206, False, Kind.WHOLE),
        (304, True, Kind.GROWING),
        (404, True, Kind.REFUSED),
        (403, False, Kind.REFUSED),
        (410, False, Kind.REFUSED),
        (408, False, Kind.TROUBLE),
        (429, False, Kind.TROUBLE),
        (500, True, Kind.TROUBLE),
        (502, False, Kind.TROUBLE),
        (504, False, Kind.TROUBLE),
        (302, False, Kind.TROUBLE),
        (100, False, Kind.TROUBLE),
        (999, False, Kind.TROUBLE),
    ],
)
def test_what_an_answer_is_worth(status: int, growing: bool, kind: Kind) -> None:
    assert kind_of(status, growing=growing) is kind


@pytest.mark.parametrize(
    ("kind", "age_s", "there", "away"),
    [
        (Kind.WHOLE, 59.9, Use.FRESH, Use.FRESH),
        (Kind.WHOLE, 60.0, Use.ASK, Use.STALE),
        (Kind.WHOLE, 1e6, Use.ASK, Use.STALE),
        (Kind.GROWING, 1.9, Use.FRESH, Use.FRESH),
        (Kind.GROWING, 2.0, Use.ASK, Use.STALE),
        (Kind.GROWING, 1e6, Use.ASK, Use.STALE),
        (Kind.REFUSED, 0.4, Use.FRESH, Use.FRESH),
        (Kind.REFUSED, 0.5, Use.ASK, Use.AWAY),
    ],
)
def test_what_is_served(kind: Kind, age_s: float, there: Use, away: Use) -> None:
    known = Known(kind, 1000.0)
    assert use(known, 1000.0 + age_s, away=False) is there
    assert use(known, 1000.0 + age_s, away=True) is away


def test_nothing_is_known() -> None:
    assert use(None, 5.0, away=False) is Use.ASK
    assert use(None, 5.0, away=True) is Use.AWAY


def test_what_is_older_than_the_process_is_asked_for_and_served_while_the_line_is_cut() -> None:
    known = Known(Kind.WHOLE)
    assert known.kept_at == OUTDATED
    assert use(known, 0.0, away=False) is Use.ASK
    assert use(known, 0.0, away=True) is Use.STALE


def test_a_refusal_is_forgotten_within_half_a_second() -> None:
    assert HOLDS_S[Kind.REFUSED] <= 0.5
    assert Known(Kind.REFUSED, 7.0).until == 7.5


def test_trouble_takes_no_answers_place_and_a_refusal_does() -> None:
    good = Known(Kind.GROWING, 1.0)
    assert keep(good, Kind.TROUBLE, 9.0) is good
    assert keep(None, Kind.TROUBLE, 9.0) is None
    assert keep(good, Kind.REFUSED, 9.0) == Known(Kind.REFUSED, 9.0)
    assert keep(Known(Kind.REFUSED, 1.0), Kind.WHOLE, 9.0) == Known(Kind.WHOLE, 9.0)


answers = st.lists(st.tuples(st.sampled_from(list(Kind)), st.floats(0, 100)), max_size=30)


@given(answers, st.floats(0, 100), st.booleans())
def test_trouble_is_never_served(
    said: list[tuple[Kind, float]], passed_s: float, away: bool
) -> None:
    known, now, last_good = None, 0.0, None
    for kind, after_s in said:
        now += after_s
        known = keep(known, kind, now)
        last_good = kind if kind is not Kind.TROUBLE else last_good
    assert (known and known.kind) is last_good
    served = use(known, now + passed_s, away=away)
    assert served is not Use.STALE or (known is not None and known.kind in GOOD and away)
    assert served is not Use.FRESH or (known is not None and now + passed_s < known.until)
    assert away or served in {Use.FRESH, Use.ASK}
