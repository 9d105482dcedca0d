from __future__ import annotations

import gzip

from streaming.hls.directives import Position
from streaming.live.listing import SUFFIXES_LIMIT, Listing, Text
from streaming.live.metrics import KNOWN_RUNGS, OTHER, rung_label
from streaming.live.playlists import MARK
from tests.support.live import HIGH, LOW, Script


def test_a_text_is_made_once_until_it_changes() -> None:
    rendered: list[int] = []

    def render() -> str:
        rendered.append(1)
        return f"a{MARK} b{MARK}"

    text = Text(render)
    plain = text.resource("")
    assert text.resource("") is plain
    assert plain.body == b"a b"
    assert plain.gzipped is not None
    assert gzip.decompress(plain.gzipped) == b"a b"
    assert text.resource("?token=t").body == b"a?token=t b?token=t"
    assert len(rendered) == 1
    text.change()
    assert text.resource("") is not plain
    assert text.resource("").etag == plain.etag
    assert len(rendered) == 2


def test_tokens_do_not_fill_the_memory() -> None:
    text = Text(lambda: MARK)
    for number in range(SUFFIXES_LIMIT + 50):
        assert text.resource(f"?token={number}").body == f"?token={number}".encode()
    assert len(text._made) == SUFFIXES_LIMIT


def test_a_listing_says_where_it_stands() -> None:
    script = Script().begin(HIGH, LOW)
    listing = Listing(script.channel, script.channel.tracks["720p"])
    assert not listing.published
    script.play(0, 60 + 13, ("720p", "360p"))
    assert bool(listing.track.segments)
    assert listing.position() == Position(1, 2, 10, 200_000)
    body = listing.resource(False, "").body
    assert isinstance(body, bytes)
    assert b'"720p/1.1.m4s"' in body
    script.play(73, 79, ("720p", "360p"))
    assert listing.resource(False, "").body is body
    listing.change()
    assert listing.resource(False, "").body != body
    script.begin(LOW)
    assert listing.position().ended
    script.channel.end()
    assert listing.position().ended


def test_labels_are_bounded() -> None:
    assert rung_label("720p") == "720p"
    assert {rung_label(f"x{number}") for number in range(100)} == {OTHER}
    assert len(KNOWN_RUNGS) < 20
