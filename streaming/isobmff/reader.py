"""A CMAF track read while it is written: initialization section first, then fragments, then done.

Feed it what ffmpeg sends through a pipe, in any pieces. Indexes (sidx, mfra) and padding are left
out, so `Init.data` and all `Fragment.data`, one behind the other, are a whole CMAF file.

Spec: ISO/IEC 23000-19 7.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from streaming.errors import BadMedia
from streaming.isobmff.box import Box, BoxStream
from streaming.isobmff.fragment import Fragment, read_fragment
from streaming.isobmff.init import Track, read_moov

SKIPPED = frozenset({b"free", b"skip", b"sidx", b"mfra", b"uuid", b"wide"})
LEADING = frozenset({b"styp", b"prft", b"emsg"})
LEAD_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Init:
    """The initialization section's bytes and what they say."""

    data: bytes
    track: Track


class _Want(Enum):
    FTYP = "ftyp"
    MOOV = "moov"
    MOOF = "moof"
    MDAT = "mdat"


class CmafReader:
    """Read one track: `feed` gives the `Init` once, then each `Fragment` when it is whole."""

    def __init__(self) -> None:
        self._boxes = BoxStream()
        self._want = _Want.FTYP
        self._track: Track | None = None
        self._lead = b""
        self._held: Box | None = None

    def feed(self, data: bytes) -> list[Init | Fragment]:
        """Take the next bytes. Raises: BadMedia; nothing more can be read after that."""
        found: list[Init | Fragment] = []
        for box in self._boxes.feed(data):
            item = self._take(box)
            if item is not None:
                found.append(item)
        return found

    def finish(self) -> None:
        """Say that the stream has ended. Raises: BadMedia when it ended too early."""
        self._boxes.finish()
        if self._want is not _Want.MOOF:
            raise BadMedia(f"the stream ends where {self._want.value} should follow")

    def _take(self, box: Box) -> Init | Fragment | None:
        if box.kind in SKIPPED:
            return None
        if self._want is _Want.MOOF and box.kind in LEADING:
            self._keep_lead(box)
            return None
        if box.kind != self._want.value.encode():
            raise BadMedia(f"box {box.kind!r} where {self._want.value} should follow")
        return self._STEPS[self._want](self, box)

    def _keep_lead(self, box: Box) -> None:
        self._lead += box.data
        if len(self._lead) > LEAD_LIMIT_BYTES:
            raise BadMedia("too much in front of a fragment")

    def _on_ftyp(self, box: Box) -> None:
        self._held, self._want = box, _Want.MOOV

    def _on_moov(self, box: Box) -> Init:
        assert self._held is not None
        self._track = read_moov(box)
        data, self._held, self._want = self._held.data + box.data, None, _Want.MOOF
        return Init(data, self._track)

    def _on_moof(self, box: Box) -> None:
        self._held, self._want = box, _Want.MDAT

    def _on_mdat(self, box: Box) -> Fragment:
        assert self._held is not None
        assert self._track is not None
        fragment = read_fragment(self._track, self._lead, self._held, box)
        self._held, self._lead, self._want = None, b"", _Want.MOOF
        return fragment

    _STEPS: ClassVar = {
        _Want.FTYP: _on_ftyp,
        _Want.MOOV: _on_moov,
        _Want.MOOF: _on_moof,
        _Want.MDAT: _on_mdat,
    }
