"""The server's side of RTMP publishing. Pure: bytes in, events and bytes out.

After `PublishAsked` nothing more is read until `accept` or `refuse`: no media byte is looked at
before the key was judged. Plain handshake: S1 says version 0, so that clients which know the
digest form (ffmpeg, Flash encoders) do not ask for it. Plays nothing back.

Spec: Adobe RTMP 1.0 (2012) 5.2, 5.4, 7; Enhanced RTMP v1 (2023), connect's fourCcList.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from struct import pack
from typing import Any, ClassVar

from transcoder.live.amf import read_values, write_values
from transcoder.live.chunks import ChunkReader, Message, write_message
from transcoder.live.errors import BadContribution
from transcoder.live.flv import Hints, Kind, Tag, read_hints, split_aggregate

VERSION = 3
HANDSHAKE_BYTES = 1536
COMMANDS_LIMIT = 64
COMMAND_LIMIT_BYTES = 64 << 10
WINDOW_BYTES = 2_500_000
LEAST_WINDOW_BYTES = 4096
SEND_CHUNK_BYTES = 4096
CONTROL_STREAM, COMMAND_STREAM = 2, 3
MEDIA_STREAM_ID = 1
FOUR_CCS = ("avc1", "hvc1", "av01", "mp4a", "Opus")
_SET_CHUNK, _ACK, _USER, _WINDOW, _BANDWIDTH = 1, 3, 4, 5, 6
_AUDIO, _VIDEO, _DATA3, _COMMAND3, _DATA0, _COMMAND0, _AGGREGATE = 8, 9, 15, 17, 18, 20, 22
_STREAM_BEGIN, _PING, _PONG = 0, 6, 7


class Phase(Enum):
    """Where a connection stands."""

    HELLO = "hello"
    GREETING = "greeting"
    COMMANDS = "commands"
    JUDGING = "judging"
    MEDIA = "media"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class PublishAsked:
    """The peer wants to publish this name in this app; answer with accept or refuse."""

    app: str
    name: str


@dataclass(frozen=True, slots=True)
class Unpublished:
    """The peer says that it stops."""


Event = PublishAsked | Tag | Hints | Unpublished


class RtmpConnection:
    """One publisher's connection: `receive` what it sends, send what `take_output` gives."""

    def __init__(self) -> None:
        self.phase = Phase.HELLO
        self._output: list[bytes] = []
        self._greeting = bytearray()
        self._chunks = ChunkReader()
        self._events: list[Event] = []
        self._app = ""
        self._commands = 0
        self._stream = MEDIA_STREAM_ID
        self._window_bytes = WINDOW_BYTES
        self._received_bytes = self._told_bytes = 0

    def receive(self, data: bytes) -> list[Event]:
        """Take the next bytes, not while it is judged. Raises: BadContribution, and is closed."""
        if self.phase is Phase.CLOSED:
            return []
        self._received_bytes += len(data)
        if self.phase in (Phase.HELLO, Phase.GREETING):
            data = self._greet(data)
        self._chunks.feed(data)
        return self._proceed()

    def accept(self) -> list[Event]:
        """Let the peer publish; gives what it had already sent. Raises: BadContribution."""
        self._judged()
        self.phase = Phase.MEDIA
        self._send(_USER, pack(">HI", _STREAM_BEGIN, self._stream), number=CONTROL_STREAM)
        self._status("status", "NetStream.Publish.Start", "Publishing.")
        return self._proceed()

    def refuse(self, sentence: str) -> None:
        """Turn the peer away; close the socket once the output is sent."""
        self._judged()
        self.phase = Phase.CLOSED
        self._status("error", "NetStream.Publish.BadName", sentence)

    def take_output(self) -> bytes:
        """Give what is to be sent now."""
        data = b"".join(self._output)
        self._output.clear()
        return data

    def _judged(self) -> None:
        if self.phase is not Phase.JUDGING:
            raise RuntimeError(f"nothing to judge while {self.phase.value}")

    def _greet(self, data: bytes) -> bytes:
        """Shake hands; gives what follows the handshake."""
        self._greeting += data
        if self._greeting and self._greeting[0] != VERSION:
            self.phase = Phase.CLOSED
            raise BadContribution(f"RTMP version {self._greeting[0]}; only {VERSION} is spoken")
        if self.phase is Phase.HELLO and len(self._greeting) > HANDSHAKE_BYTES:
            first = bytes(self._greeting[1 : 1 + HANDSHAKE_BYTES])
            self._output.append(bytes([VERSION]) + bytes(HANDSHAKE_BYTES) + first)
            self.phase = Phase.GREETING
        if len(self._greeting) <= 2 * HANDSHAKE_BYTES:
            return b""
        rest = bytes(self._greeting[1 + 2 * HANDSHAKE_BYTES :])
        self._greeting.clear()
        self.phase = Phase.COMMANDS
        return rest

    def _proceed(self) -> list[Event]:
        """Read messages as long as the phase lets media or commands through."""
        try:
            while self.phase in (Phase.COMMANDS, Phase.MEDIA):
                message = self._chunks.next()
                if message is None:
                    break
                self._on_message(message)
        except BadContribution:
            self.phase = Phase.CLOSED
            raise
        self._acknowledge()
        found, self._events = self._events, []
        return found

    def _acknowledge(self) -> None:
        if self._received_bytes - self._told_bytes >= self._window_bytes // 2:
            self._told_bytes = self._received_bytes
            count = self._received_bytes & 0xFFFF_FFFF
            self._send(_ACK, pack(">I", count), number=CONTROL_STREAM)

    def _on_message(self, message: Message) -> None:
        take = self._MESSAGES.get(message.kind)
        if take is not None:
            take(self, message)

    def _on_media(self, message: Message) -> None:
        if self.phase is not Phase.MEDIA:
            raise BadContribution("media before publishing was allowed")
        if message.payload:
            self._events.append(Tag(Kind(message.kind), message.time_ms, message.payload))

    def _on_aggregate(self, message: Message) -> None:
        if self.phase is not Phase.MEDIA:
            raise BadContribution("media before publishing was allowed")
        self._events += split_aggregate(message.payload, message.time_ms)

    def _on_data(self, message: Message) -> None:
        hints = read_hints(message.payload) if self.phase is Phase.MEDIA else None
        if hints is not None:
            self._events.append(hints)

    def _on_user(self, message: Message) -> None:
        if message.payload[:2] == pack(">H", _PING):
            self._send(_USER, pack(">H", _PONG) + message.payload[2:6], number=CONTROL_STREAM)

    def _on_window(self, message: Message) -> None:
        self._window_bytes = max(LEAST_WINDOW_BYTES, int.from_bytes(message.payload[:4], "big"))

    def _on_command3(self, message: Message) -> None:
        """An AMF3 command begins with one byte and is AMF0 from there in every known encoder."""
        self._on_command(Message(_COMMAND0, message.stream, message.time_ms, message.payload[1:]))

    def _on_command(self, message: Message) -> None:
        self._commands += 1
        if self._commands > COMMANDS_LIMIT:
            raise BadContribution(f"more than {COMMANDS_LIMIT} commands")
        if len(message.payload) > COMMAND_LIMIT_BYTES:
            raise BadContribution(f"a command of {len(message.payload)} bytes")
        values = read_values(message.payload)
        if len(values) < 2 or not isinstance(values[0], str):
            raise BadContribution("a command without name and number")
        number = values[1] if isinstance(values[1], float) else 0.0
        take = self._COMMANDS.get(values[0])
        if take is not None:
            take(self, number, values[2:], message.stream)

    def _on_connect(self, number: float, values: list[Any], _stream: int) -> None:
        wanted = values[0] if values and isinstance(values[0], dict) else {}
        self._app = _text(wanted.get("app"))
        self._send(_WINDOW, pack(">I", WINDOW_BYTES), number=CONTROL_STREAM)
        self._send(_BANDWIDTH, pack(">IB", WINDOW_BYTES, 2), number=CONTROL_STREAM)
        self._send(_SET_CHUNK, pack(">I", SEND_CHUNK_BYTES), number=CONTROL_STREAM)
        server: dict[str, Any] = {"fmsVer": "FMS/3,0,1,123", "capabilities": 31}
        if isinstance(wanted.get("fourCcList"), list):
            server |= {"videoFourCcInfoMap": dict.fromkeys(FOUR_CCS[:3], 4)}
        info = {
            "level": "status",
            "code": "NetConnection.Connect.Success",
            "description": "Connection succeeded.",
            "objectEncoding": 3 if wanted.get("objectEncoding") == 3 else 0,
        }
        self._answer("_result", number, server, info)

    def _on_create_stream(self, number: float, _values: list[Any], _stream: int) -> None:
        self._answer("_result", number, None, MEDIA_STREAM_ID)

    def _on_release(self, number: float, _values: list[Any], _stream: int) -> None:
        self._answer("_result", number, None, None)

    def _on_fc_publish(self, _number: float, values: list[Any], _stream: int) -> None:
        info = {"code": "NetStream.Publish.Start", "description": _text(values[1:2])}
        self._answer("onFCPublish", 0, None, info)

    def _on_publish(self, _number: float, values: list[Any], stream: int) -> None:
        if self.phase is not Phase.COMMANDS:
            raise BadContribution("a second publish on one connection")
        self._stream = stream
        self.phase = Phase.JUDGING
        self._events.append(PublishAsked(self._app, _text(values[1:2])))

    def _on_stop(self, _number: float, _values: list[Any], _stream: int) -> None:
        if self.phase is Phase.MEDIA:
            self.phase = Phase.CLOSED
            self._events.append(Unpublished())

    def _status(self, level: str, code: str, sentence: str) -> None:
        info = {"level": level, "code": code, "description": sentence}
        self._answer("onStatus", 0, None, info, stream=self._stream)

    def _answer(self, name: str, number: float, *values: Any, stream: int = 0) -> None:
        self._send(_COMMAND0, write_values(name, number, *values), stream=stream)

    def _send(
        self, kind: int, payload: bytes, *, stream: int = 0, number: int = COMMAND_STREAM
    ) -> None:
        message = Message(kind, stream, 0, payload)
        self._output.append(write_message(message, number, SEND_CHUNK_BYTES))

    _MESSAGES: ClassVar[dict[int, Callable[[RtmpConnection, Message], None]]] = {
        _USER: _on_user,
        _WINDOW: _on_window,
        _AUDIO: _on_media,
        _VIDEO: _on_media,
        _DATA0: _on_data,
        _DATA3: _on_data,
        _COMMAND0: _on_command,
        _COMMAND3: _on_command3,
        _AGGREGATE: _on_aggregate,
    }
    _COMMANDS: ClassVar[dict[str, Callable[[RtmpConnection, float, list[Any], int], None]]] = {
        "connect": _on_connect,
        "createStream": _on_create_stream,
        "releaseStream": _on_release,
        "FCPublish": _on_fc_publish,
        "publish": _on_publish,
        "deleteStream": _on_stop,
        "closeStream": _on_stop,
        "FCUnpublish": _on_stop,
    }


def _text(value: Any) -> str:
    """Give a command's text argument; empty when it has none."""
    if isinstance(value, list):
        value = value[0] if value else ""
    return value if isinstance(value, str) else ""
