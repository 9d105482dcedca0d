import sys
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.edge.eviction import Held, Ledger, Row, Victim
from streaming.edge.piece import Group, Piece

MONDAY = date(2026, 11, 23)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
A, B, C = Group("a", "720p"), Group("b", "720p"), Group("c", "720p")


def piece(group: Group, number: int, size_bytes: int = 10) -> Piece:
    return Piece(f"{group.lesson}.mp4", number * size_bytes, size_bytes)


def filled(budget_bytes: int, *groups: Group, pieces: int = 3) -> Ledger:
    ledger = Ledger(budget_bytes)
    for group in groups:
        for number in range(pieces):
            assert ledger.put(group, piece(group, number), MONDAY) == ()
    return ledger


def test_what_fits_drives_nothing_out() -> None:
    ledger = filled(60, A, B)
    assert ledger.size_bytes == 60
    assert ledger.holds(A, piece(A, 2))
    assert not ledger.holds(A, piece(A, 3))
    assert not ledger.holds(C, piece(A, 2))
    assert ledger.put(A, piece(A, 2), MONDAY) == (), "it is there"
    assert ledger.size_bytes == 60


def test_the_least_recent_group_goes_from_its_tail() -> None:
    ledger = filled(60, A, B)
    assert ledger.put(C, piece(C, 0, 15), MONDAY) == (
        Victim(A, piece(A, 2)),
        Victim(A, piece(A, 1)),
    )
    assert ledger.holds(A, piece(A, 0))
    assert not ledger.holds(A, piece(A, 1))
    assert ledger.size_bytes == 55


def test_a_touch_makes_it_the_last_to_go() -> None:
    ledger = filled(60, A, B)
    ledger.touch(A)
    assert ledger.put(C, piece(C, 0), MONDAY) == (Victim(B, piece(B, 2)),)
    with pytest.raises(KeyError):
        ledger.touch(Group("nowhere", "720p"))


def test_asking_for_victims_changes_nothing() -> None:
    ledger = filled(60, A, B)
    expected = tuple(Victim(A, piece(A, n)) for n in (2, 1))
    assert ledger.victims(20, MONDAY) == expected
    assert ledger.victims(20, MONDAY) == expected
    assert ledger.victims(61, MONDAY) is None
    assert len(ledger.victims(60, MONDAY) or ()) == 6


def test_a_smaller_budget_is_met_by_asking() -> None:
    ledger = filled(60, A, B)
    ledger.budget_bytes = 45
    assert ledger.victims(0, MONDAY) == (Victim(A, piece(A, 2)), Victim(A, piece(A, 1)))


def test_a_piece_larger_than_the_budget_is_not_kept() -> None:
    ledger = filled(60, A, B)
    assert ledger.put(C, piece(C, 0, 61), MONDAY) is None
    assert ledger.size_bytes == 60


def test_a_pinned_group_stays_until_its_day_is_over() -> None:
    ledger = filled(60, A, B)
    ledger.pin(A, MONDAY)
    assert ledger.put(C, piece(C, 0), MONDAY) == (Victim(B, piece(B, 2)),)
    assert ledger.put(C, piece(C, 1), TUESDAY) == (Victim(A, piece(A, 2)),)


def test_what_is_not_pinned_is_refused_when_only_pinned_groups_are_left() -> None:
    ledger = filled(60, A, B)
    ledger.pin(A, TUESDAY)
    ledger.pin(B, TUESDAY)
    assert ledger.put(C, piece(C, 0), MONDAY) is None
    assert ledger.size_bytes == 60
    ledger.unpin(A)
    assert ledger.put(C, piece(C, 0), MONDAY) == (Victim(A, piece(A, 2)),)


def test_older_pins_go_before_newer_ones_and_never_for_older_ones() -> None:
    ledger = filled(60, A, B)
    ledger.repin([(A, TUESDAY), (B, MONDAY), (C, WEDNESDAY)])
    assert ledger.put(C, piece(C, 0, 30), MONDAY) == tuple(
        Victim(B, piece(B, n)) for n in (2, 1, 0)
    )
    assert ledger.put(C, piece(C, 1, 30), MONDAY) is not None
    assert ledger.put(B, piece(B, 0), MONDAY) is None
    assert [held.group for held in ledger.groups()] == [C]


def test_a_group_larger_than_all_keeps_its_head() -> None:
    ledger = filled(60, A, pieces=6)
    assert ledger.put(A, piece(A, 6), MONDAY) is None
    ledger.forget(A, piece(A, 0))
    assert ledger.put(A, piece(A, 6), MONDAY) == ()
    assert ledger.put(A, piece(A, 0), MONDAY) == (Victim(A, piece(A, 6)),)


def test_it_is_as_it_was_after_a_restart() -> None:
    rows = [
        Row(A, piece(A, 0), 300.0),
        Row(B, piece(B, 1), 200.0),
        Row(C, piece(C, 0), 250.0),
        Row(A, piece(A, 1), 100.0),
        Row(B, piece(B, 0), 150.0),
    ]
    ledger = Ledger(50, rows)
    assert ledger.size_bytes == 50
    assert ledger.victims(25, MONDAY) == (
        Victim(B, piece(B, 1)),
        Victim(B, piece(B, 0)),
        Victim(C, piece(C, 0)),
    )


def test_a_status_page_sees_bytes_and_groups() -> None:
    ledger = filled(100, A, B)
    ledger.pin(A, TUESDAY)
    assert list(ledger.groups()) == [Held(B, 3, 30, None), Held(A, 3, 30, TUESDAY)]
    assert ledger.group_bytes(A) == 30
    assert ledger.group_bytes(C) == 0


def test_what_is_forgotten_is_gone() -> None:
    ledger = filled(100, A)
    ledger.pin(A, MONDAY)
    for number in range(3):
        ledger.forget(A, piece(A, number))
    assert ledger.size_bytes == 0
    assert list(ledger.groups()) == []
    assert ledger.put(A, piece(A, 0), MONDAY) == ()
    with pytest.raises(KeyError):
        ledger.forget(A, piece(A, 1))
    with pytest.raises(KeyError):
        ledger.forget(B, piece(B, 0))


def test_pieces_of_one_offset_are_told_apart() -> None:
    ledger = Ledger(100)
    for size_bytes in (10, 20):
        ledger.put(A, Piece("k", 0, size_bytes), MONDAY)
    assert ledger.size_bytes == 30
    ledger.forget(A, Piece("k", 0, 20))
    assert ledger.holds(A, Piece("k", 0, 10))
    assert not ledger.holds(A, Piece("k", 0, 20))


def test_a_hundred_gigabytes_cost_little_memory() -> None:
    ledger = Ledger(10**12)
    for number in range(2000):
        ledger.put(A, piece(A, number, 200_000), MONDAY)
    offsets, sizes = ledger._groups[A]._objects["a.mp4"]
    assert sys.getsizeof(offsets) + sys.getsizeof(sizes) < 2000 * 20


groups = st.sampled_from([A, B, C])
actions = st.lists(
    st.tuples(
        st.sampled_from(["put", "touch", "forget", "pin", "unpin"]),
        groups,
        st.integers(0, 8),
        st.integers(1, 60),
        st.integers(0, 3),
    ),
    max_size=80,
)


@given(actions, st.integers(1, 200))
def test_the_budget_holds_and_pins_are_kept(
    script: list[tuple[str, Group, int, int, int]], budget_bytes: int
) -> None:
    ledger = Ledger(budget_bytes)
    kept: dict[tuple[Group, Piece], int] = {}
    pins: dict[Group, date] = {}
    for action, group, number, size_bytes, day in script:
        one = Piece(group.lesson, 100 * number, size_bytes)
        if action == "put":
            victims = ledger.put(group, one, MONDAY)
            for victim in victims or ():
                del kept[victim.group, victim.piece]
                theirs = pins.get(victim.group)
                assert theirs is None or victim.group == group or theirs < pins[group]
            if victims is not None:
                kept[group, one] = size_bytes
        elif action == "pin":
            pins[group] = MONDAY + timedelta(days=day)
            ledger.pin(group, pins[group])
        elif action == "unpin":
            pins.pop(group, None)
            ledger.unpin(group)
        elif action == "forget" and (group, one) in kept:
            del kept[group, one]
            ledger.forget(group, one)
        elif action == "touch" and ledger.group_bytes(group):
            ledger.touch(group)
        assert ledger.size_bytes == sum(kept.values()) <= budget_bytes
        assert all(ledger.holds(*key) for key in kept)
    assert sum(held.pieces for held in ledger.groups()) == len(kept)
    assert sum(held.size_bytes for held in ledger.groups()) == ledger.size_bytes
