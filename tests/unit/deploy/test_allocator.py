"""Memory that was freed goes back to the system, though small blocks last between large ones."""

from __future__ import annotations

import subprocess
import sys

MB = 1 << 20
# A freed block of 16 MB raises the threshold of an allocator that is told nothing; media of 1 MB
# then lies in the heap, each beside a block that lasts.
HANDS_OUT_MEDIA = """
from loadtests.live_cpu import resident_bytes
from deploy.allocator import give_back_freed_memory
import os, sys

if sys.argv[1] == "told":
    assert give_back_freed_memory()
del_me = bytes(16 << 20)
del del_me
media, lasts = [], []
for _ in range(200):
    media.append(b"m" * (1 << 20))
    lasts.append(b"k" * 2000)
full = resident_bytes(os.getpid())
media.clear()
print(full - resident_bytes(os.getpid()))
"""


def given_back(told: str) -> int:
    """Give the bytes that a process gave back when its media was over."""
    done = subprocess.run(
        [sys.executable, "-c", HANDS_OUT_MEDIA, told], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_media_that_is_over_leaves_no_hole() -> None:
    assert given_back("told") > 190 * MB


def test_without_it_the_holes_stay() -> None:
    assert given_back("not told") < 100 * MB
