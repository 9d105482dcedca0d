"""A watcher's mailbox: the newest of each lesson, bounded."""

from __future__ import annotations

from catalog.lesson_news import Mailbox


def test_only_the_newest_of_a_lesson_in_the_order_of_the_last_change() -> None:
    box = Mailbox()
    box.put("a", b"1")
    box.put("b", b"2")
    box.put("a", b"3")
    assert list(box.take()) == [b"2", b"3"]
    assert list(box.take()) == []


def test_a_full_box_asks_for_a_fresh_look() -> None:
    box = Mailbox(limit=2)
    for lesson in ("a", "b"):
        box.put(lesson, b"x")
    box.put("a", b"y")
    before = box.overflowed
    box.put("c", b"x")
    assert (before, box.overflowed) == (False, True)
    assert list(box.take()) == [b"x"]
