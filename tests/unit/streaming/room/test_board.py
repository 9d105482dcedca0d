"""Questions, polls, chat and notices: what they take, and what they keep."""

from collections.abc import Callable

import pytest

from streaming.room import inputs as said
from streaming.room.chat import MESSAGES_LIMIT, NOTICES_LIMIT
from streaming.room.errors import Reason, Refused
from streaming.room.inputs import CourseState, Message, PollKind
from streaming.room.poll import POLLS_LIMIT
from streaming.room.questions import ANSWERED_LIMIT, OPEN_LIMIT, OPEN_OF_ONE_LIMIT
from streaming.room.room import ENTRIES_LIMIT, KEPT_BURST
from tests.support.rooms import EPOCH_UTC, TEACHER, Scene, lesson_room


def refused(do: Callable[[], object]) -> Reason:
    with pytest.raises(Refused) as error:
        do()
    return error.value.reason


def test_a_question_is_asked_liked_answered_and_pinned() -> None:
    scene, teacher, (room, other) = lesson_room()
    scene.turn(CourseState.LIVE, EPOCH_UTC)
    scene.now = 61.5
    scene.say(room, said.Ask("为什么分母不能为零？"))
    for _ in range(2):
        scene.say(other, said.Like("q1"))
    scene.say(teacher, said.Like("q1"))
    scene.now = 95.0
    scene.say(teacher, said.Answer("q1", "零个一份，分不出来"))
    scene.now = 99.0
    scene.say(teacher, said.Answer("q1", "因为没有意义"))
    assert scene.page["questions"]["q1"] == {
        "member": room, "name": "店埠小学三年级1班", "text": "为什么分母不能为零？", "at": 61.5,
        "likes": 2, "answer": "因为没有意义", "answered_at": 95.0,
    }  # fmt: skip
    assert scene.room.you(other)["likes"] == ["q1"]
    assert refused(lambda: scene.say(room, said.Answer("q1", "我来"))) is Reason.NO_RIGHT
    assert refused(lambda: scene.say(room, said.Like("q7"))) is Reason.UNKNOWN


def test_the_board_has_room_for_so_many() -> None:
    scene = Scene()
    teacher = scene.arrive("t", TEACHER, "王老师")
    for n in range(OPEN_LIMIT):
        asker = scene.arrive(f"v{n // OPEN_OF_ONE_LIMIT}")
        scene.say(asker, said.Ask(f"问题 {n}"))
    more = scene.arrive("more")
    assert refused(lambda: scene.say(more, said.Ask("还有"))) is Reason.TOO_MANY
    scene.say(teacher, said.Answer("q1"))
    scene.say(more, said.Ask("还有"))
    scene.say(teacher, said.Answer("q2"))
    for n in range(OPEN_OF_ONE_LIMIT - 1):
        scene.say(teacher, said.Answer(f"q{10 + n}"))
        scene.say(more, said.Ask(f"又问 {n}"))
    assert refused(lambda: scene.say(more, said.Ask("太多"))) is Reason.TOO_MANY


def test_the_oldest_answers_leave_the_board() -> None:
    scene = Scene()
    teacher = scene.arrive("t", TEACHER, "王老师")
    for n in range(ANSWERED_LIMIT + 3):
        scene.say(teacher, said.Ask(f"问题 {n}"))
        scene.say(teacher, said.Answer(f"q{n + 1}"))
    assert len(scene.page["questions"]) == ANSWERED_LIMIT
    assert "q3" not in scene.page["questions"]
    assert refused(lambda: scene.say(teacher, said.Answer("q3"))) is Reason.UNKNOWN


def test_a_poll_counts_each_member_once() -> None:
    scene, teacher, (room, other) = lesson_room()
    scene.say(teacher, said.PollOpen(PollKind.ABCD, "哪个最大？"))
    assert refused(lambda: scene.say(teacher, said.PollOpen(PollKind.ABCD))) is Reason.NOT_NOW
    for member, choice in ((room, "A"), (other, "C"), (room, "C"), (room, "C")):
        scene.say(member, said.Vote("p1", choice))
    assert scene.page["polls"]["p1"] == {
        "kind": "abcd", "text": "哪个最大？", "at": 0.0, "open": True,
        "counts": {"A": 0, "B": 0, "C": 2, "D": 0},
    }  # fmt: skip
    assert refused(lambda: scene.say(room, said.Vote("p1", "true"))) is Reason.UNKNOWN
    assert refused(lambda: scene.say(room, said.Vote("p2", "A"))) is Reason.UNKNOWN
    scene.say(teacher, said.PollClose("p1"))
    assert refused(lambda: scene.say(room, said.Vote("p1", "A"))) is Reason.NOT_NOW
    assert refused(lambda: scene.say(teacher, said.PollClose("p1"))) is Reason.NOT_NOW
    scene.say(teacher, said.PollOpen(PollKind.TRUE_FALSE))
    scene.say(room, said.Vote("p2", "false"))
    assert scene.page["polls"]["p2"]["counts"] == {"true": 0, "false": 1}
    assert scene.room.you(room)["votes"] == {"p1": "C", "p2": "false"}
    assert len([entry for entry in scene.log if entry["kind"] == "voted"]) == 4


def test_the_chat_may_be_closed() -> None:
    scene, teacher, (room, _) = lesson_room()
    scene.say(room, said.Chat("老师好"))
    for _ in range(2):
        scene.say(teacher, said.ChatOpen(False))
    assert scene.page["chat"] == {"open": False}
    assert refused(lambda: scene.say(room, said.Chat("再说一句"))) is Reason.NOT_NOW
    scene.say(teacher, said.Chat("请安静"))
    scene.say(teacher, said.ChatOpen(True))
    scene.say(room, said.Chat("谢谢"))
    shown = [(one["role"], one["text"]) for one in scene.page["messages"].values()]
    assert shown == [("classroom", "老师好"), ("teacher", "请安静"), ("classroom", "谢谢")]


@pytest.mark.parametrize(
    ("name", "limit", "message"),
    [
        ("messages", MESSAGES_LIMIT, said.Chat("好")),
        ("notices", NOTICES_LIMIT, said.Notice("请看黑板")),
        ("polls", POLLS_LIMIT, said.PollOpen(PollKind.ABCD)),
    ],
)
def test_the_room_keeps_the_last_and_the_log_all(name: str, limit: int, message: Message) -> None:
    scene = Scene()
    teacher = scene.arrive("t", TEACHER, "王老师")
    for n in range(limit + 4):
        scene.say(teacher, message)
        if name == "polls":
            scene.say(teacher, said.PollClose(f"p{n + 1}"))
    assert len(scene.page[name]) == limit
    assert next(iter(scene.page[name]))[1:] == "5"
    assert len({str(entry) for entry in scene.log}) >= limit + 4


def test_who_is_not_a_teacher_speaks_so_fast() -> None:
    scene, teacher, (room, _) = lesson_room()
    for _ in range(int(KEPT_BURST)):
        scene.say(room, said.Chat("!"))
        scene.say(teacher, said.Chat("?"))
    assert refused(lambda: scene.say(room, said.Chat("!"))) is Reason.TOO_FAST
    scene.say(teacher, said.Chat("?"))
    scene.wait(1.0)
    scene.say(room, said.Chat("!"))
    assert refused(lambda: scene.say(room, said.Hand(True))) is Reason.TOO_FAST


def test_a_log_has_an_end_but_the_teacher_goes_on() -> None:
    scene, teacher, (room, _) = lesson_room()
    viewer = scene.arrive("v")
    scene.room._entries = ENTRIES_LIMIT
    assert refused(lambda: scene.say(viewer, said.Chat("好"))) is Reason.TOO_MANY
    assert refused(lambda: scene.arrive("w")) is Reason.TOO_MANY
    scene.say(teacher, said.Chat("好"))
    scene.say(room, said.Report(can_ms=420))
