"""What counts as watched, and what each lesson may have beside the others."""

from __future__ import annotations

from dataclasses import replace

from catalog.ids import make_id
from catalog.media import Media, Presentation
from streaming.edge.cap import Cap, Limits
from streaming.edge.eviction import Held
from streaming.edge.piece import Group
from streaming.edge.watching import LESSONS_LIMIT, WATCHED_S, Watching
from tests.support.presentations import AAC, HIGH, LESSON, LOW, WHOLE

# 360p needs about 0.17 Mbit/s, 1080p 0.6; a line of 1 Mbit/s has room for 0.8.
LESSON_2 = replace(WHOLE, lesson=make_id(1_700_000_000_000, 2))


async def nothing() -> list[Held]:
    return []


class Scene:
    """A school on a line of so many bits a second, with scripted time."""

    def __init__(self, line_bps: int) -> None:
        self.now = 0.0
        self.changed: list[str] = []
        cap = Cap(Limits(ceiling_bps=line_bps))
        self.watching = Watching(cap, lambda: None, nothing, self.changed.append, lambda: self.now)

    def show(self, presentation: Presentation) -> list[str]:
        """Give the pictures that a player is told of."""
        allowed = self.watching.allowed(presentation)
        videos = [r for r in presentation.renditions if r.media is Media.VIDEO]
        return [r.name for r in videos if allowed is None or r.id in allowed]

    def watch(self, presentation: Presentation) -> None:
        self.watching.used(Group(presentation.lesson, HIGH.id))


def lesson(number: int) -> Presentation:
    return replace(WHOLE, lesson=make_id(1_700_000_000_000, number), renditions=(HIGH, LOW, AAC))


def test_posters_of_a_library_take_nothing_from_who_watches() -> None:
    scene = Scene(1_000_000)
    first = lesson(1)
    before = scene.show(first)
    scene.watch(first)
    for number in range(2, 30):
        scene.show(lesson(number))
    scene.watching.decide()
    assert [one.stream.id for one in scene.watching.seen] == [first.lesson]
    assert scene.show(first) == before
    assert scene.changed == []


def test_a_lesson_that_is_watched_makes_room_for_the_next_at_once() -> None:
    scene = Scene(1_000_000)
    first, second = lesson(1), lesson(2)
    alone = scene.show(first)
    scene.watch(first)
    beside = scene.show(second)
    assert len(beside) <= len(alone)
    scene.watch(second)
    assert set(scene.watching.decisions) == {first.lesson, second.lesson}
    scene.now = WATCHED_S + 1
    scene.watching.decide()
    assert scene.watching.decisions == {}


def test_what_is_shown_is_what_is_decided_when_it_is_watched() -> None:
    for line_bps in (200_000, 500_000, 1_000_000, 3_000_000, 20_000_000):
        scene = Scene(line_bps)
        shown = scene.show(WHOLE)
        scene.watch(WHOLE)
        assert scene.show(WHOLE) == shown
        assert scene.changed == []


def test_lessons_that_are_known_are_bounded_and_others_unknown() -> None:
    scene = Scene(1_000_000)
    for number in range(LESSONS_LIMIT + 10):
        scene.show(lesson(number))
    scene.watch(lesson(0))
    assert scene.watching.seen == []
    scene.watch(lesson(LESSONS_LIMIT))
    assert [one.stream.id for one in scene.watching.seen] == [lesson(LESSONS_LIMIT).lesson]
    assert WHOLE.lesson == LESSON


def test_foreign_players_are_held_back_while_others_watch_or_an_operator_keeps_a_part() -> None:
    scene = Scene(1_000_000)
    first, second = lesson(1), lesson(2)
    scene.show(first)
    assert scene.watching.share_of(first.lesson) is None
    scene.watch(first)
    alone = scene.watching.share_of(first.lesson)
    assert alone is not None
    assert alone.together_bps == scene.watching.room_bps
    scene.show(second)
    scene.watch(second)
    beside = scene.watching.share_of(first.lesson)
    assert beside is not None
    assert beside.together_bps < alone.together_bps
    assert scene.watching.share_of("nobody watches it") is None


def test_who_is_alone_on_a_line_that_is_nobody_elses_is_not_held_back() -> None:
    watching = Watching(Cap(), lambda: 1_000_000, nothing, lambda lesson: None, lambda: 0.0)
    first, second = lesson(1), lesson(2)
    for one in (first, second):
        watching.allowed(one)
    watching.used(Group(first.lesson, HIGH.id))
    assert watching.share_of(first.lesson) is None
    watching.used(Group(second.lesson, HIGH.id))
    assert watching.share_of(first.lesson) is not None


def test_a_player_learns_what_the_school_may_choose_of_its_lesson() -> None:
    scene = Scene(20_000_000)
    assert scene.watching.choice_of(WHOLE.lesson) is None, "nobody has asked for it"
    scene.show(WHOLE)
    free = scene.watching.choice_of(WHOLE.lesson)
    assert free is not None
    assert not free.capped
    scene = Scene(500_000)
    shown = scene.show(WHOLE)
    scene.watch(WHOLE)
    capped = scene.watching.choice_of(WHOLE.lesson)
    assert capped is not None
    assert capped.capped
    videos = [r for r in WHOLE.renditions if r.media is Media.VIDEO]
    assert shown == [r.name for r in videos if r.id in capped.rungs]
    scene.now += WATCHED_S + 1
    scene.watching.decide()
    again = scene.watching.choice_of(WHOLE.lesson)
    assert again is not None
    assert again.rungs == capped.rungs, "what it would have, though nobody watches now"


def test_a_cap_leaves_a_picture_that_every_player_decodes() -> None:
    for line_bps in (100_000, 300_000, 500_000, 700_000):
        scene = Scene(line_bps)
        shown = scene.show(WHOLE)
        assert len(shown) == 1
        assert "av1" not in shown[0], "few devices do, and they take H.264 too"
    assert any("av1" in name for name in Scene(20_000_000).show(WHOLE)), "all, when all fits"
