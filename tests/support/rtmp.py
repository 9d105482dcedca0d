"""The publisher's side of RTMP, byte by byte, for tests of the server's side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transcoder.live.amf import read_values, write_values
from transcoder.live.chunks import ChunkReader, Message, write_message
from transcoder.live.rtmp import HANDSHAKE_BYTES, RtmpConnection

SESSION = "01kb0c0000000000000a"
COMMAND, AUDIO, VIDEO = 20, 8, 9


def greeting() -> bytes:
    """C0, C1 and C2."""
    return b"\x03" + bytes(range(256)) * 6 + bytes(HANDSHAKE_BYTES)


def message(kind: int, payload: bytes, time_ms: int = 0, stream: int = 1, number: int = 4) -> bytes:
    """A message in chunks of the first size."""
    return write_message(Message(kind, stream, time_ms, payload), number, 128)


def command(name: str, number: float, *values: Any, stream: int = 0) -> bytes:
    """An AMF0 command."""
    return message(COMMAND, write_values(name, number, *values), stream=stream, number=3)


def asking(name: str = f"{SESSION}?key=good", app: str = "live") -> bytes:
    """All that a publisher sends until it waits for the answer."""
    return b"".join(
        (
            greeting(),
            command("connect", 1, {"app": app, "tcUrl": f"rtmp://127.0.0.1/{app}"}),
            command("releaseStream", 2, None, name),
            command("FCPublish", 3, None, name),
            command("createStream", 4, None),
            command("publish", 5, None, name, "live", stream=1),
        )
    )


def answers(output: bytes) -> list[list[Any]]:
    """The commands in what a server sent after its part of the handshake."""
    reader = ChunkReader()
    reader.feed(output[1 + 2 * HANDSHAKE_BYTES :])
    found: list[list[Any]] = []
    while (one := reader.next()) is not None:
        if one.kind == COMMAND:
            found.append(read_values(one.payload))
    return found


def fed(connection: RtmpConnection, pieces: Sequence[bytes]) -> list[object]:
    """Everything that comes of these pieces when each wish to publish is granted."""
    found: list[object] = []
    for piece in pieces:
        found += connection.receive(piece)
        if connection.phase.value == "judging":
            found += connection.accept()
    return found
