import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.edge.piece import Group, Piece

pieces = st.builds(
    Piece, st.text(max_size=60), st.integers(0, 2**40), st.integers(min_value=1, max_value=2**40)
)


def test_a_name_is_the_same_for_ever() -> None:
    piece = Piece("lessons/课/720p-0.mp4", 812, 245_000)
    assert piece.name == "d062aa86c769d0ebeec0c41ee18fe9b4"
    assert piece.end == 245_812


@given(pieces)
def test_a_name_is_a_safe_file_name(piece: Piece) -> None:
    assert re.fullmatch("[0-9a-f]{32}", piece.name)


@given(pieces, pieces)
def test_other_pieces_have_other_names(one: Piece, other: Piece) -> None:
    assert (one.name == other.name) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Piece("1@a", 1, 2), Piece("a", 1, 2)),
        (Piece("a", 1, 12), Piece("a", 11, 2)),
        (Piece("a", 0, 1), Piece("a\0", 0, 1)),
    ],
)
def test_keys_that_look_like_numbers_are_not_taken_for_them(one: Piece, other: Piece) -> None:
    assert one.name != other.name


@pytest.mark.parametrize("key", ["../../etc/passwd", "/dev/sda", "a\0b", "\ud800", "x" * 100_000])
def test_a_key_from_the_wire_does_not_reach_the_path(key: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", Piece(key, 0, 1).name)


@pytest.mark.parametrize(("offset", "size_bytes"), [(-1, 10), (0, 0), (5, -5)])
def test_a_piece_has_bytes(offset: int, size_bytes: int) -> None:
    with pytest.raises(ValueError, match="no piece"):
        Piece("a", offset, size_bytes)


def test_pieces_of_an_object_are_ordered_by_where_they_lie() -> None:
    assert sorted([Piece("b", 0, 1), Piece("a", 9, 1), Piece("a", 0, 9)]) == [
        Piece("a", 0, 9),
        Piece("a", 9, 1),
        Piece("b", 0, 1),
    ]
    assert Group("l", "r") == Group("l", "r")
    assert len({Group("l", "r"), Group("l", "r")}) == 1
