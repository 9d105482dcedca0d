"""CMAF tracks made byte by byte: tiny, exact, and wrong in one place where a test wants it."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack

AVCC = bytes.fromhex("0164001effe1000467640000010004686800")
TIMESCALE = 15_360
NON_SYNC = 0x1_0000
SYNC = 0x200_0000


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of this type around its parts."""
    payload = b"".join(parts)
    return pack(">I4s", 8 + len(payload), kind) + payload


def full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A full box."""
    return box(kind, pack(">I", version << 24 | flags), *parts)


def video_entry(kind: bytes = b"avc1", config: bytes | None = None) -> bytes:
    """A visual sample entry of 320x180 pixels."""
    inner = box(b"avcC", AVCC) if config is None else config
    head = bytes(24) + pack(">HH", 320, 180) + bytes(50)
    return box(kind, head, inner)


def audio_entry(kind: bytes = b"Opus", config: bytes = b"") -> bytes:
    """An audio sample entry, mono at 48 kHz."""
    head = bytes(16) + pack(">HHHHI", 1, 16, 0, 0, 48_000 << 16)
    return box(kind, head, config)


def esds(object_type: int = 0x40, audio: int = 2 << 11) -> bytes:
    """Decoder description of MPEG-4 audio, with the long form of lengths that ffmpeg writes."""
    specific = b"\x05\x80\x80\x80\x02" + pack(">H", audio)
    decoder = bytes([object_type]) + bytes(12) + specific
    inner = b"\x04\x80\x80\x80" + bytes([len(decoder)]) + decoder
    body = pack(">HB", 1, 0) + inner
    return full(b"esds", 0, 0, b"\x03\x80\x80\x80" + bytes([len(body)]), body)


def init(
    entry: bytes | None = None,
    handler: bytes = b"vide",
    timescale: int = TIMESCALE,
    edits: bytes = b"",
    entries: int = 1,
) -> bytes:
    """An initialization section with one track."""
    sample = (video_entry() if entry is None else entry) * entries
    stsd = full(b"stsd", 0, 0, pack(">I", entries), sample)
    minf = box(b"minf", box(b"stbl", stsd))
    mdhd = full(b"mdhd", 0, 0, bytes(8), pack(">IIHH", timescale, 0, 0, 0))
    hdlr = full(b"hdlr", 0, 0, bytes(4), handler, bytes(13))
    trak = box(b"trak", edits, box(b"mdia", mdhd, hdlr, minf))
    trex = full(b"trex", 0, 0, pack(">IIIII", 1, 1, 0, 0, 0))
    return box(b"ftyp", b"cmfc", bytes(4), b"cmfc") + box(b"moov", trak, box(b"mvex", trex))


def edit_list(*entries: tuple[int, int], version: int = 0) -> bytes:
    """An edit list of (duration, media time) pairs; media time -1 is an empty edit."""
    form = ">qqI" if version else ">iiI"
    rows = b"".join(pack(form, duration, media, 0x1_0000) for duration, media in entries)
    return box(b"edts", full(b"elst", version, 0, pack(">I", len(entries)), rows))


def fragment(
    start_ts: int,
    sizes: Sequence[int] = (40, 10, 10),
    duration_ts: int = 512,
    sync: bool = True,
    number: int = 1,
) -> bytes:
    """A moof and its mdat; all samples last duration_ts and only the first may be sync."""
    first = SYNC if sync else NON_SYNC
    tfhd = full(b"tfhd", 0, 0x2_0028, pack(">III", 1, duration_ts, NON_SYNC))
    tfdt = full(b"tfdt", 1, 0, pack(">Q", start_ts))
    mfhd = full(b"mfhd", 0, 0, pack(">I", number))

    def moof(offset: int) -> bytes:
        table = pack(">IiI", len(sizes), offset, first) + b"".join(pack(">I", s) for s in sizes)
        return box(b"moof", mfhd, box(b"traf", tfhd, tfdt, full(b"trun", 0, 0x205, table)))

    return moof(len(moof(0)) + 8) + box(b"mdat", bytes(sum(sizes)))
