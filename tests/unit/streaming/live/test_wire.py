"""A viewer's queue written to a socket that takes much, little or nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from streaming.live.hub import Connection
from streaming.live.viewer import Frame, Item, Kind, Rung, Viewer
from streaming.live.wire import UNSENT_LIMIT_BYTES, Wire, header

RUNGS = (Rung(1, "720p"), Rung(2, "360p"))
SOUND = 3


class Socket(asyncio.WriteTransport):
    """A socket that keeps what is written; `unsent` of it is not taken yet."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.unsent = 0
        self.shut = False

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        data = b"".join(list_of_data)
        self.writes.append(data)
        self.unsent += len(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.shut


def frame(rendition: int, kind: Kind, number: int, size: int = 10) -> Frame:
    return Frame(rendition, kind, 0, number * 33_000, bytes([number]) * size)


def joined() -> tuple[Connection, Socket, list[Item]]:
    connection, socket, told = Connection(Viewer(RUNGS, 1, SOUND)), Socket(), list[Item]()
    connection.wire = Wire(socket, connection.viewer, told.append)
    return connection, socket, told


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "8200"), (125, "827d"), (126, "827e007e"), (65_535, "827effff"),
     (65_536, "827f0000000000010000")],
)  # fmt: skip
def test_the_head_says_how_long_the_message_is(size: int, expected: str) -> None:
    assert header(0x82, size).hex() == expected


def test_a_picture_takes_the_sound_before_it_along_in_one_write() -> None:
    connection, socket, told = joined()
    connection.deliver(frame(1, Kind.KEYFRAME, 0), 0.0)
    connection.deliver(frame(SOUND, Kind.SOUND, 1), 0.0)
    assert len(socket.writes) == 1
    connection.deliver(frame(2, Kind.KEYFRAME, 1), 0.0)
    connection.deliver(frame(1, Kind.PICTURE, 2), 0.0)
    assert [len(data) for data in socket.writes] == [12, 24]
    assert [item.at_us for item in told if isinstance(item, Frame)] == [0, 33_000, 66_000]
    assert not connection.bell.is_set()


def test_sound_does_not_wait_for_a_picture_that_does_not_come() -> None:
    connection, socket, _ = joined()
    connection.deliver(frame(SOUND, Kind.SOUND, 0), 0.0)
    connection.deliver(frame(SOUND, Kind.SOUND, 1), 0.06)
    assert [len(data) for data in socket.writes] == [24]
    connection.viewer.ask("audio", 0.1)
    connection.deliver(frame(SOUND, Kind.SOUND, 2), 0.12)
    assert len(socket.writes) == 2
    assert json.loads(socket.writes[1][2:].split(b"}")[0] + b"}") == {
        "type": "rung", "video": None, "why": "asked",
    }  # fmt: skip


def test_a_full_socket_leaves_the_rest_in_the_queue_and_wakes_the_task() -> None:
    connection, socket, _ = joined()
    socket.unsent = UNSENT_LIMIT_BYTES
    connection.deliver(frame(1, Kind.KEYFRAME, 0), 0.0)
    assert (socket.writes, connection.bell.is_set()) == ([], True)
    socket.unsent = 0
    connection.send()
    assert [len(data) for data in socket.writes] == [12]


def test_a_write_is_about_as_large_as_the_limit() -> None:
    connection, socket, _ = joined()
    wire, connection.wire = connection.wire, None
    for number in range(10):
        kind = Kind.PICTURE if number else Kind.KEYFRAME
        connection.deliver(frame(1, kind, number, size=UNSENT_LIMIT_BYTES // 2), 0.0)
    assert wire
    assert not wire.flush()
    assert len(socket.writes) == 1
    assert len(connection.viewer) == 8


def test_nothing_is_written_to_a_socket_that_is_closing() -> None:
    connection, socket, _ = joined()
    socket.shut = True
    connection.deliver(frame(1, Kind.KEYFRAME, 0), 0.0)
    assert socket.writes == []
    assert connection.bell.is_set()
