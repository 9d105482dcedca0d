"""Progress blocks out of bytes cut anywhere."""

from __future__ import annotations

import pytest

from transcoder.progress import LONGEST_LINE_BYTES, Progress, ProgressReader

TEXT = (
    b"frame=0\nfps=0.00\nout_time_us=N/A\nspeed=N/A\nprogress=continue\n"
    b"frame=48\nout_time_us=1600000\nspeed=1.61x\nprogress=continue\n"
    b"frame=120\nout_time_us=4000000\nspeed=   2x\nprogress=end\n"
)
BLOCKS = [
    Progress(0, 0.0, None, done=False),
    Progress(48, 1.6, 1.61, done=False),
    Progress(120, 4.0, 2.0, done=True),
]


@pytest.mark.parametrize("step", [1, 7, len(TEXT)])
def test_reads_blocks_however_the_bytes_are_cut(step: int) -> None:
    reader = ProgressReader()
    found = [p for i in range(0, len(TEXT), step) for p in reader.feed(TEXT[i : i + step])]
    assert found == BLOCKS


def test_a_line_without_end_is_not_kept() -> None:
    reader = ProgressReader()
    for _ in range(8):
        assert reader.feed(b"x" * LONGEST_LINE_BYTES) == []
    assert reader.feed(b"\nframe=1\nprogress=end\n") == [Progress(1, 0.0, None, done=True)]


def test_nonsense_is_zero() -> None:
    blocks = ProgressReader().feed(b"frame=many\nout_time_us=-5\n\xff\nprogress=continue\n")
    assert blocks == [Progress(0, 0.0, None, done=False)]
