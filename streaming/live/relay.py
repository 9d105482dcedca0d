"""The words between a channel and its mirror in a school: what is decided once is sent, not redone.

An edge is told all that is known of each rendition (`Known`), then which runs begin and which
segments have ended: so its playlists are right whether it has the media or not. Of the renditions
that it asks for it gets the fragments too, beginning with what the open segment has so far
(`Anew`); it cuts parts by the same rule as its upstream, so both have the same media under the same
names. Texts are JSON; binary messages begin with a tag. Fragments are a stream to their reader:
many go out as several messages, so that on a thin line something comes whole now and then.

Sans-IO: nothing here waits.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.media import Media
from streaming.errors import BadMedia
from streaming.live.channel import RENDITIONS_LIMIT
from streaming.live.events import ChannelState
from streaming.live.port import LiveRendition
from streaming.live.segments import Opening, Segment
from streaming.live.track import RUNS_LIMIT, SEGMENT_LIMIT_BYTES

MESSAGE_LIMIT_BYTES = SEGMENT_LIMIT_BYTES + 1024
MEDIA_BYTES = 24 * 1024  # comes within the 4 s of a silence unless not even sound gets through
KNOWN_LIMIT_BYTES = 16 * 1024 * 1024
SEGMENTS_LIMIT = 40_000
_KNOWN, _RUN, _FRAGMENTS = 1, 2, 3
_HEAD = struct.Struct(">BB")
_RUN_HEAD = struct.Struct(">BBHII")
_FRAGMENTS_HEAD = struct.Struct(">BBI?dd")


@dataclass(frozen=True, slots=True)
class Announced:
    """A rendition of the channel and the number that names it in messages."""

    id: int
    rendition: LiveRendition
    gone: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the channel stands; said at first and whenever it changes."""

    state: ChannelState
    anchor_utc: float
    announced: tuple[Announced, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a rendition up to its open segment; no media but the inits."""

    id: int
    inits: tuple[bytes, ...]
    discontinuities: int
    part_target_ts: int
    frame_ts: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class RunBegun:
    """What follows needs this initialization section; parts are cut by these lengths."""

    id: int
    number: int
    part_target_ts: int
    frame_ts: int
    init: bytes


@dataclass(frozen=True, slots=True)
class Anew:
    """What follows of a rendition begins with its open segment; what was here of that is void."""

    id: int


@dataclass(frozen=True, slots=True)
class Fragments:
    """Fragments of the segment that this opening begins, as they were ready at sent_utc."""

    id: int
    opening: Opening
    sent_utc: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """A segment that has ended, without its media: a gap, or of a rendition nobody asks for."""

    id: int
    segment: Segment


@dataclass(frozen=True, slots=True)
class Lost:
    """A segment that is kept nowhere once it is out of the window."""

    number: int


Message = Standing | Known | RunBegun | Anew | Fragments | Closed | Lost


def encode(message: Message) -> bytes | str:
    """Write a message as a WebSocket carries it."""
    match message:
        case Standing():
            return json.dumps({"type": "standing", **_standing(message)})
        case Closed(id=identifier, segment=segment):
            return json.dumps({"type": "closed", "id": identifier, "segment": _row(segment)})
        case Anew(id=identifier):
            return json.dumps({"type": "anew", "id": identifier})
        case Lost(number=number):
            return json.dumps({"type": "lost", "number": number})
        case Known():
            text = json.dumps(_known(message), separators=(",", ":")).encode()
            inits = b"".join(message.inits)
            packed = zlib.compress(len(text).to_bytes(4, "big") + text + inits, 5)
            return _HEAD.pack(_KNOWN, message.id) + packed
        case RunBegun(id=identifier, number=number, init=init):
            lengths = message.part_target_ts, message.frame_ts
            return _RUN_HEAD.pack(_RUN, identifier, number, *lengths) + init
        case Fragments(id=identifier, opening=opening, sent_utc=sent_utc, data=data):
            where = (opening.number, opening.discontinuity, opening.program_utc)
            return _FRAGMENTS_HEAD.pack(_FRAGMENTS, identifier, *where, sent_utc) + data


def written(message: Message, media_bytes: int = MEDIA_BYTES) -> list[bytes | str]:
    """Write a message as those that are sent: each has so much media at most."""
    whole = encode(message)
    if not isinstance(message, Fragments) or isinstance(whole, str):
        return [whole]
    head, media = whole[: _FRAGMENTS_HEAD.size], whole[_FRAGMENTS_HEAD.size :]
    starts = range(0, max(1, len(media)), media_bytes)
    return [head + media[at : at + media_bytes] for at in starts]


def decode(data: bytes | str) -> Message:
    """Read a message. Raises: BadMedia."""
    try:
        return _text(data) if isinstance(data, str) else _binary(data)
    except (ValueError, KeyError, TypeError, IndexError, struct.error, zlib.error) as error:
        raise BadMedia("this is no message of a relay") from error
    except RecursionError:
        raise BadMedia("this is no message of a relay") from None


def asked_of(text: str) -> frozenset[str] | None:
    """Read which renditions an edge asks for; None if it asks nothing."""
    try:
        asked = json.loads(text)
        names = asked["names"] if asked["type"] == "rungs" else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(names, list) or len(names) > RENDITIONS_LIMIT:
        return None
    return frozenset(names) if all(isinstance(name, str) for name in names) else None


def asked_at_once(text: str) -> frozenset[str]:
    """Read which renditions an edge wants before it is told of any; none if too many."""
    names = frozenset(filter(None, text.split(",")))
    return names if len(names) <= RENDITIONS_LIMIT else frozenset()


def asking(names: Iterable[str]) -> str:
    """Write which renditions an edge asks for."""
    return json.dumps({"type": "rungs", "names": sorted(names)})


def _standing(message: Standing) -> dict[str, Any]:
    return {
        "state": message.state.value,
        "anchor": message.anchor_utc,
        "renditions": [
            {
                "id": item.id,
                "name": item.rendition.name,
                "media": item.rendition.media.value,
                "rung": item.rendition.rung,
                "bandwidth": item.rendition.bandwidth_bps,
                "rate": item.rendition.frame_rate,
                "gone": item.gone,
            }
            for item in message.announced
        ],
    }


def _known(message: Known) -> dict[str, Any]:
    return {
        "discontinuities": message.discontinuities,
        "part": message.part_target_ts,
        "frame": message.frame_ts,
        "inits": [len(init) for init in message.inits],
        "segments": [_row(segment) for segment in message.segments],
    }


def _row(item: Segment) -> list[int | float]:
    return [item.number, item.run, int(item.discontinuity), item.program_utc, item.start_ts,
            item.duration_ts, item.size_bytes, int(item.gap)]  # fmt: skip


def _segment(row: Sequence[Any]) -> Segment:
    number, run, discontinuity, program_utc, start_ts, duration_ts, size_bytes, gap = row
    whole = (number, run, start_ts, duration_ts, size_bytes)
    if any(type(item) is not int or item < 0 for item in whole) or run >= RUNS_LIMIT:
        raise ValueError("a segment of no sense")
    return Segment(number, run, bool(discontinuity), float(program_utc), start_ts, duration_ts,
                   size_bytes, gap=bool(gap))  # fmt: skip


def _text(data: str) -> Message:
    said = json.loads(data)
    match said["type"]:
        case "standing":
            rows = said["renditions"]
            if len(rows) > RENDITIONS_LIMIT:
                raise ValueError("too many renditions")
            announced = tuple(_announced(row) for row in rows)
            return Standing(ChannelState(said["state"]), float(said["anchor"]), announced)
        case "closed":
            return Closed(_identifier(said["id"]), _segment(said["segment"]))
        case "anew":
            return Anew(_identifier(said["id"]))
        case "lost":
            return Lost(int(said["number"]))
    raise ValueError("an unknown text")


def _announced(row: dict[str, Any]) -> Announced:
    return Announced(
        _identifier(row["id"]),
        LiveRendition(
            str(row["name"]), Media(row["media"]), int(row["rung"]), int(row["bandwidth"]),
            _rate(row["rate"]),
        ),
        bool(row["gone"]),
    )  # fmt: skip


def _rate(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    count, each = int(value[0]), int(value[1])
    if count <= 0 or each <= 0:
        raise ValueError("no frame rate")
    return count, each


def _identifier(value: Any) -> int:
    if type(value) is not int or not 0 < value <= RENDITIONS_LIMIT:
        raise ValueError("no number of a rendition")
    return value


def _binary(data: bytes) -> Message:
    if len(data) > MESSAGE_LIMIT_BYTES:
        raise ValueError("too long")
    tag, identifier = _HEAD.unpack_from(data)
    _identifier(identifier)
    match tag:
        case 1:
            return _read_known(identifier, data[_HEAD.size :])
        case 2:
            _, _, number, part_ts, frame_ts = _RUN_HEAD.unpack_from(data)
            return RunBegun(identifier, number, part_ts, frame_ts, data[_RUN_HEAD.size :])
        case 3:
            _, _, number, discontinuity, program_utc, sent_utc = _FRAGMENTS_HEAD.unpack_from(data)
            opening = Opening(number, discontinuity, program_utc)
            return Fragments(identifier, opening, sent_utc, data[_FRAGMENTS_HEAD.size :])
    raise ValueError("an unknown tag")


def _read_known(identifier: int, packed: bytes) -> Known:
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(packed, KNOWN_LIMIT_BYTES)
    if not unpacker.eof:
        raise ValueError("too much is known")
    end = 4 + int.from_bytes(data[:4], "big")
    said = json.loads(data[4:end])
    inits, at = [], end
    for size in said["inits"]:
        if type(size) is not int or size <= 0 or at + size > len(data):
            raise ValueError("an init that is not there")
        inits.append(data[at : at + size])
        at += size
    rows = said["segments"]
    if len(rows) > SEGMENTS_LIMIT or len(inits) > RUNS_LIMIT:
        raise ValueError("too much is known")
    segments = tuple(_segment(row) for row in rows)
    numbers = [segment.number for segment in segments]
    follow = numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
    if not follow or any(segment.run >= len(inits) for segment in segments):
        raise ValueError("segments out of order")
    targets = (said["discontinuities"], said["part"], said["frame"])
    if any(type(item) is not int or item < 0 for item in targets):
        raise ValueError("no duration")
    return Known(identifier, tuple(inits), *targets, segments)
