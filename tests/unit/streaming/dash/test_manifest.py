from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from catalog.media import Presentation, Sprite, SubtitleTrack
from streaming.dash.manifest import render_manifest, sprite_interval_s
from streaming.offer import make_offer
from tests.support import presentations as made
from tests.support.golden import Golden

NS = {"d": "urn:mpeg:dash:schema:mpd:2011"}


@pytest.mark.parametrize(
    ("name", "presentation"),
    [
        ("whole", made.WHOLE),
        ("growing", made.GROWING),
        ("audio-only", made.AUDIO_ONLY),
        ("silent", made.SILENT),
    ],
)
def test_manifest(name: str, presentation: Presentation, golden: Golden) -> None:
    golden.check(f"dash/{name}.mpd", render_manifest(make_offer(presentation)))


def test_a_token_is_carried_on_to_every_url() -> None:
    root = ET.fromstring(render_manifest(make_offer(made.WHOLE), "?token=t"))
    urls = [
        template.get(name, "")
        for template in root.iterfind(".//d:SegmentTemplate", NS)
        for name in ("media", "initialization")
        if template.get(name)
    ]
    urls += [item.text or "" for item in root.iterfind(".//d:BaseURL", NS)]
    assert len(urls) == 13
    assert all(url.endswith("?token=t") for url in urls)


def test_names_cannot_break_out_of_the_xml() -> None:
    evil = SubtitleTrack('"><x/>', "</Label>\x00&", "WEBVTT\n")
    text = render_manifest(make_offer(replace(made.WHOLE, subtitles=(evil,))))
    root = ET.fromstring(text)
    assert [item.text for item in root.iterfind(".//d:Label", NS)] == ["</Label>&"]
    assert root.find(".//d:x", NS) is None


def test_a_frame_rate_that_is_no_whole_number() -> None:
    film = replace(made.HIGH, frame_rate=(30_000, 1001))
    text = render_manifest(make_offer(replace(made.WHOLE, renditions=(film,))))
    assert 'frameRate="30000/1001"' in text


def sprite(*times_s: float, columns: int = 2) -> Sprite:
    return Sprite("k", columns, 1, 160, 90, times_s)


@pytest.mark.parametrize(
    ("sprites", "interval_s"),
    [
        ((), None),
        ((sprite(0.0),), None),
        ((sprite(0.0, 5.0),), 5.0),
        ((sprite(0.0, 5.02), sprite(10.0, 15.0)), 5.0),
        ((sprite(0.0, 5.0), sprite(12.0)), None),
        ((sprite(2.0, 7.0),), None),
        ((sprite(0.0), sprite(5.0)), None),
        ((sprite(0.0, 5.0), sprite(10.0, columns=3)), None),
        ((sprite(0.0, 0.0),), None),
    ],
    ids=["none", "one", "even", "nearly", "uneven", "late", "half full", "other grid", "no time"],
)
def test_only_even_thumbnails_can_be_tiles(
    sprites: tuple[Sprite, ...], interval_s: float | None
) -> None:
    assert sprite_interval_s(sprites) == interval_s
