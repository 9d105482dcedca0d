"""What carries an id counts once: a box in a school says again what may not have arrived."""

from __future__ import annotations

import pytest

from streaming.room.inputs import Ask, Chat, Notice, PollKind, PollOpen
from streaming.room.messages import read
from streaming.room.state import ONCE_KEPT, RoomState
from tests.support.rooms import TEACHER, Scene


def test_a_question_said_twice_is_asked_once() -> None:
    scene = Scene()
    pupil = scene.arrive("person:p1")
    scene.say(pupil, Ask("为什么对称轴只有一条?", "id1"))
    scene.say(pupil, Ask("为什么对称轴只有一条?", "id1"))
    assert [one["text"] for one in scene.page["questions"].values()] == ["为什么对称轴只有一条?"]
    scene.say(pupil, Ask("为什么对称轴只有一条?"))
    assert len(scene.page["questions"]) == 2, "without an id it is another one"


def test_it_counts_once_over_a_restart_and_a_new_connection() -> None:
    scene = Scene()
    pupil = scene.arrive("person:p1")
    scene.say(pupil, Chat("听不清", "id1"))
    after = scene.restarted()
    again = after.arrive("person:p1")
    after.say(again, Chat("听不清", "id1"))
    assert len(after.page["messages"]) == 1
    other = after.arrive("person:p2")
    after.say(other, Chat("我也是", "id1"))
    assert len(after.page["messages"]) == 2, "an id is a person's own"


def test_a_teacher_s_words_too() -> None:
    scene = Scene()
    teacher = scene.arrive("person:t", TEACHER)
    for _ in range(2):
        scene.say(teacher, Notice("请打开课本", "n1"))
        scene.say(teacher, PollOpen(PollKind.ABCD, "选哪个?", "p1"))
    assert len(scene.page["notices"]) == len(scene.page["polls"]) == 1


def test_ids_are_read_and_bounded() -> None:
    assert read('{"type":"ask","text":"问","id":"abc"}') == Ask("问", "abc")
    with pytest.raises(Exception, match="length"):
        read('{"type":"ask","text":"问","id":"' + "x" * 41 + '"}')
    state = RoomState()
    for number in range(ONCE_KEPT + 5):
        list(state.apply({"kind": "later", "once": str(number)}))
    assert len(state.once) == ONCE_KEPT
    assert "0" not in state.once
