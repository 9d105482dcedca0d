"""Rooms open from their log, close when nobody is left, and survive what breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from catalog.errors import NotFound, Unavailable
from catalog.session import SessionState
from streaming.room import live_room, rooms
from streaming.room.errors import Refused
from streaming.room.inputs import Admitted, Arrive, CourseState, Join
from streaming.room.line import Close, Line
from streaming.room.live_room import LiveRoom, Mail
from streaming.room.metrics import RoomMetrics
from streaming.room.room import Room
from streaming.room.rooms import Rooms
from tests.support.rooms import EPOCH_UTC, VIEWER, MemoryBook, MemoryKeys, MemoryLog
from tests.support.wait import eventually


class Kit:
    """Rooms on ports in memory."""

    def __init__(self) -> None:
        self.book = MemoryBook("a", "b", "c")
        self.log = MemoryLog()
        self.registry = CollectorRegistry()
        self.rooms = Rooms(self.book, self.log, MemoryKeys(), RoomMetrics(self.registry))

    def open_rooms(self) -> float | None:
        return self.registry.get_sample_value("tongbu_rooms")


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    kit = Kit()
    yield kit
    await kit.rooms.close()


async def arrive(room: LiveRoom, who: str = "x") -> Line:
    line = Line(VIEWER, lambda: None)
    await room.ask(Arrive(Admitted(who, VIEWER), Join()), line)
    return line


async def test_all_who_ask_at_once_get_one_room_read_once(kit: Kit) -> None:
    kit.log.open.clear()
    asking = [asyncio.create_task(kit.rooms.get("a")) for _ in range(20)]
    await asyncio.sleep(0)
    kit.log.open.set()
    assert len({id(room) for room in await asyncio.gather(*asking)}) == 1
    assert kit.open_rooms() == 1


async def test_no_session_no_room_and_an_outage_is_not_remembered(kit: Kit) -> None:
    with pytest.raises(NotFound):
        await kit.rooms.get("none")
    kit.log.away = True
    with pytest.raises(Unavailable):
        await kit.rooms.get("a")
    kit.log.away = False
    assert not (await kit.rooms.get("a")).closing


async def test_a_room_closes_when_idle_and_opens_again(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kit.rooms.tell("a", CourseState.LIVE, began_utc=EPOCH_UTC)
    with monkeypatch.context() as patch:
        patch.setattr(live_room, "IDLE_S", 0.0)
        await eventually(lambda: kit.open_rooms() == 0)
    with pytest.raises(Refused, match="cannot become recorded"):
        await kit.rooms.tell("a", CourseState.RECORDED)
    assert kit.log.kinds("a") == ["began"]


async def test_a_room_that_closes_answers_who_waits(kit: Kit) -> None:
    room = await kit.rooms.get("a")
    line = await arrive(room)
    waiting = asyncio.create_task(arrive(room, "y"))
    await asyncio.sleep(0)
    room.close()
    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(Unavailable):
        await arrive(room, "z")
    assert line.code is Close.AWAY
    again = await kit.rooms.get("a")
    assert again is not room


async def test_a_room_that_breaks_opens_again_from_its_log(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await kit.rooms.get("a")
    await kit.rooms.tell("a", CourseState.LIVE, began_utc=EPOCH_UTC)
    line = await arrive(room)

    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(Room, "handle", breaks)
        with pytest.raises(Unavailable):
            await arrive(room, "y")
    assert line.code is Close.AWAY
    again = await kit.rooms.get("a")
    assert again is not room
    assert kit.log.kinds("a") == ["began", "joined"]


async def test_a_turn_is_not_lost_on_a_room_that_closes(kit: Kit) -> None:
    room = await kit.rooms.get("a")
    telling = asyncio.create_task(kit.rooms.tell("a", CourseState.LIVE, began_utc=EPOCH_UTC))
    await asyncio.sleep(0)
    room.close()
    await telling
    await eventually(lambda: kit.log.kinds("a") == ["began"])


async def test_a_session_that_is_over_opens_as_over(kit: Kit) -> None:
    kit.book = MemoryBook("a", state=SessionState.RECORDED)
    kit.rooms = Rooms(kit.book, kit.log, MemoryKeys(), RoomMetrics(CollectorRegistry()))
    with pytest.raises(Refused, match="recorded cannot become live"):
        await kit.rooms.tell("a", CourseState.LIVE)
    await kit.rooms.tell("a", CourseState.RECORDED, lesson="l")
    await kit.rooms.close()
    assert kit.log.kinds("a") == ["ended", "recorded"]


async def test_so_many_rooms_and_none_after_the_end(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "ROOMS_LIMIT", 2)
    await kit.rooms.get("a")
    await kit.rooms.get("b")
    with pytest.raises(Unavailable):
        await kit.rooms.get("c")
    await kit.rooms.close()
    with pytest.raises(Unavailable):
        await kit.rooms.get("a")


async def test_closing_waits_for_a_room_that_opens(kit: Kit) -> None:
    kit.log.open.clear()
    asking = asyncio.create_task(kit.rooms.get("a"))
    await asyncio.sleep(0)
    closing = asyncio.create_task(kit.rooms.close())
    await asyncio.sleep(0)
    kit.log.open.set()
    await closing
    assert kit.open_rooms() == 0
    assert (await asking).closing


async def test_a_room_with_too_much_mail_makes_its_members_wait(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_room, "BACKLOG_LIMIT", 3)
    monkeypatch.setattr(live_room, "TURN_LIMIT", 1)
    room = await kit.rooms.get("a")
    for n in range(9):
        room.post(Mail(Arrive(Admitted(str(n), VIEWER), Join()), Line(VIEWER, lambda: None)))
    ready = asyncio.create_task(room.ready())
    await asyncio.sleep(0)
    assert not ready.done()
    await ready
