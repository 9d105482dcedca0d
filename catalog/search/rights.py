"""Who may find a lesson, as words that are indexed with it and words that a viewer holds. Pure.

The index must give what catalog/people.py's may_watch and may_edit give, without asking them for
every hit. A lesson carries the words of those who may see it (`watch:`) or change it (`edit:`),
and marks for what most viewers may not see, so that the usual filter is a short list to leave out:
`shut` is not for guests, `closed` not for everyone signed in, `idle` not playing yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.lesson import PLAYING, LessonState
from catalog.people import LessonPlace, Role, Viewer

SHUT, CLOSED, IDLE = "shut", "closed", "idle"
_PLAYING = frozenset(state.value for state in PLAYING)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a viewer may find: nothing with a mark in `never`, nor one in `unless` without a word.

    With `only` a lesson must carry one of the viewer's words; `states` narrows to these states.
    """

    words: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    unless: str = ""
    only: bool = False
    states: tuple[str, ...] = ()


ALL = Sight()


def words_of(place: LessonPlace, state: str) -> list[str]:
    """Give the words and marks that a lesson is indexed with."""
    found = [f"state:{state}"]
    found += [f"edit:{kind}:{key}" for kind, key in _editors(place) if key]
    playing, visibility = state in _PLAYING, place.visibility
    if playing and visibility in ("group", "school") and place.school_id:
        found.append(f"watch:school:{place.school_id}")
    if playing and visibility in ("group", "school"):
        found.append("watch:city")
        found += [f"watch:district:{place.district_id}"] if place.district_id else []
    if playing and visibility == "group" and place.group_id:
        found.append(f"watch:group:{place.group_id}")
    if not playing:
        found.append(IDLE)
    if not playing or visibility != "public":
        found.append(SHUT)
    if not playing or visibility not in ("public", "city"):
        found.append(CLOSED)
    return found


def _editors(place: LessonPlace) -> list[tuple[str, str | None]]:
    return [
        ("owner", place.owner_id),
        ("school", place.school_id),
        ("district", place.district_id),
    ]


def sight_of(viewer: Viewer, states: Sequence[str] = ()) -> Sight:
    """Give what a viewer may find: playing lessons, or with `states` also others they may edit."""
    wanted = tuple(sorted(set(states)))
    beyond = bool(set(wanted) - _PLAYING)
    if viewer.has(Role.ADMINISTRATOR):
        return Sight(never=() if wanted else (IDLE,), states=wanted)
    edit = _edit_words(viewer)
    if beyond:
        return Sight(words=edit, only=True, states=wanted)
    if not viewer.signed_in and not viewer.affiliations:
        return Sight(never=(SHUT,), states=wanted)
    return Sight((*edit, *_watch_words(viewer)), (IDLE,), CLOSED, states=wanted)


def own_sight(viewer: Viewer, states: Sequence[str] = ()) -> Sight:
    """Give the sight of one's own lessons, in every state or in these."""
    words = (f"edit:owner:{viewer.person_id}",)
    return Sight(words, only=True, states=tuple(sorted(set(states))))


def _edit_words(viewer: Viewer) -> tuple[str, ...]:
    found = {f"edit:owner:{viewer.person_id}"} if viewer.signed_in else set[str]()
    for item in viewer.affiliations:
        if item.role is Role.DISTRICT and item.district_id:
            found.add(f"edit:district:{item.district_id}")
        if item.role is Role.SCHOOL and item.school_id:
            found.add(f"edit:school:{item.school_id}")
    return tuple(sorted(found))


def _watch_words(viewer: Viewer) -> tuple[str, ...]:
    found: set[str] = set()
    for item in viewer.affiliations:
        if item.school_id:
            found.add(f"watch:school:{item.school_id}")
        if item.group_id:
            found.add(f"watch:group:{item.group_id}")
        if item.role is Role.RESEARCHER and not item.school_id:
            found.add(f"watch:district:{item.district_id}" if item.district_id else "watch:city")
    return tuple(sorted(found))


KNOWN_STATES = frozenset(state.value for state in LessonState)
