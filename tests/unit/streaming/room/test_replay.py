"""Any inputs in any order: the kept state is what its log says, and pages follow by changes."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.live import RoomRole
from streaming.room import inputs as said
from streaming.room.delay import Delivery
from streaming.room.errors import Refused
from streaming.room.inputs import Admitted, Arrive, CourseState, Depart, FloorFailed, Input, Say
from streaming.room.room import replay
from tests.support.rooms import Scene

members = st.sampled_from([f"m{n}" for n in range(1, 9)])
questions = st.sampled_from(["q1", "q2", "q3", "q9"])
polls = st.sampled_from(["p1", "p2", "p9"])
texts = st.sampled_from(["为什么分母不能为零？", "好", "明白了", ""])
numbers = st.floats(0, 3000)
messages = st.one_of(
    st.builds(said.Hand, st.booleans()),
    st.builds(said.Grant, members),
    st.builds(said.FloorEnd),
    st.builds(said.Ask, texts),
    st.builds(said.Answer, questions, texts),
    st.builds(said.Like, questions),
    st.builds(said.PollOpen, st.sampled_from(said.PollKind), texts),
    st.builds(said.Vote, polls, st.sampled_from(["A", "B", "true", "x"])),
    st.builds(said.PollClose, polls),
    st.builds(said.Chat, texts),
    st.builds(said.ChatOpen, st.booleans()),
    st.builds(said.Notice, texts),
    st.builds(said.End),
    st.builds(said.Report, rung=st.just("360p"), can_ms=st.none() | numbers, lowest=st.booleans()),
    st.builds(said.Ping, numbers),
    st.builds(said.Join),
)
joins = st.builds(
    said.Join,
    name=st.sampled_from(["", "小明"]),
    device=st.sampled_from(said.Device),
    delivery=st.sampled_from(Delivery),
    client=st.none() | st.sampled_from(["a", "b"]),
)
inputs: st.SearchStrategy[Input] = st.one_of(
    st.builds(
        Arrive,
        st.builds(
            Admitted,
            st.sampled_from("甲乙丙"),
            st.sampled_from(RoomRole),
            st.just("王老师") | st.just(""),
        ),
        joins,
    ),
    st.builds(Depart, members, st.booleans()),
    st.builds(Say, members, messages),
    st.builds(Say, members, messages),
    st.builds(FloorFailed, members),
    st.builds(
        said.Turn,
        st.sampled_from([CourseState.LIVE, CourseState.LIVE, *CourseState]),
        st.none() | st.just(1_795_600_005.0),
        st.none() | st.just("lesson"),
    ),
)
scripts = st.lists(st.tuples(inputs, st.sampled_from([0.0, 0.1, 3.0, 12.0, 31.0])), max_size=80)
LATE_IS_NOT_KEPT = ("late", "here")


def play(script: list[tuple[Input, float]]) -> Scene:
    scene = Scene()
    scene.arrive("老师", RoomRole.TEACHER, "王老师")
    scene.arrive("一班", RoomRole.CLASSROOM, "店埠小学一班")
    scene.arrive("学生", RoomRole.VIEWER)
    for event, seconds in script:
        try:
            scene.put(event)
        except Refused:
            assert not scene.room.changes(), "what is refused changes nothing"
        scene.wait(seconds)
    return scene


def kept_part(page: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a page what is not in the log: who is connected, and reconnecting."""
    members = {
        id_: {name: value for name, value in one.items() if name not in LATE_IS_NOT_KEPT}
        for id_, one in page["members"].items()
    }
    left_out = {"counts", "state"}
    floor = {name: value for name, value in page["floor"].items() if name != "state"}
    return {k: v for k, v in page.items() if k not in left_out} | {
        "members": members, "floor": floor,
    }  # fmt: skip


@given(scripts)
@settings(max_examples=200)
def test_the_kept_state_is_the_replay_of_the_log(script: list[tuple[Input, float]]) -> None:
    scene = play(script)
    log = json.loads(json.dumps(scene.log))
    assert replay(log) == scene.room.state
    assert kept_part(scene.restarted().page) == kept_part(scene.page)


@given(scripts)
def test_a_page_that_follows_changes_sees_what_one_sees_that_comes_in(
    script: list[tuple[Input, float]],
) -> None:
    scene = play(script)
    assert scene.page == scene.room.whole()
    assert json.loads(json.dumps(scene.page)) == scene.page
    for name in ("members", "questions", "polls", "hands"):
        assert list(scene.page[name]) == list(scene.room.whole()[name])


@given(scripts)
def test_lesson_time_never_runs_back_and_counts_add_up(script: list[tuple[Input, float]]) -> None:
    scene = play(script)
    began = next((n for n, e in enumerate(scene.log) if e["kind"] == "began"), len(scene.log))
    times = [entry["at"] for entry in scene.log[began:]]
    assert times == sorted(times)
    roster = scene.room.state.roster
    here = [m for m in roster.members if roster.here(m)]
    assert sum(roster.counts().values()) == len(here)
    assert set(roster.away) <= {m for m, one in roster.members.items() if one.inside}
    assert len({one.key for one in roster.members.values()}) == len(roster.members)
