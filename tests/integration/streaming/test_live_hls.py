"""LL-HLS over real HTTP: ffmpeg writes live and plays it; what the RFC asks is so."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise

import aiohttp
import imageio_ffmpeg
import pytest

from catalog.ids import new_id
from catalog.live import FeedName
from catalog.store.local import LocalStore
from streaming.hls.directives import Directives
from streaming.hls.parse import parse_media, parse_multivariant
from streaming.live.channel import TARGET_DURATION_S
from streaming.live.feed import LiveFeed
from streaming.live.track import WINDOW_SEGMENTS
from tests.support.live_origin import (
    RATE,
    RENDITIONS,
    Piece,
    Running,
    encoded_live,
    running,
    send,
    send_paced,
    split,
)
from tests.support.live_origin import live as live
from tests.support.wait import eventually

DURATION_S = 8


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(auto_decompress=False, connector=connector) as client:
        yield client


async def pieces(duration_s: int = DURATION_S, start_s: float = 0.0) -> tuple[Piece, ...]:
    return await asyncio.to_thread(encoded_live, duration_s, start_s)


async def opened(live: Running) -> tuple[str, LiveFeed]:
    session = live.sessions.add()
    feed = await live.origin.open(session, FeedName.MAIN)
    await feed.begin(RENDITIONS)
    return session, feed


async def get(client: aiohttp.ClientSession, url: str, status: int = 200, **headers: str) -> bytes:
    async with client.get(url, headers=headers or {"Accept-Encoding": "identity"}) as answer:
        body = await answer.read()
        assert answer.status == status, body
        return body


async def packets(url: str) -> Counter[str]:
    """Count the packets of each stream as ffmpeg plays the whole."""
    ffmpeg = await asyncio.to_thread(imageio_ffmpeg.get_ffmpeg_exe)
    process = await asyncio.create_subprocess_exec(
        ffmpeg, "-nostdin", "-v", "warning", "-live_start_index", "0",
        "-i", url, "-map", "0", "-c", "copy", "-f", "framecrc", "-",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert b"skipping" not in err, err.decode()
    return Counter(line.split(",")[0] for line in out.decode().splitlines() if line[:1] != "#")


async def test_ffmpeg_plays_a_live_session_to_its_end_and_gets_every_packet(
    live: Running,
) -> None:
    session, feed = await opened(live)
    source = await pieces()
    first, rest = split(source, 3.0)
    await send(feed, first)
    player = asyncio.create_task(packets(live.at(session, "multivariant.m3u8")))
    await eventually(lambda: live.figure("answers_total", kind="playlist", status="200") >= 3)
    await send_paced(feed, rest, speed=1e9)
    await feed.end()
    counts = await asyncio.wait_for(player, 50)
    sound = sum(item.samples for name, item in source if name == "aac" and hasattr(item, "samples"))
    assert sorted(counts.values()) == sorted([sound, DURATION_S * RATE, DURATION_S * RATE])


async def test_a_blocking_reload_is_answered_by_the_very_part(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    first, rest = split(await pieces(), 3.0)
    await send(feed, first)
    at = parse_media((await get(client, live.at(session, "360p.m3u8"))).decode())
    assert at.open is not None
    parts = len(at.open.parts)
    url = live.at(session, f"360p.m3u8?_HLS_msn={at.open_number}&_HLS_part={parts}")
    waiting = asyncio.create_task(get(client, url))
    hinted = asyncio.create_task(get(client, live.at(session, at.preload_uri)))
    await eventually(lambda: feed.waiters["360p"].waiting == 2)
    for name, item in rest:
        await feed.take(name, item)
        if feed.channel.tracks["360p"].parts[parts:]:
            break
    answer = parse_media((await waiting).decode())
    assert answer.open is not None
    assert answer.open_number == at.open_number
    assert len(answer.open.parts) == parts + 1
    assert await hinted == feed.channel.tracks["360p"].parts[parts].data
    assert answer.open.parts[-1].uri == at.preload_uri


async def test_every_part_and_segment_is_the_bytes_that_the_encoder_sent(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    source = await pieces()
    await send(feed, source)
    for name in ("360p", "180p", "aac"):
        playlist = parse_media((await get(client, live.at(session, f"{name}.m3u8"))).decode())
        init = await get(client, live.at(session, playlist.map_uri))
        whole = b""
        for segment in playlist.segments:
            body = await get(client, live.at(session, segment.uri))
            parts = [await get(client, live.at(session, part.uri)) for part in segment.parts]
            assert not parts or b"".join(parts) == body
            whole += body
        sent = b"".join(item.data for item_name, item in source if item_name == name)
        assert sent.startswith(init + whole)


async def test_what_the_rfc_says_about_directives(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    await send(feed, await pieces(), until_s=5.0)
    number = feed.channel.tracks["360p"].next_number
    for query, status in (
        (f"_HLS_msn={number + 2}", 400),
        (f"_HLS_msn={number}&_HLS_part=999", 400),
        ("_HLS_part=1", 400),
        ("_HLS_msn=x", 400),
        ("_HLS_msn=0", 200),
        (f"_HLS_msn={number - 1}&_HLS_part=0", 200),
        ("_HLS_skip=YES", 200),
    ):
        url = live.at(session, f"360p.m3u8?{query}")
        async with client.get(url) as answer:
            assert answer.status == status, query
            if status == 400:
                assert answer.content_type == "application/problem+json"
    far = f"360p/{number}.7.m4s", f"360p/{number + 1}.1.m4s", f"360p/{number + 2}.0.m4s"
    for path in (*far, "360p/999.m4s", "360p/init-1.mp4", "240p.m3u8", "360p/0.99.m4s"):
        await get(client, live.at(session, path), 404)
    await feed.end()
    await get(client, live.at(session, f"360p.m3u8?_HLS_msn={number + 50}"))


async def test_ten_thousand_waiters_of_a_channel_that_ends_are_all_answered(
    live: Running,
) -> None:
    _, feed = await opened(live)
    await send(feed, await pieces(), until_s=4.5)
    listing, waiters = feed.listings["360p"], feed.waiters["360p"]
    asked = Directives(listing.position().open_number, 9)

    async def viewer() -> bytes:
        assert await waiters.until(asked, 30.0)
        body = listing.resource(False).body
        assert isinstance(body, bytes)
        return body

    viewers = [asyncio.create_task(viewer()) for _ in range(10_000)]
    await eventually(lambda: waiters.waiting == 10_000)
    await feed.end()
    bodies = await asyncio.wait_for(asyncio.gather(*viewers), 20)
    assert len({id(body) for body in bodies}) == 1
    assert b"#EXT-X-ENDLIST" in bodies[0]


async def test_hundreds_of_reloads_over_http_get_the_same_text_and_the_end(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    await send(feed, await pieces(), until_s=4.5)
    number = feed.channel.tracks["180p"].next_number
    url = live.at(session, f"180p.m3u8?_HLS_msn={number + 1}&_HLS_part=0")
    reloads = [asyncio.create_task(get(client, url)) for _ in range(300)]
    await eventually(lambda: feed.waiters["180p"].waiting == 300)
    assert live.figure("viewers", delivery="hls", rung="180p") == 300
    await feed.end()
    bodies = await asyncio.gather(*reloads)
    assert len(set(bodies)) == 1
    assert parse_media(bodies[0].decode()).ended


async def test_before_the_first_whole_segment_players_wait(
    store: LocalStore, client: aiohttp.ClientSession
) -> None:
    async with running(store, wait_limit_s=0.05) as live:
        session, feed = await opened(live)
        await send(feed, await pieces(), until_s=1.9)
        for path in ("multivariant.m3u8", "360p.m3u8"):
            async with client.get(live.at(session, path)) as answer:
                assert answer.status == 503
                assert int(answer.headers["Retry-After"]) > 0
    async with running(store) as live:
        session, feed = await opened(live)
        source = await pieces()
        reload = asyncio.create_task(get(client, live.at(session, "multivariant.m3u8")))
        await eventually(lambda: session in live.gate.asked)
        await send(feed, source, until_s=4.5)
        found = parse_multivariant((await reload).decode())
        assert [v.uri for v in found.variants] == ["360p.m3u8", "180p.m3u8", "aac.m3u8"]


async def test_sound_that_was_announced_and_does_not_come_is_not_waited_for(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    silent = tuple(piece for piece in await pieces() if piece[0] != "aac")
    await send(feed, silent, until_s=4.5)
    found = parse_multivariant((await get(client, live.at(session, "multivariant.m3u8"))).decode())
    assert [v.uri for v in found.variants] == ["360p.m3u8", "180p.m3u8"]


async def test_a_part_that_is_late_is_503_but_not_while_the_publisher_is_away(
    store: LocalStore, client: aiohttp.ClientSession
) -> None:
    async with running(store, wait_limit_s=0.05) as live:
        session, feed = await opened(live)
        await send(feed, await pieces(), until_s=4.5)
        number = feed.channel.tracks["360p"].next_number
        url = live.at(session, f"360p.m3u8?_HLS_msn={number + 1}")
        await get(client, url, 503)
        await feed.interrupted()
        await get(client, url, 200)
        await feed.resumed()
        await get(client, url, 503)
        assert live.figure("reconnects_total", feed="main") == 1


async def test_texts_are_packed_and_media_is_immutable(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    await send(feed, await pieces(), until_s=4.5)
    url = live.at(session, "360p.m3u8")
    async with client.get(url, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Content-Type"] == "application/vnd.apple.mpegurl"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert gzip.decompress(await answer.read()) == await get(client, url)
        etag = answer.headers["ETag"]
    headers = {"Accept-Encoding": "gzip", "If-None-Match": etag}
    assert await get(client, url, 304, **headers) == b""
    async with client.get(live.at(session, "360p/0.m4s"), headers={"Range": "bytes=0-9"}) as answer:
        assert answer.status == 206
        assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert len(await answer.read()) == 10
    async with client.head(live.at(session, "aac/0.m4s")) as answer:
        assert answer.headers["Content-Type"] == "audio/mp4"
        assert answer.content_length == feed.channel.tracks["aac"].segments[0].size_bytes
    async with client.options(url) as answer:
        assert answer.status == 204


async def test_a_token_is_needed_and_carried_on(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    live.gate.token = "secret"
    await send(feed, await pieces(), until_s=4.5)
    await get(client, live.at(session, "multivariant.m3u8"), 403)
    await get(client, live.at(session, "t/wrong/multivariant.m3u8"), 403)
    top = await get(client, live.at(session, "multivariant.m3u8?token=secret"))
    variant = parse_multivariant(top.decode()).variants[0]
    assert variant.uri == "t/secret/360p.m3u8"
    text = await get(client, live.at(session, variant.uri))
    playlist = parse_media(text.decode())
    assert playlist.open is not None
    for uri in (playlist.map_uri, playlist.segments[0].uri, playlist.open.parts[0].uri):
        await get(client, live.at(session, f"t/secret/{uri}"))
        await get(client, live.at(session, uri), 403)
    inner = await get(client, live.at(session, "t/secret/multivariant.m3u8"))
    assert parse_multivariant(inner.decode()).variants[0].uri == "360p.m3u8"


async def test_a_token_in_a_playlists_query_is_moved_to_where_its_urls_keep_it(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    live.gate.token = "secret"
    await send(feed, await pieces(), until_s=4.5)
    url = live.at(session, "360p.m3u8?_HLS_msn=0&token=secret")
    async with client.get(url, allow_redirects=False) as answer:
        assert answer.status == 307
        assert answer.headers["Location"] == f"/live/{session}/t/secret/360p.m3u8?_HLS_msn=0"
    async with client.get(url) as answer:
        assert answer.status == 200


async def test_what_is_not_there(live: Running, client: aiohttp.ClientSession) -> None:
    session, feed = await opened(live)
    await send(feed, await pieces(), until_s=2.5)
    for path in (
        live.at(new_id(), "multivariant.m3u8"),
        live.at(session, "floor/multivariant.m3u8"),
        live.at(session, "stream?feed=nothing"),
        live.at(session, "nothing"),
        f"{live.url}/live/x/360p.m3u8",
    ):
        async with client.get(path) as answer:
            assert answer.status == 404, path
            assert answer.content_type == "application/problem+json"


async def test_rewinding_to_the_start_gives_the_bytes_that_were_sent(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    source = await pieces(24, 3.2)
    await send(feed, source)
    await eventually(lambda: feed.recorder.waiting <= 1)
    playlist = parse_media((await get(client, live.at(session, "360p.m3u8"))).decode())
    assert len(playlist.segments) > WINDOW_SEGMENTS + 2
    track = feed.channel.tracks["360p"]
    assert not track.segments[0].data
    bodies = [await get(client, live.at(session, s.uri)) for s in playlist.segments]
    sent = b"".join(
        item.data for name, item in source if name == "360p" and hasattr(item, "samples")
    )
    assert sent.startswith(b"".join(bodies))
    times = [s.program_ms for s in playlist.segments if s.program_ms is not None]
    assert all(abs(after - before - 2000) <= 4 for before, after in pairwise(times))
    assert all(s.duration_us <= TARGET_DURATION_S * 1_000_000 for s in playlist.segments)


async def test_a_part_out_of_the_window_is_gone(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    await send(feed, await pieces(24, 3.2))
    await get(client, live.at(session, "360p/0.0.m4s"), 404)
    await get(client, live.at(session, "360p/9.0.m4s"))
