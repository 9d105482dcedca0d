from dataclasses import replace

import pytest

from catalog.media import Presentation, SubtitleTrack
from streaming.hls.lesson import (
    iframe_playlist,
    media_playlist,
    multivariant,
    subtitle_playlist,
)
from streaming.hls.model import PlaylistType
from streaming.hls.parse import parse_media, parse_multivariant
from streaming.hls.render import render_media, render_multivariant
from streaming.offer import make_offer
from tests.support import presentations as made
from tests.support.golden import Golden


@pytest.mark.parametrize(
    ("name", "presentation"),
    [
        ("whole", made.WHOLE),
        ("growing", made.GROWING),
        ("audio-only", made.AUDIO_ONLY),
        ("silent", made.SILENT),
    ],
)
def test_multivariant(name: str, presentation: Presentation, golden: Golden) -> None:
    playlist = multivariant(make_offer(presentation))
    text = render_multivariant(playlist)
    golden.check(f"hls/{name}.m3u8", text)
    assert render_multivariant(parse_multivariant(text)) == text


def test_av1_variants_are_listed_for_those_who_ask(golden: Golden) -> None:
    offer = make_offer(made.WHOLE)
    text = render_multivariant(multivariant(offer, av1=True))
    golden.check("hls/whole-av1.m3u8", text)
    usual = multivariant(offer)
    asked = parse_multivariant(text)
    assert set(usual.variants) < set(asked.variants)
    assert asked.variants[0] == usual.variants[0]


@pytest.mark.parametrize(
    ("name", "presentation", "index"),
    [
        ("video-whole", made.WHOLE, 0),
        ("video-growing", made.GROWING, 0),
    ],
)
def test_video(name: str, presentation: Presentation, index: int, golden: Golden) -> None:
    offer = make_offer(presentation)
    playlist = media_playlist(offer, offer.videos[index])
    golden.check(f"hls/{name}.m3u8", render_media(playlist))
    assert parse_media(render_media(playlist)) == playlist


def test_audio_has_a_timeline_of_its_own(golden: Golden) -> None:
    offer = make_offer(made.WHOLE)
    playlist = media_playlist(offer, offer.audios[0])
    golden.check("hls/audio.m3u8", render_media(playlist))
    assert sum(s.duration_us for s in playlist.segments) == 14_016_000


def test_keyframes(golden: Golden) -> None:
    offer = make_offer(made.WHOLE)
    playlist = iframe_playlist(offer, offer.videos[1])
    golden.check("hls/iframes.m3u8", render_media(playlist))
    assert parse_media(render_media(playlist)) == playlist


def test_subtitles(golden: Golden) -> None:
    offer = make_offer(made.WHOLE)
    playlist = subtitle_playlist(offer, made.SUBTITLES[0])
    golden.check("hls/subtitles.m3u8", render_media(playlist))
    assert parse_media(render_media(playlist)) == playlist


def test_a_token_is_carried_on_to_every_url() -> None:
    offer = make_offer(made.WHOLE)
    text = render_multivariant(multivariant(offer, "?token=t"))
    playlist = parse_multivariant(text)
    uris = [item.uri for item in playlist.variants]
    uris += [item.uri for item in playlist.alternates]
    uris += [item.uri for item in playlist.iframes]
    assert uris
    media = media_playlist(offer, offer.videos[0], "?token=t")
    uris += [media.map_uri, *(s.uri for s in media.segments)]
    uris += [s.uri for s in subtitle_playlist(offer, made.SUBTITLES[0], "?token=t").segments]
    assert all(uri.endswith("?token=t") for uri in uris)


def test_names_cannot_break_out_of_the_text() -> None:
    evil = SubtitleTrack("x/../y", 'a"\r\n#EXT-X-ENDLIST', "WEBVTT\n")
    offer = make_offer(replace(made.WHOLE, subtitles=(evil,)))
    (_, _, track) = parse_multivariant(render_multivariant(multivariant(offer))).alternates
    assert track.name == "a'  #EXT-X-ENDLIST"
    assert track.uri == "subtitles/x%2F..%2Fy.m3u8"


def test_the_playlist_becomes_vod_when_the_rendition_is_whole() -> None:
    before, after = make_offer(made.GROWING), make_offer(made.WHOLE)
    early = media_playlist(before, before.videos[0])
    late = media_playlist(after, after.videos[0])
    assert (early.playlist_type, early.ended, early.from_start) == (PlaylistType.EVENT, False, True)
    assert (late.playlist_type, late.ended, late.from_start) == (PlaylistType.VOD, True, False)
    assert late.segments[: len(early.segments)] == early.segments
    assert late.target_duration_s == early.target_duration_s


def test_av1_is_offered_only_when_whole() -> None:
    late = replace(made.WHOLE, renditions=(made.HIGH, made.growing(made.AV1), made.AAC))
    for presentation, names in (
        (made.GROWING, ["1080p", "360p"]),
        (late, ["1080p"]),
        (made.WHOLE, ["1080p", "360p", "1080p-av1"]),
    ):
        offer = make_offer(presentation)
        assert [item.rendition.name for item in offer.videos] == names
    assert make_offer(late).complete


def test_sound_is_announced_no_further_than_pictures_while_a_lesson_grows() -> None:
    offer = make_offer(made.GROWING)
    for audio in offer.audios:
        playlist = media_playlist(offer, audio)
        assert [s.uri for s in playlist.segments] == ["0.m4s"]
        assert (playlist.playlist_type, playlist.ended) == (PlaylistType.EVENT, False)
    alone = replace(made.AUDIO_ONLY, complete=False)
    assert [len(item.segments) for item in make_offer(alone).audios] == [4, 4]


def test_the_first_variant_fits_an_ordinary_line_or_is_the_smallest() -> None:
    huge = [replace(made.video(i, str(i), scale=40 - i)) for i in range(2)]
    for renditions, first in (((made.HIGH, made.LOW), "1080p"), (tuple(huge), "1")):
        offer = make_offer(replace(made.WHOLE, renditions=renditions))
        assert multivariant(offer).variants[0].name == first


def test_without_keyframe_sizes_there_are_no_iframe_playlists() -> None:
    plain = replace(
        made.HIGH, objects=tuple(replace(o, keyframe_sizes=()) for o in made.HIGH.objects)
    )
    offer = make_offer(replace(made.WHOLE, renditions=(plain,)))
    assert multivariant(offer).iframes == ()
