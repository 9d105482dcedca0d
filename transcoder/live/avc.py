"""H.264 configuration and access units: what a picture is, and Annex B made into FLV's form. Pure.

Spec: ISO/IEC 14496-15 5.3.3.1 (avcC); Rec. ITU-T H.264 7.3.2.1.1, annex B, annex E.1.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack

from transcoder.live.errors import BadContribution

NALS_LIMIT = 256
GOLOMB_LIMIT_BITS = 31
SIDE_LIMIT_PX = 8192
SET_LIMIT_BYTES = 0xFFFF
_SPS, _PPS, _DELIMITER = 7, 8, 9
_HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_START_CODE = b"\0\0\1"
_EXTENDED_ASPECT = 255


@dataclass(frozen=True, slots=True)
class Avc:
    """What a sequence parameter set says. fps 0: it does not say."""

    profile: int
    chroma: int
    depth_bits: int
    width_px: int
    height_px: int
    progressive: bool
    fps: float


def read_avcc(data: bytes) -> Avc:
    """Read a decoder configuration record. Raises: BadContribution."""
    if len(data) < 8 or data[0] != 1 or not data[5] & 31:
        raise BadContribution("an H.264 header without parameter sets")
    size = int.from_bytes(data[6:8], "big")
    return read_sps(data[8 : 8 + size])


def split_annex_b(data: bytes) -> list[bytes]:
    """Give the NAL units of an access unit. Raises: BadContribution."""
    lead, *nals = data.split(_START_CODE, NALS_LIMIT + 1)
    if lead.strip(b"\0") or not nals:
        raise BadContribution("a picture that does not begin with an Annex B start code")
    if len(nals) > NALS_LIMIT:
        raise BadContribution(f"a picture of more than {NALS_LIMIT} NAL units")
    found = [nal.rstrip(b"\0") for nal in nals]
    return [nal for nal in found if nal]


def make_avcc(nals: list[bytes]) -> bytes | None:
    """Give the configuration record of an access unit's parameter sets; None when it has none.

    Raises: BadContribution when one is too long for it.
    """
    sps = next((nal for nal in nals if nal[0] & 31 == _SPS and len(nal) > 3), None)
    pps = next((nal for nal in nals if nal[0] & 31 == _PPS), None)
    if sps is None or pps is None:
        return None
    if max(len(sps), len(pps)) > SET_LIMIT_BYTES:
        raise BadContribution(f"an H.264 parameter set of {max(len(sps), len(pps))} bytes")
    head = bytes([1, sps[1], sps[2], sps[3], 0xFF, 0xE1])
    return head + pack(">H", len(sps)) + sps + b"\1" + pack(">H", len(pps)) + pps


def length_prefixed(nals: list[bytes]) -> bytes:
    """Join the NAL units of a picture as FLV and MP4 keep them, without parameter sets."""
    kept = [nal for nal in nals if nal[0] & 31 not in (_SPS, _PPS, _DELIMITER)]
    return b"".join(pack(">I", len(nal)) + nal for nal in kept)


class _Bits:
    """Reads bits of a NAL unit whose emulation prevention was taken out."""

    __slots__ = ("_at", "_length", "_value")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._at = 0
        self._length = 8 * len(data)

    def u(self, count: int) -> int:
        self._at += count
        if self._at > self._length:
            raise BadContribution("an H.264 parameter set ends too early")
        return self._value >> self._length - self._at & (1 << count) - 1

    def ue(self) -> int:
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > GOLOMB_LIMIT_BITS:
                raise BadContribution("a number in an H.264 parameter set is too long")
        return (1 << zeros) - 1 + (self.u(zeros) if zeros else 0)

    def se(self) -> int:
        coded = self.ue()
        return (coded + 1) // 2 if coded & 1 else -(coded // 2)


def read_sps(sps: bytes) -> Avc:
    """Read a sequence parameter set. Raises: BadContribution."""
    bits = _Bits(sps[1:256].replace(b"\0\0\3", b"\0\0"))
    profile = bits.u(8)
    bits.u(16)
    bits.ue()
    chroma, depth = _samples(bits) if profile in _HIGH_PROFILES else (1, 8)
    _skip_order(bits)
    bits.ue()
    bits.u(1)
    width, map_height = 16 * (bits.ue() + 1), 16 * (bits.ue() + 1)
    progressive = bool(bits.u(1))
    if not progressive:
        bits.u(1)
    bits.u(1)
    height = map_height * (1 if progressive else 2)
    if bits.u(1):
        left, right, top, bottom = (bits.ue() for _ in range(4))
        across, down = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1)
        width -= across * (left + right)
        height -= down * (top + bottom) * (1 if progressive else 2)
    if not (0 < width <= SIDE_LIMIT_PX and 0 < height <= SIDE_LIMIT_PX):
        raise BadContribution(f"a picture of {width} by {height} pixels")
    return Avc(profile, chroma, depth, width, height, progressive, _rate(bits))


def _samples(bits: _Bits) -> tuple[int, int]:
    """Read the high profiles' fields; gives chroma format and the larger bit depth."""
    chroma = bits.ue()
    if chroma == 3:
        bits.u(1)
    depth = 8 + max(bits.ue(), bits.ue())
    bits.u(1)
    if bits.u(1):
        for number in range(8 if chroma != 3 else 12):
            if bits.u(1):
                _skip_scaling_list(bits, 16 if number < 6 else 64)
    return chroma, depth


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _skip_order(bits: _Bits) -> None:
    """Pass by frame numbers and picture order."""
    bits.ue()
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.u(1)
        bits.se()
        bits.se()
        for _ in range(min(bits.ue(), 255)):
            bits.se()


def _rate(bits: _Bits) -> float:
    """Read frames a second from the usability information; 0 when it is not there or cut off."""
    try:
        if not bits.u(1):
            return 0.0
        if bits.u(1) and bits.u(8) == _EXTENDED_ASPECT:
            bits.u(32)
        if bits.u(1):
            bits.u(1)
        if bits.u(1):
            bits.u(4)
            if bits.u(1):
                bits.u(24)
        if bits.u(1):
            bits.ue()
            bits.ue()
        if not bits.u(1):
            return 0.0
        ticks, scale = bits.u(32), bits.u(32)
    except BadContribution:
        return 0.0
    return scale / (2 * ticks) if ticks else 0.0
