from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.errors import BadMedia
from streaming.isobmff.fragment import SAMPLES_LIMIT, Fragment
from streaming.isobmff.init import SampleDefaults, Track
from streaming.isobmff.reader import LEAD_LIMIT_BYTES, CmafReader, Init
from tests.support import cmaf

CORPUS = Path(__file__).parents[3] / "corpus" / "isobmff"
STYP = cmaf.box(b"styp", b"cmfs")
WHOLE = cmaf.init() + STYP + cmaf.fragment(0) + cmaf.box(b"sidx") + cmaf.fragment(1536, sync=False)


def read(data: bytes) -> list[Init | Fragment]:
    reader = CmafReader()
    found = reader.feed(data)
    reader.finish()
    return found


def test_a_track_is_read_whole() -> None:
    init, first, second = read(WHOLE)
    assert init == Init(
        cmaf.init(),
        Track(
            id=1,
            handler="vide",
            timescale=15_360,
            codecs="avc1.64001e",
            defaults=SampleDefaults(0, 0, 0),
            width_px=320,
            height_px=180,
        ),
    )
    lead = len(STYP)
    body = len(cmaf.fragment(0))
    assert first == Fragment(0, 1536, 3, True, lead + body - 20, STYP + cmaf.fragment(0))
    assert second == Fragment(1536, 1536, 3, False, body - 20, cmaf.fragment(1536, sync=False))


@given(st.lists(st.integers(0, len(WHOLE)), max_size=30))
def test_any_chunking_reads_the_same(cuts: list[int]) -> None:
    reader = CmafReader()
    ends = [*sorted(set(cuts) | {0, len(WHOLE)})]
    found = [item for a, b in pairwise(ends) for item in reader.feed(WHOLE[a:b])]
    reader.finish()
    assert found == read(WHOLE)


def test_what_is_kept_is_a_whole_file_without_indexes() -> None:
    kept = b"".join(item.data for item in read(WHOLE))
    assert kept == WHOLE.replace(cmaf.box(b"sidx"), b"")


@pytest.mark.parametrize("end", range(1, len(WHOLE), 7))
def test_every_early_end_is_told_or_is_between_fragments(end: int) -> None:
    try:
        read(WHOLE[:end])
    except BadMedia:
        return
    starts = {len(cmaf.init()), len(WHOLE) - len(cmaf.fragment(0, sync=False))}
    assert any(abs(end - start) <= len(STYP) + 8 for start in starts)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (cmaf.fragment(0), "where ftyp should follow"),
        (cmaf.init() + cmaf.box(b"mdat"), "where moof should follow"),
        (cmaf.init() + cmaf.fragment(0)[:-68] + STYP, "where mdat should follow"),
        (cmaf.init() * 2, "where moof should follow"),
        (cmaf.init() + cmaf.box(b"styp", bytes(LEAD_LIMIT_BYTES)), "too much"),
        (cmaf.init(entries=2), "2 sample entries"),
        (cmaf.init(timescale=0), "timescale 0"),
        (cmaf.init(cmaf.video_entry(b"mp4v")), "not served"),
        (cmaf.init(cmaf.video_entry(config=b"")), "0 boxes avcC"),
        (cmaf.init() + cmaf.fragment(0, sizes=()), "without samples"),
    ],
)
def test_what_is_no_cmaf_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BadMedia, match=message):
        CmafReader().feed(data)


def broken(old: bytes, new: bytes) -> bytes:
    good = cmaf.fragment(0)
    assert good.count(old) == 1
    return cmaf.init() + good.replace(old, new)


def test_samples_outside_of_their_mdat_are_refused() -> None:
    with pytest.raises(BadMedia, match="outside of its mdat"):
        CmafReader().feed(broken(b"\0\0\0\x28", b"\0\0\0\x29"))


def test_a_fragment_of_another_track_is_refused() -> None:
    tfhd = b"tfhd\x00\x02\x00\x28\0\0\0"
    with pytest.raises(BadMedia, match="another track"):
        CmafReader().feed(broken(tfhd + b"\x01", tfhd + b"\x02"))


def test_absolute_offsets_are_refused() -> None:
    with pytest.raises(BadMedia, match="absolute offsets"):
        CmafReader().feed(broken(b"tfhd\x00\x02\x00\x28", b"tfhd\x00\x02\x00\x29"))


def test_a_run_that_claims_more_samples_than_allowed_is_refused_before_it_is_read() -> None:
    run = b"trun\x00\x00\x02\x05\0\0\0\x03"
    count = (SAMPLES_LIMIT + 1).to_bytes(4, "big")
    with pytest.raises(BadMedia, match="samples in a fragment"):
        CmafReader().feed(broken(run, run[:-4] + count))


@pytest.mark.parametrize(
    ("edits", "skip_ts"),
    [
        (b"", 0),
        (cmaf.edit_list((0, 1024)), 1024),
        (cmaf.edit_list((0, 1024), version=1), 1024),
        (cmaf.edit_list((32, -1), (0, 512)), 512),
        (cmaf.edit_list((32, -1)), 0),
    ],
)
def test_the_edit_list_says_what_to_skip(edits: bytes, skip_ts: int) -> None:
    (init,) = CmafReader().feed(cmaf.init(edits=edits))
    assert isinstance(init, Init)
    assert init.track.skip_ts == skip_ts


@pytest.mark.parametrize(
    ("entry", "codecs"),
    [(cmaf.audio_entry(), "opus"), (cmaf.audio_entry(b"mp4a", cmaf.esds()), "mp4a.40.2")],
)
def test_audio_tracks(entry: bytes, codecs: str) -> None:
    (init,) = CmafReader().feed(cmaf.init(entry, b"soun", 48_000))
    assert isinstance(init, Init)
    track = init.track
    assert (track.handler, track.codecs) == ("soun", codecs)
    assert (track.sample_rate_hz, track.channels) == (48_000, 1)


@given(st.binary(max_size=60), st.integers(0, len(WHOLE)), st.integers(0, 60))
def test_damage_is_refused_or_read_never_worse(noise: bytes, at: int, length: int) -> None:
    _feed_anything(WHOLE[:at] + noise + WHOLE[at + length :])


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.bin")), ids=lambda path: str(path.name))
def test_what_once_broke_the_reader_never_does_again(path: Path) -> None:
    _feed_anything(path.read_bytes())


def _feed_anything(data: bytes) -> None:
    reader = CmafReader()
    try:
        reader.feed(data)
        reader.finish()
    except BadMedia:
        pass
