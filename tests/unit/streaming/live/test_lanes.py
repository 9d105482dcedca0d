"""Viewers in step and behind, on sockets that take much, little or nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streaming.live.frame import Frame, Kind, frame_of
from streaming.live.lanes import Connection, Lanes
from streaming.live.viewer import QUEUE_LIMIT_S, Item, Rung, RungChanged, Viewer
from streaming.live.wire import UNSENT_LIMIT_BYTES, Wire

RUNGS = (Rung(1, "720p"), Rung(2, "360p"))
SOUND = 3


class Socket(asyncio.WriteTransport):
    """A socket that keeps what is written; `unsent` of it is not taken yet."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.unsent = 0
        self.shut = False

    def write(self, data: Any) -> None:
        self.writes.append(data)
        self.unsent += len(data)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.shut


class Scene:
    """Viewers of two rungs and a sound; each in step unless something is wrong with it."""

    def __init__(self) -> None:
        self.skipped: list[Viewer] = []
        self.told: list[Item] = []
        self.lanes = Lanes(self.skipped.append)

    def join(self, video: int | None = 1) -> tuple[Connection, Socket]:
        connection, socket = Connection(Viewer(RUNGS, video, SOUND)), Socket()
        connection.wire = Wire(socket, connection.viewer, self.told.append)
        for rendition in (1, 2, SOUND):
            connection.viewer.offer(frame(rendition, Kind.INIT, 0), 0.0)
        connection.viewer.offer(frame(video or SOUND, Kind.KEYFRAME, 0), 0.0)
        connection.viewer.offer(frame(SOUND, Kind.SOUND, 0), 0.0)
        connection.send()
        self.lanes.join(connection)
        return connection, socket

    def in_step(self, *videos: int | None) -> list[tuple[Connection, Socket]]:
        """Viewers who are in step, their sockets empty."""
        found = [self.join(video) for video in videos]
        for rendition in (1, 2):
            self.send(rendition, Kind.PICTURE, 0)
        self.send(SOUND, Kind.SOUND, 0)
        self.send(SOUND, Kind.SOUND, 0)
        assert all(connection.lane for connection, _ in found)
        for _, socket in found:
            socket.writes.clear()
            socket.unsent = 0
        self.told.clear()
        return found

    def send(self, rendition: int, kind: Kind, number: int, now: float = 0.0) -> int:
        return self.lanes.deliver(frame(rendition, kind, number), now)


def frame(rendition: int, kind: Kind, number: int, size: int = 10, run: int = 0) -> Frame:
    return frame_of(rendition, kind, run, number * 33_000, bytes([number]) * size)


def wire(rendition: int, kind: Kind, number: int) -> bytes:
    return frame(rendition, kind, number).wire


def test_a_picture_takes_the_sound_before_it_along_in_one_write() -> None:
    scene = Scene()
    ((connection, socket),) = scene.in_step(1)
    assert scene.send(SOUND, Kind.SOUND, 1) == 0
    assert socket.writes == []
    assert scene.send(1, Kind.PICTURE, 2) == 32
    assert socket.writes == [wire(SOUND, Kind.SOUND, 1) + wire(1, Kind.PICTURE, 2)]
    assert (scene.told, connection.bell.is_set()) == ([], False)


def test_all_in_a_lane_are_written_the_same_bytes_object() -> None:
    scene = Scene()
    found = scene.in_step(1, 1, 1)
    scene.send(1, Kind.PICTURE, 1)
    scene.send(SOUND, Kind.SOUND, 1)
    assert scene.send(1, Kind.PICTURE, 2) == 3 * 32
    alone, both = found[0][1].writes
    for _, socket in found[1:]:
        assert [socket.writes[0] is alone, socket.writes[1] is both] == [True, True]


def test_each_lane_gets_its_picture_and_everyone_the_sound() -> None:
    scene = Scene()
    (_, high), (_, low), (_, ear) = scene.in_step(1, 2, None)
    scene.send(SOUND, Kind.SOUND, 1)
    scene.send(1, Kind.PICTURE, 1)
    assert ear.writes == [wire(SOUND, Kind.SOUND, 1)]
    assert high.writes == [wire(SOUND, Kind.SOUND, 1) + wire(1, Kind.PICTURE, 1)]
    assert low.writes == []
    scene.send(2, Kind.PICTURE, 1)
    assert low.writes == [wire(SOUND, Kind.SOUND, 1) + wire(2, Kind.PICTURE, 1)]


def test_sound_does_not_wait_for_a_picture_that_does_not_come() -> None:
    scene = Scene()
    ((_, socket),) = scene.in_step(1)
    scene.send(SOUND, Kind.SOUND, 1)
    scene.send(SOUND, Kind.SOUND, 2)
    assert socket.writes == [wire(SOUND, Kind.SOUND, 1) + wire(SOUND, Kind.SOUND, 2)]


def test_who_leaves_the_lane_has_the_sound_that_waited_and_returns_without_hearing_it_twice() -> (
    None
):
    scene = Scene()
    (connection, socket), (_, other) = scene.in_step(1, 1)
    scene.send(SOUND, Kind.SOUND, 1)
    scene.lanes.fall_behind(connection, 0.0)
    connection.viewer.say("{}", 0.0)
    connection.send()
    assert socket.writes == [wire(SOUND, Kind.SOUND, 1) + b"\x81\x02{}"]
    scene.send(1, Kind.PICTURE, 1)
    assert socket.writes[1:] == [wire(1, Kind.PICTURE, 1)]
    assert other.writes == [wire(SOUND, Kind.SOUND, 1) + wire(1, Kind.PICTURE, 1)]
    assert connection.lane is not None


def test_who_catches_up_while_others_hold_sound_joins_them_with_the_next_picture() -> None:
    scene = Scene()
    (late, socket), (other, _) = scene.in_step(1, 1)
    scene.lanes.fall_behind(late, 0.0)
    scene.send(SOUND, Kind.SOUND, 1)
    assert (socket.writes, late.lane) == ([wire(SOUND, Kind.SOUND, 1)], None)
    scene.send(1, Kind.PICTURE, 1)
    assert socket.writes[1:] == [wire(1, Kind.PICTURE, 1)]
    assert late.lane is other.lane is not None


def test_another_rung_begins_with_its_keyframe_in_its_own_lane() -> None:
    scene = Scene()
    (connection, socket), (other, _) = scene.in_step(1, 2)
    scene.lanes.fall_behind(connection, 0.0)
    assert connection.viewer.ask("360p", 0.0)
    scene.send(1, Kind.PICTURE, 1)
    scene.send(2, Kind.PICTURE, 1)
    assert connection.lane is None
    scene.send(2, Kind.KEYFRAME, 2)
    assert [type(item) for item in scene.told][-3:] == [RungChanged, Frame, Frame]
    assert connection.lane is other.lane
    texts = [data for data in socket.writes if b'"rung"' in data]
    assert json.loads(texts[0][2 : 2 + texts[0][1]]) == {"type": "rung", "video": 2, "why": "asked"}


def test_sound_that_waited_belongs_to_the_init_before_the_new_one() -> None:
    scene = Scene()
    ((connection, _),) = scene.in_step(None)
    scene.lanes.all_behind(0.0)
    connection.viewer.offer(frame(SOUND, Kind.INIT, 0, run=1), 0.0)
    scene.lanes.deliver(frame(SOUND, Kind.SOUND, 2, run=1), 0.0)
    assert [(i.kind, i.run) for i in scene.told if isinstance(i, Frame)] == [
        (Kind.INIT, 1), (Kind.SOUND, 1),
    ]  # fmt: skip


def test_a_full_socket_puts_its_viewer_behind_with_all_it_missed() -> None:
    scene = Scene()
    (connection, socket), (_, other) = scene.in_step(1, 1)
    socket.unsent = UNSENT_LIMIT_BYTES
    scene.send(SOUND, Kind.SOUND, 1)
    assert scene.send(1, Kind.PICTURE, 1) == 32
    assert (socket.writes, connection.bell.is_set(), connection.lane) == ([], True, None)
    assert len(connection.viewer) == 2
    scene.send(1, Kind.PICTURE, 2)
    socket.unsent = 0
    scene.send(1, Kind.PICTURE, 3)
    assert b"".join(socket.writes) == b"".join(other.writes)
    assert connection.lane is not None


def test_a_viewer_who_stays_behind_is_skipped_and_told_of() -> None:
    scene = Scene()
    ((connection, socket),) = scene.in_step(1)
    socket.unsent = UNSENT_LIMIT_BYTES
    for number in range(round(1.5 * QUEUE_LIMIT_S * 30)):
        scene.send(1, Kind.PICTURE, number, now=number / 30)
    assert scene.skipped == [connection.viewer]


def test_a_write_of_a_queue_is_about_as_large_as_the_limit() -> None:
    scene = Scene()
    ((connection, socket),) = scene.in_step(1)
    wired, connection.wire = connection.wire, None
    scene.lanes.fall_behind(connection, 0.0)
    for number in range(1, 11):
        half = frame(1, Kind.PICTURE, number, size=UNSENT_LIMIT_BYTES // 2)
        scene.lanes.deliver(half, 0.0)
    assert wired
    assert not wired.flush()
    assert len(socket.writes) == 1
    assert len(connection.viewer) == 8


def test_nothing_is_written_to_a_socket_that_is_closing() -> None:
    scene = Scene()
    ((connection, socket),) = scene.in_step(1)
    socket.shut = True
    assert scene.send(1, Kind.PICTURE, 1) == 0
    assert (socket.writes, connection.bell.is_set()) == ([], True)


def test_who_leaves_is_forgotten_wherever_he_is() -> None:
    scene = Scene()
    (one, _), (two, _) = scene.in_step(1, 2)
    scene.lanes.fall_behind(two, 0.0)
    assert len(scene.lanes) == len(set(scene.lanes)) == 2
    scene.lanes.leave(one)
    scene.lanes.leave(two)
    scene.lanes.leave(two)
    assert (len(scene.lanes), list(scene.lanes)) == (0, [])


@given(st.lists(st.sampled_from(["sound", "picture", "stall", "take", "behind"]), max_size=40))
def test_every_viewer_gets_every_frame_once_and_in_order(script: list[str]) -> None:
    scene = Scene()
    (connection, socket), (_, even) = scene.in_step(1, 1)
    for number, what in enumerate(script, 1):
        if what == "stall":
            socket.unsent = UNSENT_LIMIT_BYTES
        elif what == "take":
            socket.unsent = 0
            connection.send()
        elif what == "behind":
            scene.lanes.fall_behind(connection, 0.0)
        else:
            kind, rendition = (Kind.SOUND, SOUND) if what == "sound" else (Kind.PICTURE, 1)
            scene.send(rendition, kind, number)
        even.unsent = 0
    socket.unsent = 0
    for one in scene.lanes.all_behind(0.0):
        one.send()
    assert b"".join(socket.writes) == b"".join(even.writes)
    assert len(b"".join(even.writes)) == 16 * sum(w in ("sound", "picture") for w in script)
