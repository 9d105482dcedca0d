"""Whatever is sent: a message of ours or a refusal, and the room goes on."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.live import RoomRole
from streaming.room import inputs as said
from streaming.room import messages
from streaming.room.delay import Delivery
from streaming.room.errors import Reason, Refused
from streaming.room.inputs import (
    CLIENT_LIMIT,
    ID_LIMIT,
    NAME_LIMIT,
    NAMES,
    RUNG_LIMIT,
    STALLS_LIMIT,
    TEXT_LIMIT,
    TYPES,
    Device,
    Join,
    Ping,
    PollKind,
    Report,
    Say,
)
from streaming.room.messages import MESSAGE_LIMIT_BYTES, read
from streaming.room.room import replay
from tests.support.rooms import lesson_room

CORPUS = sorted((Path(__file__).parents[3] / "corpus" / "room").glob("*.bin"))


def reason_of(data: str | bytes) -> Reason:
    with pytest.raises(Refused) as error:
        read(data)
    return error.value.reason


def test_every_type_of_the_readme_is_read() -> None:
    text = (
        '{"type":"join","name":" 王 老师 ","device":"kiosk","delivery":"hls","client":"c1","x":1}'
    )
    assert read(text) == Join("王 老师", Device.KIOSK, Delivery.HLS, "c1")
    assert read('{"type":"join"}') == Join()
    assert read('{"type":"ping","t0":12}') == Ping(12)
    report = read('{"type":"report","rung":"360p","skew_ms":-3.5,"stalls":2,"lowest":false}')
    assert report == Report("360p", skew_ms=-3.5, stalls=2, lowest=False)
    assert read('{"type":"poll_open","kind":"truefalse"}') == said.PollOpen(PollKind.TRUE_FALSE)
    assert read('{"type":"answer","question":"q1"}') == said.Answer("q1", "")
    assert read(b'{"type":"end"}') == said.End()
    assert set(NAMES.values()) == set(TYPES)


def test_texts_lose_what_no_screen_shows_and_no_database_takes() -> None:
    found = read(json.dumps({"type": "ask", "text": " 为什么\u0000\u202e？\n第二行\u0007 "}))
    assert found == said.Ask("为什么？\n第二行")
    assert reason_of('{"type":"chat","text":" \\u0000 "}') is Reason.UNREADABLE
    named = read(json.dumps({"type": "join", "name": "长" * 100, "client": "\u0000"}))
    assert named == Join("长" * NAME_LIMIT)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.UNREADABLE),
        ("nonsense", Reason.UNREADABLE),
        ("[]", Reason.UNREADABLE),
        ('{"type":["hand"]}', Reason.UNREADABLE),
        ('{"type":"shout"}', Reason.UNREADABLE),
        ('{"type":"hand"}', Reason.UNREADABLE),
        ('{"type":"hand","up":"yes"}', Reason.UNREADABLE),
        ('{"type":"grant","member":""}', Reason.UNREADABLE),
        ('{"type":"report","can_ms":-1}', Reason.UNREADABLE),
        ('{"type":"report","delay_ms":1e300}', Reason.UNREADABLE),
        (f'{{"type":"report","stalls":{STALLS_LIMIT + 1}}}', Reason.UNREADABLE),
        (f'{{"type":"report","rung":"{"r" * (RUNG_LIMIT + 1)}"}}', Reason.TOO_LONG),
        (f'{{"type":"like","question":"{"q" * (ID_LIMIT + 1)}"}}', Reason.TOO_LONG),
        (f'{{"type":"join","client":"{"c" * (CLIENT_LIMIT + 1)}"}}', Reason.TOO_LONG),
        (f'{{"type":"ask","text":"{"长" * (TEXT_LIMIT + 1)}"}}', Reason.TOO_LONG),
        ("x" * (MESSAGE_LIMIT_BYTES + 1), Reason.TOO_LONG),
    ],
)
def test_what_is_not_ours_is_refused(text: str, reason: Reason) -> None:
    assert reason_of(text) is reason


def test_a_refusal_names_the_message() -> None:
    with pytest.raises(Refused) as error:
        read('{"type":"hand"}')
    told = json.loads(messages.refused(error.value, None))
    assert told["to"] == "hand"
    assert told["reason"] == "unreadable"
    assert "up" in told["why"]
    other = json.loads(messages.refused(Refused(Reason.NOT_NOW, "later"), "grant"))
    assert other == {"type": "refused", "to": "grant", "reason": "not_now", "why": "later"}


def test_a_welcome_is_one_json_object_around_shared_bytes() -> None:
    room = messages.encode({"state": "live"})
    told = messages.welcome("m1", RoomRole.VIEWER, 5.0, {"hand": True}, {"hand": False}, room)
    assert json.loads(told) == {
        "type": "welcome", "member": "m1", "role": "viewer", "now": 5.0,
        "rights": {"hand": True}, "you": {"hand": False}, "room": {"state": "live"},
    }  # fmt: skip
    pong = json.loads(messages.pong(Ping(1.5), 2.0, 2.5))
    assert pong == {"type": "pong", "t0": 1.5, "t1": 2000.0, "t2": 2500.0}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
fields = st.dictionaries(
    st.sampled_from([
        "name", "device", "delivery", "client", "t0", "rung", "can_ms", "stalls", "up", "member",
        "text", "question", "kind", "poll", "choice", "open",
    ]),
    values | st.sampled_from(["m1", "m2", "q1", "p1", "A", "abcd", True, 400, "问题"]),
)  # fmt: skip
objects = st.builds(lambda type_, rest: {**rest, "type": type_},
                    st.sampled_from([*TYPES, "", "x"]), fields)  # fmt: skip
texts = st.one_of(objects.map(json.dumps), values.map(json.dumps), st.text(), st.binary())


def survive(sent: list[str | bytes]) -> None:
    scene, teacher, (room, _) = lesson_room()
    for number, data in enumerate(sent):
        try:
            scene.put(Say((teacher, room)[number % 2], read(data)))
        except Refused as error:
            messages.refused(error, None).decode()
        scene.wait(1.0)
        msgspec.json.decode(messages.encode(scene.room.whole()))
        json.loads(messages.encode(scene.room.health_now()))
    assert replay(scene.log) == scene.room.state
    assert b"\\u0000" not in messages.encode(scene.log)
    assert scene.say(teacher, said.Notice("还在")) == []


@given(st.lists(texts, max_size=12))
@settings(max_examples=150)
@example([b"\xff\xfe"])
@example(["[" * 16_000])
def test_no_message_breaks_the_room(sent: list[str | bytes]) -> None:
    survive(sent)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_corpus(path: Path) -> None:
    survive([path.read_bytes()] * 2)


def test_there_is_a_corpus() -> None:
    assert CORPUS
