"""Rooms in memory: a scripted scene of one room, and the catalogue's ports that a room asks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from catalog.errors import Conflict, Unavailable
from catalog.live import FeedName, LiveSession, RoomRole
from catalog.session import SessionInput, SessionKind, SessionState, step
from streaming.room.inputs import (
    Admitted,
    Arrive,
    Depart,
    Device,
    Input,
    Join,
    Message,
    Say,
    Turn,
)
from streaming.room.room import Event, Keep, Room, Welcomed

EPOCH_UTC = 1_795_600_000.0
TEACHER, SPEAKER = RoomRole.TEACHER, RoomRole.SPEAKER
CLASSROOM, VIEWER = RoomRole.CLASSROOM, RoomRole.VIEWER


class Scene:
    """A room with scripted time; what it keeps lies in `log`, what pages see in `page`."""

    def __init__(self) -> None:
        self.room = Room(EPOCH_UTC)
        self.now = 0.0
        self.log: list[dict[str, Any]] = []
        self.page: dict[str, Any] = self.room.whole()

    def put(self, event: Input) -> list[Event]:
        """Give the room an input; give its events but for what it keeps."""
        return self._took(self.room.handle(event, self.now))

    def arrive(
        self, identity: str, role: RoomRole = VIEWER, name: str = "", join: Join | None = None
    ) -> str:
        """Let someone in; give the member's id."""
        events = self.put(Arrive(Admitted(identity, role, name), join or Join()))
        return next(event.member for event in events if isinstance(event, Welcomed))

    def depart(self, member: str, clean: bool = False) -> None:
        """Let a member's connection go."""
        self.put(Depart(member, clean))

    def say(self, member: str, message: Message) -> list[Event]:
        """Let a member say something."""
        return self.put(Say(member, message))

    def turn(self, state: Any, began_utc: float | None = None, lesson: str | None = None) -> None:
        """Let the session take a turn."""
        self.put(Turn(state, began_utc, lesson))

    def wait(self, seconds: float) -> list[Event]:
        """Let time pass, with a timer each second; give what happened."""
        end, found = self.now + seconds, list[Event]()
        while self.now < end:
            self.now = min(end, self.now + 1.0)
            found += self._took(self.room.on_timer(self.now))
        return found

    def restarted(self) -> Scene:
        """Give the scene after the server was started anew: only the log is left."""
        after = Scene()
        after.now, after.log = self.now + 2.0, json.loads(json.dumps(self.log))
        after.room.replay(after.log)
        after.room.settle(after.now)
        after.page = after.room.whole()
        return after

    def _took(self, events: list[Event]) -> list[Event]:
        self.log += [dict(event.entry) for event in events if isinstance(event, Keep)]
        patch(self.page, self.room.changes())
        return [event for event in events if not isinstance(event, Keep)]


def patch(page: dict[str, Any], changes: Sequence[Mapping[str, Any]]) -> None:
    """Apply changes as a page does (streaming/room/README.md)."""
    for change in changes:
        key, value = change["key"], change["value"]
        if len(key) == 1:
            page[key[0]] = value
        elif value is None:
            page[key[0]].pop(key[1], None)
        else:
            page[key[0]][key[1]] = value


def lesson_room(listening: int = 2) -> tuple[Scene, str, list[str]]:
    """Give a scene with a teacher 王老师 and listening classrooms."""
    scene = Scene()
    teacher = scene.arrive("t", TEACHER, "王老师")
    kiosk = Join(device=Device.KIOSK)
    rooms = [
        scene.arrive(f"room-{n}", CLASSROOM, f"店埠小学三年级{n + 1}班", kiosk)
        for n in range(listening)
    ]
    return scene, teacher, rooms


class MemoryBook:
    """A SessionBook in memory; may be away."""

    def __init__(self, *ids: str, state: SessionState = SessionState.LIVE) -> None:
        self.sessions = {
            id_: LiveSession(
                id_, "分数的意义", SessionKind.SYNC_CLASS, state, True, EPOCH_UTC, 2700.0
            )
            for id_ in ids
        }
        self.away = False

    async def find(self, session: str) -> LiveSession | None:
        self._check()
        return self.sessions.get(session)

    async def publishes(self, session: str, feed: FeedName, key: str) -> bool:
        return False

    async def went_live(self, session: str) -> None:
        self._move(session, SessionInput.WENT_LIVE)

    async def ended(self, session: str) -> None:
        self._move(session, SessionInput.ENDED)

    def _move(self, session: str, event: SessionInput) -> None:
        self._check()
        found = self.sessions.get(session)
        if found is None:
            raise Conflict("there is no such session")
        self.sessions[session] = replace(found, state=step(found.state, event))

    def _check(self) -> None:
        if self.away:
            raise Unavailable("the database is away")


class MemoryLog:
    """A RoomLog in memory: what it was given as JSON; may be away, full or closed for a while."""

    def __init__(self) -> None:
        self.kept: dict[str, list[str]] = {}
        self.away = False
        self.full = False
        self.appends = 0
        self.open = asyncio.Event()
        self.open.set()

    async def append(self, session: str, events: Sequence[Mapping[str, Any]]) -> None:
        self.appends += 1
        await self.open.wait()
        if self.away or self.full:
            raise Unavailable("the database is away")
        self.kept.setdefault(session, []).extend(json.dumps(event) for event in events)

    async def read(self, session: str) -> Sequence[Mapping[str, Any]]:
        await self.open.wait()
        if self.away:
            raise Unavailable("the database is away")
        return [json.loads(event) for event in self.kept.get(session, [])]

    def kinds(self, session: str) -> list[str]:
        """Give the kinds of what is kept, in order."""
        return [json.loads(event)["kind"] for event in self.kept.get(session, [])]


class MemoryKeys:
    """FloorKeys in memory; may have none to give."""

    def __init__(self) -> None:
        self.holders: dict[str, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.away = False

    async def open(self, session: str, member: str) -> str:
        if self.away:
            raise Unavailable("no keys")
        self.calls.append(("open", member))
        self.holders[session] = member
        return f"key-{len(self.calls)}"

    async def close(self, session: str, member: str) -> None:
        self.calls.append(("close", member))
        if self.holders.get(session) == member:
            del self.holders[session]
