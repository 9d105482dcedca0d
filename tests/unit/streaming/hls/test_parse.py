from contextlib import suppress

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
    MediaPlaylist,
    MediaSegment,
    MultivariantPlaylist,
    PlaylistType,
    Variant,
)
from streaming.hls.parse import TEXT_LIMIT_CHARS, parse_media, parse_multivariant
from streaming.hls.render import render_media, render_multivariant, seconds

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
