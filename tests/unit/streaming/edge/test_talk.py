"""What a member says while the line is cut is said again, once each."""

from __future__ import annotations

import json
from itertools import count

import pytest

from streaming.edge.talk import KEPT_LIMIT, UNSURE_S, Talk, client_of, ping_of, pong_of

JOIN = '{"type":"join","name":"三年级一班"}'


def talk() -> Talk:
    numbers = count(1)
    return Talk(lambda: f"id{next(numbers)}")


def said(text: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(text)
    return found


def test_a_question_asked_without_a_line_is_said_when_it_is_back() -> None:
    one = talk()
    assert one.hear(JOIN, 0.0, passed=True) == JOIN
    one.cut(1.0)
    one.hear('{"type":"ask","text":"为什么对称轴只有一条?"}', 2.0, passed=False)
    assert one.waiting == 1
    join, question = one.again(30.0)
    assert join == JOIN
    assert said(question) == {"type": "ask", "text": "为什么对称轴只有一条?", "id": "id1"}
    assert one.waiting == 0
    assert one.again(30.0 + UNSURE_S + 0.1) == [JOIN], "it has arrived by now"


def test_what_was_said_a_moment_before_the_cut_is_said_again_with_the_same_id() -> None:
    one = talk()
    one.hear(JOIN, 0.0, passed=True)
    sent = one.hear('{"type":"ask","text":"听不清"}', 10.0, passed=True)
    one.cut(11.0)
    assert sent is not None
    assert one.again(20.0) == [JOIN, sent]


def test_what_arrived_long_before_the_cut_is_not_said_again() -> None:
    one = talk()
    one.hear(JOIN, 0.0, passed=True)
    one.hear('{"type":"chat","text":"到"}', 10.0, passed=True)
    one.cut(10.0 + UNSURE_S + 0.1)
    assert one.again(20.0) == [JOIN]


def test_what_is_said_while_a_connection_is_made_is_said_on_it() -> None:
    one = talk()
    one.hear(JOIN, 0.0, passed=False)
    assert one.again(1.0) == [JOIN]
    hand = '{"type":"hand","up":true}'
    one.hear(hand, 1.1, passed=False)
    assert one.next_waiting(1.2) == hand
    assert one.next_waiting(1.2) is None
    assert one.again(1.3) == [JOIN, hand], "until it must have arrived"


def test_a_hand_and_a_vote_are_kept_as_they_are_and_reports_let_go() -> None:
    one = talk()
    one.hear(JOIN, 0.0, passed=True)
    hand, vote = '{"type":"hand","up":true}', '{"type":"vote","poll":"p1","choice":"A"}'
    for text in (hand, '{"type":"report","rung":"720p"}', vote):
        assert one.hear(text, 1.0, passed=False) == text
    assert one.again(2.0) == [JOIN, hand, vote]


def test_an_id_that_is_there_is_kept_and_the_kept_are_bounded() -> None:
    one = talk()
    one.hear(JOIN, 0.0, passed=True)
    text = '{"type":"ask","text":"问","id":"mine"}'
    assert one.hear(text, 1.0, passed=False) == text
    for number in range(KEPT_LIMIT + 5):
        one.hear(json.dumps({"type": "hand", "up": number % 2 == 0}), 1.0, passed=False)
    assert one.waiting == KEPT_LIMIT


@pytest.mark.parametrize("text", ["", "[]", "[" * 20_000, "null", '{"type":7}', "\ud800"])
def test_nonsense_is_passed_as_it_is(text: str) -> None:
    one = talk()
    one.hear(JOIN, 0.0, passed=True)
    assert one.hear(text, 1.0, passed=True) == text
    assert ping_of(text) is None
    assert pong_of(text) is None


def test_pings_and_pongs() -> None:
    assert ping_of('{"type":"ping","t0":12.5}') == 12.5
    assert ping_of('{"type":"ping","t0":true}') is None
    assert ping_of('{"type":"ask","text":"\\"ping\\""}') is None
    assert pong_of('{"type":"pong","t0":1,"t1":2.5,"t2":3}') == (1.0, 2.5, 3.0)
    assert pong_of('{"type":"pong","t0":1,"t1":null,"t2":3}') is None


def test_what_only_a_box_may_say_is_not_passed_on() -> None:
    one = talk()
    one.hear(JOIN, 0.0, passed=True)
    for text in (
        '{"type":"stayed","began_ago_s":60}',
        '{"type":"ask","type":"stay\\u0065d"}',
        '{"type":"stayed","n":' + "9" * 100 + "}",
    ):
        assert one.hear(text, 1.0, passed=True) is None
    assert one.again(1.5) == [JOIN]


def test_whose_a_join_is() -> None:
    assert client_of(JOIN) == ""
    assert client_of('{"type":"join","device":"kiosk"}') == "kiosk"
    assert client_of('{"type":"join","device":"page","client":"tab1"}') == "tab1"
    assert client_of('{"type":"ask","client":"tab1"}') is None
