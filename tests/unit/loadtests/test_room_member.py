"""What a board says in a room, by the clock."""

from __future__ import annotations

import json

from loadtests.room_member import Member

WELCOME = b'{"type":"welcome","member":"m1","role":"classroom","room":{}}'


def _types(texts: list[str]) -> list[str]:
    return [json.loads(text)["type"] for text in texts]


def _until(member: Member, end: float) -> list[tuple[float, str]]:
    said = []
    while (now := member.next_deadline()) <= end:
        said += [(round(now, 2), one) for one in _types(member.on_timer(now))]
    return said


def test_it_joins_with_its_name_and_asks_for_the_time_at_once() -> None:
    join, ping = Member("board-7").begin(5.0)
    assert json.loads(join) == {
        "type": "join", "name": "智慧教室", "device": "classroom", "delivery": "ws",
        "client": "board-7",
    }  # fmt: skip
    assert json.loads(ping) == {"type": "ping", "t0": 5000.0}


def test_six_pings_come_at_once_then_one_each_two_seconds_and_a_report_a_second() -> None:
    member = Member("a")
    member.begin(0.0)
    member.heard(WELCOME)
    assert _until(member, 3.0) == [
        (0.12, "ping"), (0.24, "ping"), (0.36, "ping"), (0.48, "ping"), (0.6, "ping"),
        (1.0, "report"), (2.0, "report"), (2.6, "ping"), (3.0, "report"),
    ]  # fmt: skip


def test_who_was_not_welcomed_reports_nothing() -> None:
    member = Member("a")
    member.begin(0.0)
    assert {what for _, what in _until(member, 5.0)} == {"ping"}


def test_it_reports_the_delay_that_it_was_told() -> None:
    member = Member("a")
    member.begin(0.0)
    for text in (WELCOME, b'{"type":"target","d_ms":450}', b'{"type":"room","changes":[]}'):
        member.heard(text)
    said = [json.loads(text) for text in member.on_timer(1.0)]
    assert [one["delay_ms"] for one in said if one["type"] == "report"] == [450]


def test_what_is_refused_is_counted() -> None:
    member = Member("a")
    member.heard(b'{"type":"refused","to":"report","reason":"too_fast","why":"slow down"}')
    assert (member.refused, member.welcomed) == (1, False)
