"""Sheets, slide changes and chapters."""

from __future__ import annotations

import pytest

from catalog.media import Chapter
from transcoder.errors import ProcessError
from transcoder.plan import SidePlan
from transcoder.sideproducts import (
    LARGEST_SHEET_BYTES,
    Change,
    ChangeReader,
    SheetSplitter,
    chapters,
    sheet_times,
)

IMAGES = [b"\xff\xd8one\xff\x00\xff\xd9", b"\xff\xd8two\xff\xd9"]
PRINTED = (
    b"frame:0    pts:0       pts_time:0\nlavfi.scd.mafd=0.000\nlavfi.scd.score=0.000\n"
    b"frame:1    pts:1       pts_time:0.5\nlavfi.scd.mafd=9\nlavfi.scd.score=5.900\n"
    b"frame:2    pts:2       pts_time:1\nlavfi.scd.mafd=9\nlavfi.scd.score=1.999\n"
    b"frame:3    pts:3       pts_time:1.5\nlavfi.scd.mafd=9\nlavfi.scd.score=52.4\n"
)


@pytest.mark.parametrize("step", [1, 5, 100])
def test_images_are_cut_however_the_bytes_come(step: int) -> None:
    data = b"".join(IMAGES)
    splitter = SheetSplitter()
    found = [i for at in range(0, len(data), step) for i in splitter.feed(data[at : at + step])]
    assert found == IMAGES


def test_an_image_without_end_is_refused() -> None:
    splitter = SheetSplitter()
    with pytest.raises(ProcessError):
        splitter.feed(bytes(LARGEST_SHEET_BYTES + 1))


@pytest.mark.parametrize("step", [1, 17, 1000])
def test_changes_are_read_however_the_bytes_come(step: int) -> None:
    reader = ChangeReader()
    parts = [PRINTED[at : at + step] for at in range(0, len(PRINTED), step)]
    assert [c for part in parts for c in reader.feed(part)] == [Change(0.5, 5.9), Change(1.5, 52.4)]


@pytest.mark.parametrize(
    ("at", "duration_s", "starts"),
    [
        ([11, 24, 34], 46, [0, 11, 24, 34]),
        ([34, 11, 24], 46, [0, 11, 24, 34]),
        ([11, 11.5, 12.5, 30], 46, [0, 12.5, 30]),
        ([2, 20], 46, [0, 20]),
        ([20, 44], 46, [0, 20]),
        ([], 46, []),
        ([2], 46, []),
        ([float(n) for n in range(1, 40)], 46, []),
        ([7, 14, 21, 28, 35, 42], 60, [0, 7, 14, 21, 28, 35, 42]),
    ],
)
def test_chapters(at: list[float], duration_s: float, starts: list[float]) -> None:
    found = chapters([Change(one, 10) for one in at], duration_s)
    assert found == tuple(Chapter(start, str(n)) for n, start in enumerate(starts, 1))


def test_sheets_hold_their_cells_times() -> None:
    side = SidePlan(4, 160, 90, 2, 2, 0.0, 720, True)
    assert sheet_times(side, 100, 122) == [(100, 104, 108, 112), (116, 120)]
    assert sheet_times(side, 0, 8) == [(0, 4)]
    assert sheet_times(side, 0, 0.5) == [(0,)]
