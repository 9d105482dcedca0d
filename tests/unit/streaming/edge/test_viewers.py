"""How many watch a lesson, by the addresses that ask for its pieces."""

from __future__ import annotations

from streaming.edge.viewers import LESSONS_LIMIT, VIEWERS_LIMIT, WATCHED_S, Viewers

PIECE = "/media/l1/r1/7.m4s?token=t"


def test_who_asks_for_pieces_watches_for_a_while() -> None:
    found = Viewers()
    found.hear(PIECE, "10.0.0.2", 0.0)
    for second in range(3):
        found.hear(PIECE, "10.0.0.1", float(second))
    found.hear("/media/l2/r1/7.m4s", "10.0.0.3", 2.0)
    assert (found.count("l1", 2.0), found.count("l2", 2.0), found.count("l3", 2.0)) == (2, 1, 0)
    assert found.count("l1", 1.0 + WATCHED_S) == 1
    assert found.count("l1", 2.5 + WATCHED_S) == 0


def test_who_only_looks_does_not_watch() -> None:
    found = Viewers()
    for target in (
        "/media/l1/multivariant.m3u8", "/media/l1/poster.jpg", "/media/l1/sprite-0.jpg",
        "/live/s1/main/720p/7.m4s", "/api/v1/lessons/l1", "/media/", "/media/x.m4s", "*", "",
    ):  # fmt: skip
        found.hear(target, "10.0.0.1", 0.0)
    assert found.count("l1", 0.0) == 0


def test_it_is_bounded() -> None:
    found = Viewers()
    for number in range(VIEWERS_LIMIT + 10):
        found.hear(PIECE, str(number), 0.0)
    assert found.count("l1", 0.0) == VIEWERS_LIMIT
    for number in range(LESSONS_LIMIT):
        found.hear(f"/media/x{number}/r/1.m4s", "10.0.0.1", 0.0)
    assert found.count("l1", 0.0) == 0
    assert len(found._lessons) == LESSONS_LIMIT
