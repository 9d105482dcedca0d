"""Codec strings for playlists and browsers, from the sample entry of an initialization section.

Spec: RFC 6381 3.3; ISO/IEC 14496-15 annex E (avc1, hvc1); AV1-ISOBMFF 5; ISO/IEC 14496-1 7.2.6
(esds). Opus is written in lower case, as ISO registers it.
"""

from __future__ import annotations

from streaming.errors import BadMedia
from streaming.isobmff.fields import Fields

_ES, _DECODER_CONFIG, _DECODER_SPECIFIC = 3, 4, 5
_DESCRIPTOR_LENGTH_BYTES = 4
_AOT_ESCAPE = 31


def avc(entry: str, config: memoryview) -> str:
    """Name H.264 by profile, constraints and level from avcC."""
    fields = Fields(config)
    fields.u(1)
    return f"{entry}.{fields.u(3):06x}"


def hevc(entry: str, config: memoryview) -> str:
    """Name H.265 by profile, compatibility, tier, level and constraints from hvcC."""
    fields = Fields(config)
    fields.u(1)
    profile = fields.u(1)
    compatibility = int(f"{fields.u(4):032b}"[::-1], 2)
    constraints = bytes(fields.take(6)).rstrip(b"\0")
    space = ("", "A", "B", "C")[profile >> 6]
    tier = "H" if profile & 0x20 else "L"
    head = f"{entry}.{space}{profile & 0x1F}.{compatibility:X}.{tier}{fields.u(1)}"
    return ".".join([head, *(f"{octet:X}" for octet in constraints)])


def av1(config: memoryview) -> str:
    """Name AV1 by profile, level, tier and bit depth from av1C."""
    fields = Fields(config)
    fields.u(1)
    level, depth = fields.u(1), fields.u(1)
    profile = level >> 5
    high, twelve = depth & 0x40, depth & 0x20
    bits = (12 if twelve and profile == 2 else 10) if high else 8
    return f"av01.{profile}.{level & 0x1F:02d}{'H' if depth & 0x80 else 'M'}.{bits:02d}"


def mp4a(config: memoryview) -> str:
    """Name MPEG-4 audio by object type and audio object type from esds."""
    fields = Fields(config)
    fields.full_box()
    es = Fields(_descriptor(fields, _ES))
    es.u(2)
    flags = es.u(1)
    if flags & 0xE0:
        raise BadMedia("an esds box with dependencies")
    decoder = Fields(_descriptor(es, _DECODER_CONFIG))
    object_type = decoder.u(1)
    decoder.take(12)
    audio = Fields(_descriptor(decoder, _DECODER_SPECIFIC)).u(2)
    kind = audio >> 11
    if kind == _AOT_ESCAPE:
        kind = 32 + (audio >> 5 & 0x3F)
    return f"mp4a.{object_type:02x}.{kind}"


def _descriptor(fields: Fields, wanted: int) -> memoryview:
    tag = fields.u(1)
    length = 0
    for _ in range(_DESCRIPTOR_LENGTH_BYTES):
        octet = fields.u(1)
        length = length << 7 | octet & 0x7F
        if not octet & 0x80:
            break
    if tag != wanted:
        raise BadMedia(f"descriptor {tag} where {wanted} is needed")
    return fields.take(length)
