"""A viewer's queue written to a socket that takes much, little or nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from streaming.live.frame import Frame, Kind, Outgoing, frame_of
from streaming.live.hub import Connection
from streaming.live.viewer import Item, Rung, Viewer
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
        data = b"".join(list_of_data)
        self.writes.append(data)
        self.unsent += len(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.shut


def frame(rendition: int, kind: Kind, number: int, size: int = 10, run: int = 0) -> Outgoing:
    return Outgoing(frame_of(rendition, kind, run, number * 33_000, bytes([number]) * size))


def joined() -> tuple[Connection, Socket, list[Item]]:
    """A viewer that has the beginning: both inits and a keyframe."""
    connection, socket, told = Connection(Viewer(RUNGS, 1, SOUND)), Socket(), list[Item]()
    connection.wire = Wire(socket, connection.viewer, told.append)
    for kind in (Kind.INIT, Kind.KEYFRAME):
        connection.deliver(frame(1, kind, 0), 0.0)
    for kind in (Kind.INIT, Kind.SOUND):
        connection.deliver(frame(SOUND, kind, 0), 0.0)
    assert connection.viewer.passes(frame(1, Kind.PICTURE, 1).frame)
    socket.writes.clear()
    socket.unsent = 0
    told.clear()
    return connection, socket, told


def test_a_picture_takes_the_sound_before_it_along_in_one_write() -> None:
    connection, socket, told = joined()
    sound, picture = frame(SOUND, Kind.SOUND, 1), frame(1, Kind.PICTURE, 2)
    assert connection.deliver(sound, 0.0) == 0
    assert socket.writes == []
    assert connection.deliver(picture, 0.0) == 32
    assert socket.writes == [sound.frame.wire + picture.frame.wire]
    assert (told, connection.bell.is_set()) == ([], False)


def test_all_viewers_are_written_the_same_bytes_object() -> None:
    scenes = [joined() for _ in range(3)]
    for sent in (frame(1, Kind.PICTURE, 1), frame(SOUND, Kind.SOUND, 1), frame(1, Kind.PICTURE, 2)):
        for connection, _, _ in scenes:
            connection.deliver(sent, 0.0)
    alone, both = scenes[0][1].writes
    for _, socket, _ in scenes[1:]:
        assert [socket.writes[0] is alone, socket.writes[1] is both] == [True, True]


def test_sound_does_not_wait_for_a_picture_that_does_not_come() -> None:
    connection, socket, _ = joined()
    connection.deliver(frame(SOUND, Kind.SOUND, 1), 0.0)
    connection.deliver(frame(SOUND, Kind.SOUND, 2), 0.06)
    assert [len(data) for data in socket.writes] == [32]
    connection.viewer.ask("audio", 0.1)
    connection.deliver(frame(SOUND, Kind.SOUND, 3), 0.12)
    connection.deliver(frame(SOUND, Kind.SOUND, 4), 0.18)
    assert len(socket.writes) == 3
    assert json.loads(socket.writes[1][2:].split(b"}")[0] + b"}") == {
        "type": "rung", "video": None, "why": "asked",
    }  # fmt: skip


def test_what_is_said_stands_behind_the_sound_that_waited() -> None:
    connection, socket, _ = joined()
    connection.deliver(frame(SOUND, Kind.SOUND, 1), 0.0)
    connection.say("{}", 0.0)
    assert socket.writes == [frame(SOUND, Kind.SOUND, 1).frame.wire + b"\x81\x02{}"]


def test_sound_that_waited_belongs_to_the_init_before_the_new_one() -> None:
    connection, socket, told = joined()
    connection.deliver(frame(SOUND, Kind.SOUND, 1), 0.0)
    connection.deliver(frame(SOUND, Kind.INIT, 0, run=1), 0.0)
    connection.deliver(frame(SOUND, Kind.SOUND, 2, run=1), 0.0)
    assert [(i.kind, i.run) for i in told if isinstance(i, Frame)] == [
        (Kind.SOUND, 0), (Kind.INIT, 1), (Kind.SOUND, 1),
    ]  # fmt: skip
    assert len(socket.writes) == 2


def test_who_leaves_with_the_end_has_all_sound() -> None:
    connection, socket, _ = joined()
    connection.deliver(frame(SOUND, Kind.SOUND, 1), 0.0)
    connection.close(0.0)
    connection.send()
    assert socket.writes == [frame(SOUND, Kind.SOUND, 1).frame.wire]


def test_other_rungs_are_nothing_to_this_viewer() -> None:
    connection, socket, _ = joined()
    assert not connection.viewer.gets(frame(2, Kind.KEYFRAME, 1).frame)
    connection.viewer.ask("360p", 0.0)
    assert connection.viewer.gets(frame(2, Kind.KEYFRAME, 1).frame)
    assert not connection.viewer.passes(frame(2, Kind.KEYFRAME, 1).frame)
    assert socket.writes == []


def test_a_full_socket_leaves_the_rest_in_the_queue_and_wakes_the_task() -> None:
    connection, socket, _ = joined()
    socket.unsent = UNSENT_LIMIT_BYTES
    connection.deliver(frame(SOUND, Kind.SOUND, 1), 0.0)
    connection.deliver(frame(1, Kind.PICTURE, 1), 0.0)
    assert (socket.writes, connection.bell.is_set()) == ([], True)
    assert len(connection.viewer) == 2
    socket.unsent = 0
    connection.deliver(frame(1, Kind.PICTURE, 2), 0.0)
    assert [len(data) for data in socket.writes] == [48]


def test_a_write_is_about_as_large_as_the_limit() -> None:
    connection, socket, _ = joined()
    wire, connection.wire = connection.wire, None
    for number in range(1, 11):
        sent = frame(1, Kind.PICTURE, number, size=UNSENT_LIMIT_BYTES // 2)
        connection.deliver(sent, 0.0)
    assert wire
    assert not wire.flush()
    assert len(socket.writes) == 1
    assert len(connection.viewer) == 8


def test_nothing_is_written_to_a_socket_that_is_closing() -> None:
    connection, socket, _ = joined()
    socket.shut = True
    assert connection.deliver(frame(1, Kind.PICTURE, 1), 0.0) == 0
    assert socket.writes == []
    assert connection.bell.is_set()
