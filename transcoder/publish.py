"""Put the objects of a cut into the store, then let the catalogue point at them.

Keys name the attempt, so that an attempt which is superseded has touched nothing of its successor;
what it leaves in the store goes to the garbage, or is found by the sweep when it was killed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.db import publication
from catalog.db.garbage import throw_away
from catalog.db.pool import Pool
from catalog.db.work import Claim, Superseded
from catalog.media import Media, MediaObject, Rendition
from catalog.store.keys import media_key
from catalog.store.port import ObjectStore
from transcoder.packager import Cut, Packed
from transcoder.together import AWAY, patiently

CONTENT_TYPE = "video/mp4"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a plan says about a rendition that its bytes do not."""

    media: Media
    rung: int
    frame_rate: tuple[int, int] | None = None


class CutPublisher:
    """Publishes cuts of one attempt. `first` names what a player needs the beginning of."""

    def __init__(
        self,
        pool: Pool,
        store: ObjectStore,
        claim: Claim,
        shapes: Mapping[str, Shape],
        first: Sequence[str],
        patience_s: float,
    ) -> None:
        self._pool = pool
        self._store = store
        self._claim = claim
        self._shapes = shapes
        self._first = first
        self._patience_s = patience_s

    async def __call__(self, cut: Cut) -> None:
        """Store and announce. Raises: Superseded, StoreError, Unavailable."""
        keys = {packed.name: self._key(packed) for packed in cut}
        await asyncio.gather(*(self._put(keys[packed.name], packed) for packed in cut))
        renditions = [self._rendition(keys[packed.name], packed) for packed in cut]
        try:
            await patiently(lambda: self._announce(renditions), self._patience_s)
        except Superseded:
            await discard(self._pool, list(keys.values()))
            raise

    async def _put(self, key: str, packed: Packed) -> None:
        await patiently(
            lambda: self._store.put_file(key, packed.path, CONTENT_TYPE), self._patience_s
        )

    async def _announce(self, renditions: Sequence[Rendition]) -> None:
        async with self._pool.connection() as connection:
            await publication.publish_cut(connection, self._claim, renditions, self._first)

    def _key(self, packed: Packed) -> str:
        unit, number = self._claim.unit, packed.contents.first_number
        return media_key(unit.lesson, unit.generation, packed.name, number, self._claim.attempt)

    def _rendition(self, key: str, packed: Packed) -> Rendition:
        shape, contents = self._shapes[packed.name], packed.contents
        track = contents.init.track
        item = MediaObject(
            key, contents.first_number, len(contents.init.data), contents.base_ts, contents.sizes,
            contents.durations_ts,
            contents.keyframe_sizes if shape.media is Media.VIDEO else (),
        )  # fmt: skip
        return Rendition(
            id="",
            name=packed.name,
            media=shape.media,
            codecs=track.codecs,
            timescale=track.timescale,
            init=contents.init.data,
            rung=shape.rung,
            complete=False,
            objects=(item,),
            width_px=track.width_px,
            height_px=track.height_px,
            frame_rate=shape.frame_rate,
            sample_rate_hz=track.sample_rate_hz,
            channels=track.channels,
        )


async def discard(pool: Pool, keys: Sequence[str]) -> None:
    """Throw away what a superseded attempt has stored; the sweep finds it when this fails."""
    try:
        async with pool.connection() as connection:
            await throw_away(connection, keys)
    except AWAY as error:
        log.warning("%d objects are left to the sweep: %s", len(keys), type(error).__name__)
