"""A session that was recorded: real tracks into store and catalogue, as a live origin puts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from catalog.db.pool import Pool
from catalog.db.recordings import Recordings
from catalog.db.sessions_life import Sessions
from catalog.live import FeedName, RecordedSegment
from catalog.media import Media, Rendition
from catalog.store.port import ObjectStore
from streaming.isobmff.reader import Init
from streaming.isobmff.segmenter import CmafSegment
from tests.support.media import FRAME_RATE
from tests.support.recording import key_of
from tests.support.sessions import START_UTC, Town, book_one

Tracks = Mapping[str, tuple[Init, Sequence[CmafSegment]]]


async def record(
    pool: Pool, store: ObjectStore, town: Town, tracks: Tracks, restarts_at: int = 0
) -> str:
    """Record tracks by name to the end of the session; give the lesson.

    Its origin is killed, and another one goes on, after `restarts_at` segments.
    """
    session = await book_one(pool, town, visibility="public")
    life, book = Sessions(pool, bytes(32), lambda: START_UTC), Recordings(pool, lambda: START_UTC)
    await life.went_live(session)
    for part in (slice(0, restarts_at), slice(restarts_at, None)):
        recorded = await book.open(session, FeedName.MAIN, START_UTC)
        for rung, (name, (init, cut)) in enumerate(tracks.items()):
            made = await book.add_rendition(recorded, rendition_of(name, rung, init))
            for number in range(len(cut))[part]:
                key = key_of(recorded, name, number)
                await store.put_bytes(key, cut[number].data, "video/mp4")
                await book.append(recorded, made, [recorded_of(number, key, cut[number])])
    await life.ended(session)
    return await book.finish(session)


def rendition_of(name: str, rung: int, init: Init) -> Rendition:
    """A rendition as the recorder adds it."""
    track = init.track
    video = track.handler == "vide"
    return Rendition(
        "", name, Media.VIDEO if video else Media.AUDIO, track.codecs, track.timescale, init.data,
        rung, False, (), track.width_px, track.height_px, (FRAME_RATE, 1) if video else None,
        track.sample_rate_hz, track.channels,
    )  # fmt: skip


def recorded_of(number: int, key: str, cut: CmafSegment) -> RecordedSegment:
    """A segment as the recorder appends it: pictures alone have keyframes."""
    return RecordedSegment(
        number, key, len(cut.data), cut.start_ts, cut.duration_ts, cut.keyframe_bytes
    )
