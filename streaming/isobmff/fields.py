"""A cursor over the fields of one box: big-endian integers, never past the end.

Spec: ISO/IEC 14496-12 4.2.2 (full boxes).
"""

from __future__ import annotations

from streaming.errors import BadMedia


class Fields:
    """Read the payload of a box from front to back."""

    def __init__(self, payload: memoryview) -> None:
        self._payload = payload
        self._at = 0

    def u(self, size_bytes: int) -> int:
        """Read an unsigned integer. Raises: BadMedia when the box is too short."""
        return int.from_bytes(self.take(size_bytes), "big")

    def i32(self) -> int:
        """Read a signed integer of 32 bits."""
        return int.from_bytes(self.take(4), "big", signed=True)

    def take(self, size_bytes: int) -> memoryview:
        """Give the next bytes."""
        end = self._at + size_bytes
        if end > len(self._payload):
            raise BadMedia("a box is shorter than its fields")
        found = self._payload[self._at : end]
        self._at = end
        return found

    def rest(self) -> memoryview:
        """Give all that is left."""
        return self.take(len(self._payload) - self._at)

    def full_box(self) -> tuple[int, int]:
        """Read version and flags."""
        return self.u(1), self.u(3)
