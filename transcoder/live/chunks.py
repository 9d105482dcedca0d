"""RTMP messages in and out of their chunks. Pure: bytes in any pieces, whole messages out.

A chunk is looked at only when it is whole, so that the pieces in which bytes arrive make no
difference. Set Chunk Size and Abort are done here; every other message is given. Extended
timestamps are also read where a sender leaves them out of continuations, as some do.

Spec: Adobe RTMP 1.0 (2012) 5.3, 5.4.1, 5.4.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import pack

from transcoder.live.errors import BadContribution

CHUNK_SIZE_LIMIT_BYTES = 1 << 20
MESSAGE_LIMIT_BYTES = 8 << 20
CHUNK_STREAMS_LIMIT = 64
PENDING_LIMIT_BYTES = 16 << 20
FIRST_CHUNK_BYTES = 128
EXTENDED = 0xFF_FFFF
SET_CHUNK_SIZE, ABORT = 1, 2
_HEADER_BYTES = (11, 7, 3, 0)
_TIME_MASK = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Message:
    """One RTMP message; the timestamp is 32 bits of milliseconds."""

    kind: int
    stream: int
    time_ms: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Header:
    """What a chunk's header says once it is completed from the one before."""

    time_ms: int
    delta_ms: int
    length: int
    kind: int
    stream: int
    extended: int | None


@dataclass(slots=True)
class _Stream:
    """A chunk stream: its last header, and the message that is being gathered."""

    header: _Header | None = None
    gathered: bytearray = field(default_factory=bytearray)
    in_message: bool = False


class ChunkReader:
    """Join chunks to messages: `feed` keeps bytes, `next` gives the next whole message."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._streams: dict[int, _Stream] = {}
        self._chunk_bytes = FIRST_CHUNK_BYTES
        self._pending_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._buffer += data

    def next(self) -> Message | None:
        """Give the next message, None when bytes are missing. Raises: BadContribution."""
        while True:
            message, more = self._read_chunk()
            if message and not self._controls(message):
                return message
            if not more:
                del self._buffer[: self._at]
                self._at = 0
                return None

    def _read_chunk(self) -> tuple[Message | None, bool]:
        """Read one chunk if it is whole; tell whether it was."""
        basic = self._basic_header()
        if basic is None:
            return None, False
        form, number, at = basic
        stream = self._streams.get(number) or _Stream()
        found = self._message_header(form, stream, at)
        if found is None:
            return None, False
        header, at = found
        wanted = min(self._chunk_bytes, header.length - len(stream.gathered))
        if len(self._buffer) < at + wanted:
            return None, False
        self._keep(number, stream)
        stream.header = header
        stream.gathered += self._buffer[at : at + wanted]
        self._at = at + wanted
        return self._whole(stream, wanted), True

    def _basic_header(self) -> tuple[int, int, int] | None:
        """Give form, chunk stream and where the message header begins."""
        at = self._at
        if len(self._buffer) <= at:
            return None
        form, number = self._buffer[at] >> 6, self._buffer[at] & 63
        more = (1, 2)[number] if number < 2 else 0
        if len(self._buffer) <= at + more:
            return None
        if more:
            extra = self._buffer[at + 1 : at + 1 + more]
            number = 64 + int.from_bytes(extra, "little")
        return form, number, at + 1 + more

    def _message_header(self, form: int, stream: _Stream, at: int) -> tuple[_Header, int] | None:
        size = _HEADER_BYTES[form]
        raw = bytes(self._buffer[at : at + size])
        if len(raw) < size:
            return None
        before = stream.header
        if form and before is None:
            raise BadContribution("a chunk that leans on a header which was never sent")
        if stream.in_message and form != 3:
            raise BadContribution("a new message inside of another of the same chunk stream")
        at += size
        if form == 3:
            assert before is not None
            return self._repeated(stream, before, at)
        stamp = int.from_bytes(raw[:3], "big")
        extended = None
        if stamp == EXTENDED:
            if len(self._buffer) < at + 4:
                return None
            stamp = extended = int.from_bytes(self._buffer[at : at + 4], "big")
            at += 4
        return self._completed(form, raw, stamp, extended, before), at

    def _repeated(self, stream: _Stream, before: _Header, at: int) -> tuple[_Header, int] | None:
        """Complete a header that says nothing: a continuation, or a message like the last one."""
        if before.extended is not None:
            again = self._buffer[at : at + 4]
            if len(again) < 4:
                return None
            if int.from_bytes(again, "big") == before.extended or not stream.in_message:
                at += 4
        if stream.in_message:
            return before, at
        time_ms = (before.time_ms + before.delta_ms) & _TIME_MASK
        return _Header(time_ms, before.delta_ms, before.length, before.kind, before.stream,
                       before.extended), at  # fmt: skip

    def _completed(
        self, form: int, raw: bytes, stamp: int, extended: int | None, before: _Header | None
    ) -> _Header:
        if form == 2:
            assert before is not None
            length, kind = before.length, before.kind
        else:
            length, kind = int.from_bytes(raw[3:6], "big"), raw[6]
        if length > MESSAGE_LIMIT_BYTES:
            raise BadContribution(f"a message of {length} bytes; {MESSAGE_LIMIT_BYTES} are allowed")
        if form == 0:
            return _Header(
                stamp, stamp, length, kind, int.from_bytes(raw[7:11], "little"), extended
            )
        assert before is not None
        time_ms = (before.time_ms + stamp) & _TIME_MASK
        return _Header(time_ms, stamp, length, kind, before.stream, extended)

    def _keep(self, number: int, stream: _Stream) -> None:
        if number not in self._streams:
            if len(self._streams) >= CHUNK_STREAMS_LIMIT:
                raise BadContribution(f"more than {CHUNK_STREAMS_LIMIT} chunk streams")
            self._streams[number] = stream

    def _whole(self, stream: _Stream, taken: int) -> Message | None:
        header = stream.header
        assert header is not None
        stream.in_message = len(stream.gathered) < header.length
        if stream.in_message:
            self._pending_bytes += taken
            if self._pending_bytes > PENDING_LIMIT_BYTES:
                raise BadContribution(f"more than {PENDING_LIMIT_BYTES} bytes of begun messages")
            return None
        self._pending_bytes -= len(stream.gathered) - taken
        payload = bytes(stream.gathered)
        stream.gathered.clear()
        return Message(header.kind, header.stream, header.time_ms, payload)

    def _controls(self, message: Message) -> bool:
        """Obey a message about chunks; tell whether it was one."""
        if message.kind not in (SET_CHUNK_SIZE, ABORT):
            return False
        if len(message.payload) < 4:
            raise BadContribution("a control message of less than 4 bytes")
        value = int.from_bytes(message.payload[:4], "big")
        if message.kind == ABORT:
            self._abort(value)
        elif not 1 <= value <= CHUNK_SIZE_LIMIT_BYTES:
            raise BadContribution(f"chunks of {value} bytes; 1 to {CHUNK_SIZE_LIMIT_BYTES} go")
        else:
            self._chunk_bytes = value
        return True

    def _abort(self, number: int) -> None:
        stream = self._streams.get(number)
        if stream is not None and stream.in_message:
            self._pending_bytes -= len(stream.gathered)
            stream.gathered.clear()
            stream.in_message = False


def write_message(message: Message, number: int, chunk_bytes: int) -> bytes:
    """Cut a message into chunks of one chunk stream (2 to 63), all with their full header."""
    stamp = min(message.time_ms, EXTENDED)
    extended = pack(">I", message.time_ms) if stamp == EXTENDED else b""
    length = len(message.payload)
    head = stamp.to_bytes(3, "big") + length.to_bytes(3, "big") + bytes([message.kind])
    head += pack("<I", message.stream)
    pieces = [bytes([number]), head, extended, message.payload[:chunk_bytes]]
    for start in range(chunk_bytes, length, chunk_bytes):
        pieces += [bytes([0xC0 | number]), extended, message.payload[start : start + chunk_bytes]]
    return b"".join(pieces)
