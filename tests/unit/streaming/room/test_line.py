"""An outbox that never waits, and paces."""

from typing import Any

import pytest

from streaming.room import line as lines
from streaming.room.line import OUTBOX_LIMIT_BYTES, OUTBOX_LIMIT_MESSAGES, Close, Line
from streaming.room.pace import Pace
from tests.support.rooms import VIEWER
from tests.support.wait import eventually


class Wire:
    """A WebSocket that takes what it is given until it breaks."""

    def __init__(self, breaks_after: int = 1_000_000) -> None:
        self.sent: list[bytes] = []
        self.breaks_after = breaks_after

    async def send_frame(self, data: bytes, opcode: Any) -> None:
        if len(self.sent) >= self.breaks_after:
            raise ConnectionResetError("gone")
        self.sent.append(data)


def line_and_cuts() -> tuple[Line, list[bool]]:
    cuts: list[bool] = []
    return Line(VIEWER, lambda: cuts.append(True)), cuts


async def test_what_is_pushed_is_sent_in_order_and_the_same_object() -> None:
    line, cuts = line_and_cuts()
    wire, data = Wire(), [b"1", b"2", b"3"]
    for one in data:
        assert line.push(one)
    line.close(Close.AWAY)
    line.close(Close.FULL)
    assert line.push(b"too late")
    await line.send_all(wire)  # type: ignore[arg-type]
    assert all(a is b for a, b in zip(wire.sent, data, strict=True))
    assert line.code is Close.AWAY
    assert not cuts


async def test_a_full_outbox_cuts_the_line_once() -> None:
    line, cuts = line_and_cuts()
    assert all(line.push(b"x") for _ in range(OUTBOX_LIMIT_MESSAGES))
    assert not line.push(b"x")
    assert line.push(b"x")
    assert (line.code, cuts) == (Close.SLOW, [True])


async def test_bytes_are_bounded_but_one_message_is_always_taken() -> None:
    line, cuts = line_and_cuts()
    assert line.push(bytes(OUTBOX_LIMIT_BYTES + 1))
    assert not line.push(b"x")
    assert cuts == [True]


async def test_a_broken_connection_is_cut() -> None:
    line, cuts = line_and_cuts()
    line.push(b"1")
    line.push(b"2")
    wire = Wire(breaks_after=1)
    await line.send_all(wire)  # type: ignore[arg-type]
    assert (wire.sent, cuts) == ([b"1"], [True])


async def test_a_line_that_does_not_close_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINGER_S", 0.01)
    line, cuts = line_and_cuts()
    line.close(Close.AWAY)
    await eventually(lambda: cuts == [True])


def test_a_pace_allows_a_burst_and_a_rate() -> None:
    pace = Pace(rate_per_s=2.0, burst=3.0, filled_at=10.0)
    assert [pace.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert [pace.take(10.4), pace.take(10.5), pace.take(10.5)] == [False, True, False]
    assert [pace.take(99.0) for _ in range(4)] == [True, True, True, False]
    assert not pace.take(98.0), "a clock that runs back gives nothing"
