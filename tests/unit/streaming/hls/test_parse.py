from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.errors import BadPlaylist
from streaming.hls.attributes import ATTRIBUTES_LIMIT, Attributes, scaled
from streaming.hls.model import (
    Alternate,
    AlternateKind,
    ByteRange,
    IFrameVariant,
    MediaPart,
    MediaPlaylist,
    MediaSegment,
    MultivariantPlaylist,
    OpenSegment,
    PlaylistType,
    RenditionReport,
    ServerControl,
    Variant,
)
from streaming.hls.parse import TEXT_LIMIT_CHARS, parse_media, parse_multivariant
from streaming.hls.render import render_media, render_multivariant, seconds

CORPUS = Path(__file__).parents[3] / "corpus" / "hls"
uris = st.from_regex(r"[a-z0-9/._?=-]{1,30}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters='"'))
numbers = st.integers(1, 10**12)
codecs = st.lists(st.sampled_from(["avc1.640028", "mp4a.40.2", "opus"]), min_size=1).map(tuple)
resolutions = st.none() | st.tuples(st.integers(1, 9999), st.integers(1, 9999))
segments = st.builds(
    MediaSegment,
    uris,
    st.integers(0, 10_499_999),
    st.none() | st.builds(ByteRange, numbers, st.integers(0, 10**9)),
)
media = st.builds(
    MediaPlaylist,
    target_duration_s=st.just(10),
    segments=st.lists(segments, max_size=8).map(tuple),
    map_uri=st.just("") | uris,
    playlist_type=st.none() | st.sampled_from(PlaylistType),
    first_number=st.integers(0, 10**6),
    independent=st.booleans(),
    iframes_only=st.booleans(),
    from_start=st.booleans(),
    ended=st.booleans(),
)
parts = st.builds(MediaPart, uris, st.integers(0, 200_000), st.booleans(), st.booleans())
programs = st.none() | st.integers(0, 4_000_000_000_000)
live_segments = st.builds(
    MediaSegment,
    uris,
    st.integers(0, 4_499_999),
    st.none(),
    st.lists(parts, max_size=4).map(tuple),
    programs,
    st.booleans(),
    st.just("") | uris,
    st.booleans(),
)
opens = st.builds(
    OpenSegment, st.lists(parts, max_size=4).map(tuple), programs, st.booleans(), st.just("") | uris
).map(lambda found: None if found == OpenSegment() else found)
relative = st.from_regex(r"[a-z0-9._?=-]{1,30}", fullmatch=True)
live = st.builds(
    MediaPlaylist,
    target_duration_s=st.just(4),
    segments=st.lists(live_segments, max_size=6).map(tuple),
    map_uri=uris,
    first_number=st.integers(0, 10**6),
    independent=st.booleans(),
    version=st.just(9),
    discontinuity_number=st.integers(0, 99),
    control=st.builds(
        ServerControl,
        st.booleans(),
        st.none() | st.integers(24_000_000, 99_000_000),
        st.none() | st.integers(12_000_000, 99_000_000),
        st.integers(400_000, 3_000_000),
    ),
    part_target_us=st.just(200_000),
    skipped=st.integers(0, 999),
    open=opens,
    preload_uri=st.just("") | uris,
    reports=st.lists(
        st.builds(RenditionReport, relative, st.integers(0, 10**6), st.none() | st.integers(0, 20)),
        max_size=3,
    ).map(tuple),
)
alternates = st.builds(
    Alternate,
    kind=st.sampled_from(AlternateKind),
    group=st.sampled_from(["a", "b"]),
    name=texts,
    uri=uris,
    language=texts,
    default=st.booleans(),
    autoselect=st.booleans(),
    channels=st.none() | st.integers(1, 8),
)
variants = st.builds(
    Variant,
    uri=uris,
    bandwidth_bps=numbers,
    average_bandwidth_bps=numbers,
    codecs=codecs,
    resolution_px=resolutions,
    frame_rate=st.none() | st.integers(1, 240_000),
    name=texts,
)
multivariants = st.builds(
    MultivariantPlaylist,
    variants=st.lists(variants, max_size=4).map(tuple),
    alternates=st.lists(alternates, max_size=4).map(tuple),
    iframes=st.lists(
        st.builds(IFrameVariant, uris, numbers, numbers, codecs, resolutions), max_size=3
    ).map(tuple),
    independent=st.booleans(),
)


@given(media)
def test_media_playlists_survive_writing_and_reading(playlist: MediaPlaylist) -> None:
    assert parse_media(render_media(playlist)) == playlist


@given(live)
def test_live_playlists_survive_writing_and_reading(playlist: MediaPlaylist) -> None:
    assert parse_media(render_media(playlist)) == playlist
    assert playlist.open_number == (
        playlist.first_number + playlist.skipped + len(playlist.segments)
    )


@given(multivariants)
def test_multivariant_playlists_survive_writing_and_reading(
    playlist: MultivariantPlaylist,
) -> None:
    assert parse_multivariant(render_multivariant(playlist)) == playlist


@given(st.text(alphabet=st.sampled_from('#EXT-X:,="\n\r0123.@INFSTREAM')))
def test_anything_is_read_or_refused(text: str) -> None:
    for parse in (parse_media, parse_multivariant):
        for whole in (text, f"#EXTM3U\n{text}", f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n{text}"):
            with suppress(BadPlaylist):
                parse(whole)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a.m4s", "without a duration"),
        ("#EXTINF:3,", "without a segment"),
        ("#EXTINF:4.6,\na", "longer than the target"),
        ("#EXTINF:-1,\na", "not a decimal"),
        ("#EXTINF:1e3,\na", "not a decimal"),
        ("#EXT-X-TARGETDURATION:4", "twice"),
        ("#EXT-X-ENDLIST\n#EXTINF:1,", "after the end"),
        ("#EXT-X-PLAYLIST-TYPE:LIVE", "playlist type"),
        ("#EXTINF:1,\n#EXT-X-BYTERANGE:5\na", "without its offset"),
        ("#EXT-X-MAP:BYTERANGE=1", "URI is missing"),
        ("#EXT-X-MAP:URI=a", "not a quoted string"),
        ("#EXT-X-STREAM-INF:BANDWIDTH=1", "multivariant"),
    ],
)
def test_bad_media_playlists(body: str, message: str) -> None:
    with pytest.raises(BadPlaylist, match=message):
        parse_media(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n{body}\n")


PARTS = "#EXT-X-PART-INF:PART-TARGET=0.2\n#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=0.6\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('#EXT-X-PART:DURATION=0.2,URI="a"', "without EXT-X-PART-INF"),
        ("#EXT-X-PART-INF:PART-TARGET=0.2", "without PART-HOLD-BACK"),
        (f'{PARTS}#EXT-X-PART:DURATION=0.201,URI="a"', "longer than the part target"),
        (f'{PARTS}#EXT-X-PART:DURATION=0.2,URI="a",BYTERANGE="1@0"', "byte ranges"),
        (f'{PARTS}#EXT-X-PART:DURATION=0.2,URI="a",INDEPENDENT=MAYBE', "neither YES nor NO"),
        (f'{PARTS}#EXT-X-PART:URI="a"', "DURATION is missing"),
        (f'{PARTS}#EXT-X-PART:DURATION=0.2,URI="a"\n#EXT-X-ENDLIST', "middle of a segment"),
        (f'{PARTS}#EXT-X-ENDLIST\n#EXT-X-PART:DURATION=0.2,URI="a"', "after the end"),
        (f"{PARTS}{PARTS}", "twice"),
        ("#EXT-X-PART-INF:PART-TARGET=0.2\n#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=0.3",
         "less than two part targets"),
        ("#EXT-X-SERVER-CONTROL:HOLD-BACK=11", "less than three target"),
        ("#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=23", "less than six target"),
        ("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=1", "neither YES nor NO"),
        ("#EXT-X-SKIP:SKIPPED-SEGMENTS=3", "needs version 9"),
        ("#EXT-X-SKIP:SKIPPED=3", "SKIPPED-SEGMENTS is missing"),
        ('#EXT-X-PRELOAD-HINT:TYPE=PART,URI="a"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="b"',
         "two preload hints"),
        ("#EXT-X-PRELOAD-HINT:TYPE=PART", "URI is missing"),
        ('#EXT-X-RENDITION-REPORT:URI="http://a/b",LAST-MSN=1', "not relative"),
        ('#EXT-X-RENDITION-REPORT:URI="a"', "LAST-MSN is missing"),
        ("#EXT-X-PROGRAM-DATE-TIME:yesterday", "not a date"),
        ("#EXT-X-PROGRAM-DATE-TIME:2026-02-30T00:00:00Z", "not a date"),
        ("#EXT-X-PROGRAM-DATE-TIME:2026-02-03T00:00:00Z\n" * 2, "two dates"),
        ("#EXT-X-DISCONTINUITY-SEQUENCE:x", "not a number"),
    ],
)  # fmt: skip
def test_bad_live_playlists(body: str, message: str) -> None:
    with pytest.raises(BadPlaylist, match=message):
        parse_media(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n{body}\n")


TAGS = (
    "EXTM3U", "EXTINF:4,", "EXT-X-TARGETDURATION:4", "EXT-X-PART-INF:PART-TARGET=", "0.2", "a",
    'EXT-X-PART:DURATION=0.2,URI="a"', "EXT-X-SKIP:SKIPPED-SEGMENTS=", "9999-12-31T23:59:59Z",
    "EXT-X-PROGRAM-DATE-TIME:", "EXT-X-SERVER-CONTROL:", "CAN-SKIP-UNTIL=", "HOLD-BACK=", ",",
    'EXT-X-MAP:URI="a"', "EXT-X-GAP", "EXT-X-DISCONTINUITY", "\n#", "\n", "-", "٣", "+23:59",
    "EXT-X-RENDITION-REPORT:", 'URI="b",LAST-MSN=', "EXT-X-PRELOAD-HINT:TYPE=PART,", "1" * 21,
    "0001-01-01T00:00:00", "EXT-X-BYTERANGE:1@", "EXT-X-ENDLIST", "EXT-X-VERSION:9",
)  # fmt: skip


@given(st.lists(st.sampled_from(TAGS), max_size=30).map("".join))
def test_any_heap_of_live_tags_is_read_or_refused(text: str) -> None:
    _read_anything(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n{text}")


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.m3u8")), ids=lambda path: str(path.name))
def test_what_once_broke_the_reader_never_does_again(path: Path) -> None:
    _read_anything(path.read_text("utf-8"))


def _read_anything(text: str) -> None:
    for parse in (parse_media, parse_multivariant):
        with suppress(BadPlaylist):
            parse(text)


STREAM = '#EXT-X-STREAM-INF:BANDWIDTH=9,AVERAGE-BANDWIDTH=8,CODECS="opus"'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a.m3u8", "belongs to no variant"),
        (STREAM, "without its URI"),
        (f"{STREAM}\n{STREAM}\na", "without its URI"),
        (f'{STREAM},AUDIO="x"\na', "no AUDIO group 'x'"),
        (f'{STREAM},CODECS="a"\na', "twice"),
        (f"{STREAM},\na", "not an attribute list"),
        (f"{STREAM},RESOLUTION=1\na", "not a number"),
        ("#EXT-X-STREAM-INF:BANDWIDTH=1\na", "AVERAGE-BANDWIDTH is missing"),
        ('#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID="a",NAME="b",URI="c"', "of type"),
        ('#EXT-X-MEDIA:TYPE="AUDIO"', "is a quoted string"),
        ('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="b",URI="c",DEFAULT=1', "neither YES nor NO"),
        ("#EXTINF:1,", "media playlist"),
    ],
)
def test_bad_multivariant_playlists(body: str, message: str) -> None:
    with pytest.raises(BadPlaylist, match=message):
        parse_multivariant(f"#EXTM3U\n{body}\n")


def test_what_is_no_playlist_or_too_long_is_refused() -> None:
    for text in ("", "<html>", "#EXTM3U8"):
        with pytest.raises(BadPlaylist, match="not a playlist"):
            parse_media(text)
    with pytest.raises(BadPlaylist, match="too long"):
        parse_media("#EXTM3U" + "\n" * TEXT_LIMIT_CHARS)
    with pytest.raises(BadPlaylist, match="too many lines"):
        parse_media("#EXTM3U" + "\n" * 300_000)


def test_attributes_have_a_limit() -> None:
    Attributes(",".join(f"A{i}=1" for i in range(ATTRIBUTES_LIMIT)))
    with pytest.raises(BadPlaylist):
        Attributes(",".join(f"A{i}=1" for i in range(ATTRIBUTES_LIMIT + 1)))


@pytest.mark.parametrize(
    ("text", "micros"),
    [("4", 4_000_000), ("4.0106667", 4_010_667), ("0.0000004", 0), ("0.0000005", 1)],
)
def test_decimals_are_rounded(text: str, micros: int) -> None:
    assert scaled(text, 6) == micros


def test_crlf_comments_and_unknown_tags_are_passed_over() -> None:
    text = (
        "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n# hello\r\n#EXT-X-NEW:1\r\n\r\n#EXTINF:4,t\r\na\r\n"
    )
    assert parse_media(text) == MediaPlaylist(4, (MediaSegment("a", 4_000_000),), version=1)


def test_seconds_have_as_many_decimals_as_they_need() -> None:
    assert [seconds(us) for us in (4_000_000, 4_010_667, 40, 1_500)] == [
        "4.000",
        "4.010667",
        "0.00004",
        "0.0015",
    ]
