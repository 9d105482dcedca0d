"""What the C library's allocator is told first of all: freed memory goes back to the system.

A service that runs for months keeps small lasting objects beside media that comes and goes. glibc
raises its threshold for mapping a block by itself whenever such a block is freed (up to 32 MB), so
that media soon lies in the heap between what lasts, and gives every thread a heap of its own: the
holes between are never given back. Fixed limits keep media out of the heap. Other C libraries have
no such switch, and are left as they are.

Spec: mallopt(3) (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX).
"""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# Blocks of this size and more are mapped by themselves: most segments and parts of uploads.
MAPPED_BYTES = 128 * 1024
# So much may lie unused at a heap's end.
TRIM_BYTES = 4 * 1024 * 1024
HEAPS = 2


def give_back_freed_memory() -> bool:
    """Tell the allocator; give whether it listens."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    told = {
        _M_MMAP_THRESHOLD: MAPPED_BYTES, _M_TRIM_THRESHOLD: TRIM_BYTES, _M_ARENA_MAX: HEAPS,
    }  # fmt: skip
    return all(mallopt(switch, value) for switch, value in told.items())
