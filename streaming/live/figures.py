"""What a live feed tells of itself, for figures by session. Read at the moment; nothing is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from catalog.live import FeedName
from streaming.live.feed import LiveFeed
from streaming.live.metrics import rung_label

AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class FeedFigures:
    """One feed. Counts (parts, age_sum_s, dropped, skips) are since `since_at`, monotonic seconds.

    age_sum_s: over all parts, from capture of a part's end until it could be fetched.
    viewers: now, by delivery (`ws`; `hls`: reloads that wait) and rung. skips: queues of slow
    WebSocket viewers that were emptied, by rung. dropped: fragments that did not fit the timeline.
    """

    session: str
    feed: FeedName
    since_at: float
    parts: int
    age_sum_s: float
    dropped: int
    viewers: Mapping[tuple[str, str], int]
    skips: Mapping[str, int]


def figures_of(feed: LiveFeed) -> FeedFigures:
    """Read a feed."""
    return FeedFigures(
        feed.session_id,
        feed.name,
        feed.since_at,
        feed.parts,
        feed.age_sum_s,
        sum(track.dropped for track in feed.channel.tracks.values()),
        _viewers(feed),
        _skips(feed),
    )


def _skips(feed: LiveFeed) -> dict[str, int]:
    """Count for every rung, so that the first one is a change too."""
    known = {rung_label(track.name): 0 for track in feed.channel.tracks.values()}
    return known | dict(feed.hub.skips)


def _viewers(feed: LiveFeed) -> dict[tuple[str, str], int]:
    names = {track.id: rung_label(track.name) for track in feed.channel.tracks.values()}
    found = Counter({("hls", rung_label(n)): one.waiting for n, one in feed.waiters.items()})
    found.update(("ws", names.get(one.viewer.video or 0, AUDIO)) for one in feed.hub.viewers)
    return dict(found)
