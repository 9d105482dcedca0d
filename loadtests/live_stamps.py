"""Wall-clock milliseconds burnt into a picture as black and white blocks, and read back. Pure.

24 bits of milliseconds (they come round after 4.6 hours) and 4 check bits, as blocks of 32 px in
one row of a 1280x720 frame: they survive the 180p rung. Whoever reads knows about when it was, so
`unwrap` gives the whole time.
"""

from __future__ import annotations

from collections.abc import Sequence

WIDTH_PX, HEIGHT_PX = 1280, 720
FPS = 30
BLOCK_PX = 32
TIME_BITS, CHECK_BITS = 24, 4
BITS = TIME_BITS + CHECK_BITS
LEFT_PX, TOP_PX = (WIDTH_PX - BITS * BLOCK_PX) // 2, 2 * BLOCK_PX
AROUND = 1 << TIME_BITS
BLACK, WHITE, GREY = 16, 235, 128
MIDDLE = (BLACK + WHITE) // 2
FRAME_BYTES = WIDTH_PX * HEIGHT_PX * 3 // 2


def code(time_ms: int) -> int:
    """Give the 28 bits that stand for a time."""
    value = time_ms % AROUND
    return value << CHECK_BITS | _check(value)


def decode(bits: int) -> int | None:
    """Give the time modulo 2^24, or None where the check bits do not fit."""
    value, check = bits >> CHECK_BITS, bits & (1 << CHECK_BITS) - 1
    return value if _check(value) == check else None


def _check(value: int) -> int:
    """Weigh the six nibbles with odd numbers, so that no single wrong bit goes unseen."""
    nibbles = (value >> shift & 15 for shift in range(0, TIME_BITS, 4))
    return (5 + sum((2 * place + 1) * nibble for place, nibble in enumerate(nibbles))) & 15


def unwrap(value: int, near_ms: float) -> int:
    """Give the time nearest to `near_ms` that has this stamp."""
    return value + AROUND * round((near_ms - value) / AROUND)


def stamp(frame: bytearray, time_ms: int) -> None:
    """Write a time into a yuv420p frame of 1280x720."""
    bits = code(time_ms)
    row = b"".join(
        bytes((WHITE if bits >> shift & 1 else BLACK,)) * BLOCK_PX
        for shift in range(BITS - 1, -1, -1)
    )
    for line in range(TOP_PX, TOP_PX + BLOCK_PX):
        at = line * WIDTH_PX + LEFT_PX
        frame[at : at + len(row)] = row
    grey = bytes((GREY,)) * (len(row) // 2)
    for plane in (WIDTH_PX * HEIGHT_PX, WIDTH_PX * HEIGHT_PX * 5 // 4):
        for line in range(TOP_PX // 2, (TOP_PX + BLOCK_PX) // 2):
            at = plane + line * (WIDTH_PX // 2) + LEFT_PX // 2
            frame[at : at + len(grey)] = grey


def read(lumas: Sequence[int]) -> int | None:
    """Give what the brightness of the 28 blocks' middles says, first bit first."""
    bits = 0
    for luma in lumas:
        bits = bits << 1 | (luma > MIDDLE)
    return decode(bits)
