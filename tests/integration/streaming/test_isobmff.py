"""The reader against what ffmpeg really writes; PyAV is the second opinion."""

from io import BytesIO
from itertools import accumulate

import av
import pytest

from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader, Init
from streaming.isobmff.segmenter import CmafSegment, Segmenter
from tests.support.media import FRAME_RATE, GOP_FRAMES, Recipe, encoded

PIECE_BYTES = 4096


def read(data: bytes) -> tuple[Init, list[CmafSegment]]:
    reader, segmenter = CmafReader(), Segmenter()
    init: Init | None = None
    segments: list[CmafSegment] = []
    for start in range(0, len(data), PIECE_BYTES):
        for item in reader.feed(data[start : start + PIECE_BYTES]):
            if isinstance(item, Fragment):
                segment = segmenter.push(item)
                segments += [segment] if segment else []
            else:
                init = item
    reader.finish()
    assert segmenter.finish() is None
    assert init is not None
    return init, segments


def packets_of(data: bytes) -> list[tuple[int, bool]]:
    with av.open(BytesIO(data)) as container:
        return [(p.size, p.is_keyframe) for p in container.demux() if p.size]


@pytest.mark.parametrize(
    ("codec", "codecs", "timescale"),
    [
        ("h264", "avc1.64000c", 12_800),
        ("av1", "av01.0.00M.08", 12_800),
        ("aac", "mp4a.40.2", 48_000),
        ("opus", "opus", 48_000),
    ],
)
def test_a_real_track(codec: str, codecs: str, timescale: int) -> None:
    data = encoded(Recipe(codec))
    init, segments = read(data)
    assert (init.track.codecs, init.track.timescale) == (codecs, timescale)
    starts = [s.start_ts for s in segments]
    assert starts == [0, *accumulate(s.duration_ts for s in segments)][:-1]
    joined = init.data + b"".join(s.data for s in segments)
    assert packets_of(joined) == packets_of(data)


@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_each_video_segment_is_one_closed_gop_and_its_keyframe_can_be_shown_alone(
    codec: str,
) -> None:
    init, segments = read(encoded(Recipe(codec)))
    gop_ts = GOP_FRAMES * init.track.timescale // FRAME_RATE
    assert [s.duration_ts for s in segments] == [gop_ts] * 3 + [gop_ts // 2]
    assert (init.track.width_px, init.track.height_px) == (320, 180)
    for segment in segments:
        packets = packets_of(init.data + segment.data)
        assert [key for _, key in packets] == [True] + [False] * (len(packets) - 1)
        with av.open(BytesIO(init.data + segment.data[: segment.keyframe_bytes])) as container:
            frame = next(container.decode(video=0))
            assert (frame.width, frame.height, frame.key_frame) == (320, 180, True)


@pytest.mark.parametrize("codec", ["aac", "opus"])
def test_audio_priming_is_in_the_edit_list(codec: str) -> None:
    init, segments = read(encoded(Recipe(codec)))
    assert init.track.skip_ts == {"aac": 1024, "opus": 312}[codec]
    assert (init.track.sample_rate_hz, init.track.channels) == (48_000, 1)
    total = sum(s.duration_ts for s in segments) - init.track.skip_ts
    assert total / init.track.timescale == pytest.approx(7, abs=0.03)
