"""The wall: what a page is sent, and who may see what."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import NoRight
from catalog.operations import board as board_module
from catalog.operations.board import EVERYBODY, Board, Placed, Places, Scope, scope_of
from catalog.operations.rows import DistrictRow, Row
from catalog.people import Affiliation, Role, Viewer

CITY = Scope(city=True)
SINCE = date(2026, 9, 1)


def row(id_: str, on_air: int = 0) -> Row:
    return DistrictRow(id_, f"区{id_}", 90, on_air, {}, 0)


def placed(id_: str, on_air: int = 0, places: Places = EVERYBODY) -> Placed:
    return Placed(row(id_, on_air), places)


def put(board: Board, at: float = 1.0, **rows: int) -> None:
    board.put({("district", id_): placed(id_, on_air) for id_, on_air in rows.items()}, at)


def test_a_new_page_is_sent_everything_and_then_only_what_changed() -> None:
    board = Board()
    put(board, a=1, b=2)
    first = board.changes(CITY)
    assert first.whole
    assert first.districts == {"a": row("a", 1), "b": row("b", 2)}
    put(board, 2.0, a=1, b=3)
    then = board.changes(CITY, first.version)
    assert (then.whole, then.at, then.districts) == (False, 2.0, {"b": row("b", 3)})
    put(board, 3.0, a=1, b=3)
    assert board.changes(CITY, then.version).districts == {}


def test_what_is_gone_is_sent_as_gone_until_it_is_back() -> None:
    board = Board()
    put(board, a=1, b=2)
    known = board.changes(CITY).version
    put(board, a=1)
    assert board.changes(CITY, known).districts == {"b": None}
    put(board, a=1, b=2)
    assert board.changes(CITY, known).districts == {"b": row("b", 2)}


def test_who_knows_a_version_that_is_forgotten_or_not_ours_is_sent_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(board_module, "FORGOTTEN_LIMIT", 1)
    board = Board()
    put(board, a=1, b=1, c=1)
    known = board.version
    put(board, a=1, b=1)
    put(board, a=1)
    assert board.changes(CITY, known).whole
    assert not board.changes(CITY, board.version - 1).whole
    assert board.changes(CITY, board.version + 1).whole


OF_A = Places(frozenset({"市南"}), frozenset({"s1"}))
OF_B = Places(frozenset({"莱西"}), frozenset({"s2"}))
SHARED = Places(OF_A.districts | OF_B.districts, OF_A.schools | OF_B.schools)
SEEN = (
    (CITY, {"a", "b", "both", "all", "city"}),
    (Scope(districts=frozenset({"市南"})), {"a", "both", "all"}),
    (Scope(schools=frozenset({"s2"})), {"b", "both", "all"}),
    (Scope(schools=frozenset({"s9"})), {"all"}),
)


@pytest.mark.parametrize(("scope", "seen"), SEEN)
def test_each_officer_sees_the_own_place(scope: Scope, seen: set[str]) -> None:
    board = Board()
    places = {"a": OF_A, "b": OF_B, "both": SHARED, "all": EVERYBODY, "city": Places(for_city=True)}
    board.put({("district", id_): placed(id_, 0, of) for id_, of in places.items()}, 1.0)
    assert set(board.changes(scope).districts) == seen
    assert {one.id for one in board.of_kind(scope, "district")} == seen  # type: ignore[union-attr]
    assert {id_ for id_ in places if board.find(scope, "district", id_)} == seen
    board.put({}, 2.0)
    assert set(board.changes(scope, 1).districts) == seen, "nor is told what is gone"


def viewer(*held: Affiliation) -> Viewer:
    return Viewer("p1", "王老师", held)


def test_the_scope_of_an_officer_follows_from_the_roles() -> None:
    district = Affiliation(Role.DISTRICT, SINCE, district_id="市南")
    school = Affiliation(Role.SCHOOL, SINCE, school_id="s1", district_id="莱西")
    assert scope_of(viewer(Affiliation(Role.ADMINISTRATOR, SINCE))) == CITY
    assert scope_of(viewer(district)) == Scope(districts=frozenset({"市南"}))
    both = scope_of(viewer(district, school))
    assert both == Scope(False, frozenset({"市南"}), frozenset({"s1"}))


@pytest.mark.parametrize("role", [r for r in Role if r not in (
    Role.ADMINISTRATOR, Role.DISTRICT, Role.SCHOOL)])  # fmt: skip
def test_who_is_no_officer_sees_nothing(role: Role) -> None:
    with pytest.raises(NoRight, match="officers"):
        scope_of(viewer(Affiliation(role, SINCE, school_id="s1", district_id="市南")))


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2)), max_size=12))
def test_a_page_that_applies_changes_has_what_the_board_has(steps: list[dict[str, int]]) -> None:
    board, page, known = Board(), dict[str, Row](), -1
    for number, step in enumerate(steps):
        put(board, float(number), **step)
        if number % 3 == 2:
            continue
        change = board.changes(CITY, known)
        page = {} if change.whole else page
        for id_, value in change.districts.items():
            if value is None:
                page.pop(id_, None)
            else:
                page[id_] = value
        known = change.version
        assert page == {id_: row(id_, on_air) for id_, on_air in step.items()}


def test_equal_rows_with_other_places_are_sent_again() -> None:
    board = Board()
    board.put({("district", "a"): placed("a", 0, OF_A)}, 1.0)
    known = board.version
    board.put({("district", "a"): replace(placed("a"), places=OF_B)}, 2.0)
    assert board.changes(Scope(schools=frozenset({"s2"})), known).districts == {"a": row("a")}
