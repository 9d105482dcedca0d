"""What an edge is: its states, its code, its name, and how little it may."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from catalog.edges import (
    CODE_CHARS,
    TRANSITIONS,
    EdgeInput,
    EdgeState,
    KnownEdge,
    code_of,
    digest_of_code,
    label_of,
    may_keep_edges,
    new_code,
    public_key_of,
    shown_code,
    step,
    tls_name,
)
from catalog.errors import Conflict, Invalid
from catalog.ids import make_id
from catalog.people import Affiliation, LessonPlace, Role, Viewer, may_edit, may_upload, may_watch
from catalog.session_rights import Room, School, SessionPlace, may_join, may_run

EDGE, OWNER = make_id(1, 1), make_id(1, 2)
SCHOOL, GROUP, DISTRICT, ELSEWHERE = (make_id(2, n) for n in range(4))
BOX = KnownEdge(EDGE, "tianye", SCHOOL, "田野小学", DISTRICT, GROUP, b"k" * 32)


def test_the_table_of_states() -> None:
    allowed = {
        ("waiting", "a new code"): "waiting",
        ("waiting", "enrolment"): "enrolled",
        ("waiting", "revocation"): "revoked",
        ("enrolled", "a new code"): "enrolled",
        ("enrolled", "enrolment"): "enrolled",
        ("enrolled", "revocation"): "revoked",
        ("revoked", "a new code"): "waiting",
    }
    assert {(s.value, e.value): t.value for (s, e), t in TRANSITIONS.items()} == allowed
    for state, event in product(EdgeState, EdgeInput):
        if (state, event) in TRANSITIONS:
            assert step(state, event) is TRANSITIONS[state, event]
        else:
            with pytest.raises(Conflict, match="cannot take"):
                step(state, event)


def test_a_code_survives_being_read_out_and_typed() -> None:
    code = new_code()
    assert code_of(f"  {shown_code(code).lower()} ") == code
    assert code_of(" ".join(code)) == code
    assert len(code) == CODE_CHARS
    assert not set(code) & set("01258BGILOSUZ")
    assert len({new_code() for _ in range(100)}) == 100
    assert digest_of_code(code) != digest_of_code(new_code())
    assert len(digest_of_code(code)) == 32


@pytest.mark.parametrize("text", ["", "AAAAA", "AAAAA-AAAA0", "A" * 11, "课" * 10, "A" * 10_000])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        code_of(text)
    assert "code" in caught.value.fields


def test_a_public_key_has_32_bytes() -> None:
    assert public_key_of(b"k" * 32) == b"k" * 32
    for wrong in (b"", b"k" * 31, b"k" * 33):
        with pytest.raises(Invalid, match="Ed25519"):
            public_key_of(wrong)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("tianye", "tianye"),
        ("TianYe-2", "tianye-2"),
        ("田野小学", f"e-{EDGE}"),
        ("tian ye", f"e-{EDGE}"),
        ("-tianye", f"e-{EDGE}"),
        ("a" * 41, f"e-{EDGE}"),
        (f"e-{OWNER}", f"e-{EDGE}"),  # nobody takes another's name
    ],
)
def test_the_name_in_the_dns(name: str, label: str) -> None:
    assert label_of(EDGE, name) == label
    assert tls_name(EDGE, name, "school.example") == f"{label}.edge.school.example"


def lesson(visibility: str, school: str = SCHOOL, group: str = GROUP) -> LessonPlace:
    return LessonPlace(OWNER, school, DISTRICT, group, visibility)


@pytest.mark.parametrize(
    ("place", "seen"),
    [
        (lesson("public", ELSEWHERE, ELSEWHERE), True),
        (lesson("city", ELSEWHERE, ELSEWHERE), True),
        (lesson("group", ELSEWHERE), True),
        (lesson("school"), True),
        (lesson("school", ELSEWHERE), False),
        (lesson("group", ELSEWHERE, ELSEWHERE), False),
        (lesson("private"), False),
        (LessonPlace(f"edge:{EDGE}x", SCHOOL, DISTRICT, GROUP, "private"), False),
    ],
)
def test_an_edge_watches_what_its_school_may(place: LessonPlace, seen: bool) -> None:
    assert may_watch(BOX.viewer, place) is seen
    assert not may_edit(BOX.viewer, place)


def test_an_edge_changes_nothing() -> None:
    assert not may_upload(BOX.viewer)
    assert not may_keep_edges(BOX.viewer, DISTRICT)


def test_an_edge_comes_to_its_schools_sessions_and_runs_none() -> None:
    far, own = School(ELSEWHERE, ELSEWHERE), School(SCHOOL, DISTRICT)
    invited = SessionPlace(OWNER, False, far, (Room(make_id(3, 1), own),))
    assert may_join(BOX.viewer, invited)
    assert may_join(BOX.viewer, SessionPlace(OWNER, True, far))
    assert not may_join(BOX.viewer, SessionPlace(OWNER, False, far))
    assert not may_run(BOX.viewer, invited)


@pytest.mark.parametrize(
    ("role", "district", "may"),
    [
        (Role.ADMINISTRATOR, None, True),
        (Role.DISTRICT, DISTRICT, True),
        (Role.DISTRICT, ELSEWHERE, False),
        (Role.SCHOOL, DISTRICT, False),
        (Role.TEACHER, DISTRICT, False),
        (Role.RESEARCHER, DISTRICT, False),
    ],
)
def test_who_keeps_edges(role: Role, district: str | None, may: bool) -> None:
    school = SCHOOL if role in (Role.SCHOOL, Role.TEACHER) else None
    held = Affiliation(role, date(2020, 1, 1), None, school, district)
    assert may_keep_edges(Viewer("p", "某人", (held,)), DISTRICT) is may
