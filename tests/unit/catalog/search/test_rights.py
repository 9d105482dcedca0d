"""The words of the index give the same answer as may_watch and may_edit."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.people import GUEST, Affiliation, LessonPlace, Role, Viewer, may_edit, may_watch
from catalog.search.rights import KNOWN_STATES, Sight, sight_of, words_of

DAY = date(2026, 9, 1)
PLACES = st.sampled_from([None, "p1", "p2"])
AFFILIATIONS = st.builds(
    Affiliation, st.sampled_from(Role), st.just(DAY), st.none(), PLACES, PLACES, PLACES
)
VIEWERS = st.one_of(
    st.just(GUEST),
    st.builds(
        Viewer, st.sampled_from(["p1", "p2"]), st.just(""), st.lists(AFFILIATIONS).map(tuple)
    ),
)
LESSONS = st.builds(
    LessonPlace,
    PLACES,
    PLACES,
    PLACES,
    PLACES,
    st.sampled_from(["public", "city", "group", "school", "private"]),
)
STATES = st.sampled_from(sorted(KNOWN_STATES))


def sees(sight: Sight, words: list[str]) -> bool:
    """Answer as the index does."""
    held = set(words)
    mine = bool(held & set(sight.words))
    if held & set(sight.never) or (sight.only and not mine):
        return False
    if sight.unless in held and not mine:
        return False
    return not sight.states or bool(held & {f"state:{s}" for s in sight.states})


# Of the lesson's school, though not (yet) of the group that it is in.
OF_ITS_SCHOOL = Viewer("p1", "", (Affiliation(Role.TEACHER, DAY, None, "p1", None, None),))
IN_A_GROUP = LessonPlace(None, "p1", None, "p1", "group")


@example(OF_ITS_SCHOOL, IN_A_GROUP, "playable")
@given(VIEWERS, LESSONS, STATES)
def test_a_viewer_finds_what_plays_and_they_may_watch(
    viewer: Viewer, lesson: LessonPlace, state: str
) -> None:
    expected = state in ("playable", "ready") and may_watch(viewer, lesson)
    assert sees(sight_of(viewer), words_of(lesson, state)) == expected


@given(VIEWERS, LESSONS, STATES)
def test_other_states_are_found_by_those_who_may_edit(
    viewer: Viewer, lesson: LessonPlace, state: str
) -> None:
    expected = state == "failed" and may_edit(viewer, lesson)
    assert sees(sight_of(viewer, ["failed"]), words_of(lesson, state)) == expected


@pytest.mark.parametrize("visibility", ["public", "city", "private"])
def test_asking_for_playing_states_gives_no_right(visibility: str) -> None:
    words = words_of(LessonPlace(None, None, None, None, visibility), "ready")
    assert sees(sight_of(GUEST, ["ready"]), words) == (visibility == "public")
    assert not sees(sight_of(GUEST, ["playable"]), words)
