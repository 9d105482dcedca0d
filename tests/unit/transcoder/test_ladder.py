"""Ladders as exact tables."""

from __future__ import annotations

import pytest

from transcoder.ladder import fitted, fixed_rungs, frame_rate, gop_frames, late_rungs, rungs
from transcoder.plan import ContentKind, VideoCodec

SLIDES, FACE, CAMERA = ContentKind.SLIDES, ContentKind.SLIDES_WITH_FACE, ContentKind.CAMERA
Row = tuple[str, int, int, int, int, int]


def table(
    kind: ContentKind, size: tuple[int, int], kbps: int = 9000, codec: str = "h264"
) -> list[Row]:
    """Name, width, height, CRF, cap and buffer in kilobits."""
    return [
        (r.name, r.width_px, r.height_px, r.crf, r.cap_bps // 1000, r.buffer_bits // 1000)
        for r in rungs(kind, size, kbps * 1000, codec)
    ]


@pytest.mark.parametrize(
    ("kind", "size", "expected"),
    [
        (
            SLIDES,
            (1920, 1080),
            [
                ("1080p", 1920, 1080, 25, 1500, 3000),
                ("1080p-low", 1920, 1080, 32, 400, 1200),
                ("720p", 1280, 720, 26, 600, 1200),
                ("360p", 640, 360, 22, 150, 450),
            ],
        ),
        (
            FACE,
            (1280, 720),
            [
                ("720p", 1280, 720, 26, 816, 1632),
                ("720p-low", 1280, 720, 33, 217, 653),
                ("360p", 640, 360, 24, 150, 450),
            ],
        ),
        (SLIDES, (640, 360), [("360p", 640, 360, 25, 288, 577)]),
        (
            CAMERA,
            (1920, 1080),
            [
                ("1080p", 1920, 1080, 27, 2500, 5000),
                ("720p", 1280, 720, 26, 1200, 2400),
                ("480p", 854, 480, 24, 600, 1200),
                ("360p", 640, 360, 24, 300, 600),
                ("240p", 426, 240, 26, 150, 300),
            ],
        ),
        (
            CAMERA,
            (1080, 1920),
            [
                ("1080p", 1080, 1920, 27, 2500, 5000),
                ("720p", 720, 1280, 26, 1200, 2400),
                ("480p", 480, 854, 24, 600, 1200),
                ("360p", 360, 640, 24, 300, 600),
                ("240p", 240, 426, 26, 150, 300),
            ],
        ),
        (
            CAMERA,
            (800, 600),
            [
                ("600p", 800, 600, 27, 1035, 2070),
                ("480p", 640, 480, 24, 600, 1200),
                ("360p", 480, 360, 24, 300, 600),
                ("240p", 320, 240, 26, 150, 300),
            ],
        ),
        (CAMERA, (321, 181), [("180p", 320, 180, 27, 170, 340)]),
        (CAMERA, (64, 48), [("48p", 64, 48, 27, 60, 120)]),
        (
            SLIDES,
            (3840, 2160),
            [
                ("1080p", 1920, 1080, 25, 1500, 3000),
                ("1080p-low", 1920, 1080, 32, 400, 1200),
                ("720p", 1280, 720, 26, 600, 1200),
                ("360p", 640, 360, 22, 150, 450),
            ],
        ),
        (
            SLIDES,
            (3840, 1080),
            [
                ("836p", 2974, 836, 25, 1021, 2043),
                ("836p-low", 2974, 836, 32, 272, 817),
                ("360p", 1280, 360, 22, 150, 450),
            ],
        ),
        (CAMERA, (200, 150), [("150p", 200, 150, 27, 129, 258)]),
    ],
)
def test_rungs(kind: ContentKind, size: tuple[int, int], expected: list[Row]) -> None:
    assert table(kind, size) == expected


def test_a_poor_camera_source_bounds_the_caps_and_a_new_codec_counts_for_more() -> None:
    assert [row[4] for row in table(CAMERA, (1280, 720), kbps=400)] == [600, 600, 300, 150]
    assert [row[4] for row in table(CAMERA, (1280, 720), 400, "hevc")] == [1000, 600, 300, 150]


def test_slides_keep_their_burst_however_small_the_source() -> None:
    assert [row[4] for row in table(SLIDES, (1280, 720), kbps=30)] == [816, 217, 150]


@pytest.mark.parametrize("kind", [SLIDES, FACE, CAMERA])
@pytest.mark.parametrize("width", [16, 100, 333, 852, 1366, 2560, 7680])
@pytest.mark.parametrize("height", [16, 99, 480, 768, 1440, 4320])
def test_any_size_gives_even_sizes_that_never_grow(
    kind: ContentKind, width: int, height: int
) -> None:
    found = rungs(kind, (width, height), 1e6, "h264")
    assert len({rung.name for rung in found}) == len(found) >= 1
    for rung in (*found, *late_rungs(kind, (width, height))):
        assert rung.width_px % 2 == rung.height_px % 2 == 0
        assert rung.width_px <= max(16, width + 1)
        assert rung.height_px <= max(16, height + 1)
        assert rung.width_px * rung.height_px < 1.25 * 1920 * 1080


def test_the_late_rung_is_av1() -> None:
    (slides,) = late_rungs(SLIDES, (2560, 1440))
    assert (slides.name, slides.codec, slides.crf) == ("1080p-av1", VideoCodec.AV1, 55)
    assert (slides.preset, slides.tune) == ("8", "scm=1")
    (camera,) = late_rungs(CAMERA, (1280, 720))
    assert (camera.name, camera.crf, camera.tune) == ("720p-av1", 36, "")


def test_fixed_rungs_are_for_comparisons() -> None:
    found = fixed_rungs(FACE, (1920, 1080), (1080, 720, 480, 360, 240))
    assert [(r.name, r.crf) for r in found] == [
        ("1080p", 27),
        ("720p", 27),
        ("480p", 26),
        ("360p", 26),
        ("240p", 26),
    ]


@pytest.mark.parametrize(
    ("rate", "constant", "expected"),
    [
        ((30, 1), True, (30, 1)),
        ((30_000, 1001), True, (30_000, 1001)),
        ((60_000, 1001), True, (30_000, 1001)),
        ((50, 1), True, (25, 1)),
        ((24_000, 1001), True, (24_000, 1001)),
        ((45_000, 1499), True, (30, 1)),
        ((120, 1), True, (30, 1)),
        ((10, 1), True, (10, 1)),
        ((1, 1), True, (5, 1)),
        ((20, 1), True, (20, 1)),
        ((1001, 33), False, (30, 1)),
        ((1000, 34), False, (30, 1)),
        ((1000, 40), False, (25, 1)),
        ((17, 2), False, (8, 1)),
        ((90_000, 1), False, (30, 1)),
    ],
)
def test_frame_rates(rate: tuple[int, int], constant: bool, expected: tuple[int, int]) -> None:
    assert frame_rate(CAMERA, rate, constant=constant) == expected


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ((30, 1), (15, 1)),
        ((60, 1), (15, 1)),
        ((25, 1), (25, 2)),
        ((30_000, 1001), (15_000, 1001)),
        ((24, 1), (12, 1)),
        ((15, 1), (15, 1)),
        ((10, 1), (10, 1)),
        ((20, 1), (10, 1)),
    ],
)
def test_slides_need_fewer_frames(rate: tuple[int, int], expected: tuple[int, int]) -> None:
    assert frame_rate(SLIDES, rate, constant=True) == expected
    assert frame_rate(FACE, rate, constant=True)[0] >= expected[0]


def test_segments_and_fitting() -> None:
    assert gop_frames(SLIDES, (30_000, 1001)) == 240
    assert gop_frames(CAMERA, (25, 1)) == 100
    assert fitted((1920, 1080), 2000) == (1920, 1080)
    assert fitted((768, 576), 480) == (640, 480)
