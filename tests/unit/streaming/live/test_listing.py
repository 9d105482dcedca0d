from __future__ import annotations

import gzip

from streaming.hls.directives import Position
from streaming.live.listing import Listing, Text
from streaming.live.metrics import KNOWN_RUNGS, OTHER, rung_label
from streaming.live.playlists import TrackTexts
from tests.support.live import HIGH, LOW, Script


def test_a_text_is_made_once_until_it_changes() -> None:
    rendered: list[int] = []

    def render() -> str:
        rendered.append(1)
        return "#EXTM3U"

    text = Text(render)
    made = text.resource()
    assert text.resource() is made
    assert made.body == b"#EXTM3U"
    assert made.gzipped is not None
    assert gzip.decompress(made.gzipped) == b"#EXTM3U"
    assert len(rendered) == 1
    text.change()
    assert text.resource() is not made
    assert text.resource().etag == made.etag
    assert len(rendered) == 2


def test_a_listing_says_where_it_stands() -> None:
    script = Script().begin(HIGH, LOW)
    listing = Listing(script.channel, script.channel.tracks["720p"])
    assert not listing.published
    script.play(0, 60 + 13, ("720p", "360p"))
    assert bool(listing.track.segments)
    assert listing.position() == Position(1, 2, 10, 200_000)
    body = listing.resource(False).body
    assert isinstance(body, bytes)
    assert b'"720p/1.1.m4s"' in body
    script.play(73, 79, ("720p", "360p"))
    assert listing.resource(False).body is body
    listing.change()
    assert listing.resource(False).body != body
    script.begin(LOW)
    assert listing.position().ended
    script.channel.end()
    assert listing.position().ended


def test_gaps_are_told_of_together_with_the_part_behind_them() -> None:
    script = Script().begin(HIGH, LOW)
    script.play(0, 75, ("720p", "360p"))
    tracks = script.channel.tracks
    listing = Listing(script.channel, tracks["720p"])
    away = listing.position()
    assert (away.open_number, away.parts) == (1, 2)
    script.play(360, 363, ("720p", "360p"))
    back = listing.position()
    assert (back.open_number, back.parts, back.last_parts) == (2, 0, 3)
    assert [segment.number for segment in tracks["720p"].segments] == [0, 1, 2, 3]
    text = TrackTexts(script.channel, tracks["720p"]).text()
    assert ("EXT-X-GAP" in text, 'URI="720p/2.0.m4s"' in text) == (False, True)
    assert 'URI="360p.m3u8",LAST-MSN=1' in text
    script.play(363, 367, ("720p", "360p"))
    assert (listing.position().open_number, listing.position().parts) == (4, 1)
    text = TrackTexts(script.channel, tracks["720p"]).text()
    assert text.count("EXT-X-GAP") == 2
    assert text.index("EXT-X-GAP") < text.index('URI="720p/4.0.m4s"')


def test_labels_are_bounded() -> None:
    assert rung_label("720p") == "720p"
    assert {rung_label(f"x{number}") for number in range(100)} == {OTHER}
    assert len(KNOWN_RUNGS) < 20
