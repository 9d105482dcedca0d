from __future__ import annotations

import pytest

from catalog.live import FeedName
from streaming.live.target import Kind, Target, read_target

ID = "0123456789abcdefghjk"
MAIN, FLOOR = FeedName.MAIN, FeedName.FLOOR


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("multivariant.m3u8", Target(ID, MAIN, Kind.MULTIVARIANT)),
        ("720p.m3u8", Target(ID, MAIN, Kind.PLAYLIST, "720p")),
        ("720p/init-2.mp4", Target(ID, MAIN, Kind.INIT, "720p", 2)),
        ("720p/12.m4s", Target(ID, MAIN, Kind.SEGMENT, "720p", 12)),
        ("720p/12.0.m4s", Target(ID, MAIN, Kind.PART, "720p", 12)),
        ("aac/0.9.m4s", Target(ID, MAIN, Kind.PART, "aac", 0, 9)),
        ("stream", Target(ID, MAIN, Kind.STREAM)),
        ("floor/multivariant.m3u8", Target(ID, FLOOR, Kind.MULTIVARIANT)),
        ("floor/360p/1.2.m4s", Target(ID, FLOOR, Kind.PART, "360p", 1, 2)),
        ("second/360p.m3u8", Target(ID, FeedName.SECOND, Kind.PLAYLIST, "360p")),
        ("t/e-J.a_b/720p.m3u8", Target(ID, MAIN, Kind.PLAYLIST, "720p", token="e-J.a_b")),
        ("floor/t/x/720p/5.1.m4s", Target(ID, FLOOR, Kind.PART, "720p", 5, 1, "x")),
        ("t/5.m4s", Target(ID, MAIN, Kind.SEGMENT, "t", 5)),
    ],
)
def test_what_paths_name(path: str, target: Target) -> None:
    assert read_target(f"{ID}/{path}") == target


@pytest.mark.parametrize(
    "path",
    ["", "room", "720p", "720p/", "720p/01.m4s", "720p/1.2.3.m4s", "720p/-1.m4s", "720P/1.m4s",
     "main/720p.m3u8", "third/720p.m3u8", "../720p.m3u8", "720p/1234567890.m4s", "720p/init.mp4",
     "720p/١.m4s", "-x/1.m4s", "720p.m3u8/", "t//720p.m3u8", "t/a b/720p.m3u8", "t/../720p/x.m4s",
     "a" * 90 + ".m3u8"],
)  # fmt: skip
def test_what_names_nothing(path: str) -> None:
    assert read_target(f"{ID}/{path}") is None


@pytest.mark.parametrize("path", ["x/720p.m3u8", f"{ID}", f"{ID}U/stream", "/stream"])
def test_no_session(path: str) -> None:
    assert read_target(path) is None
