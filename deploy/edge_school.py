"""The parts of a school's box that others ask: the status page, the night, tests."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from deploy.edge_identity import EdgeIdentity
from deploy.qoe import SchoolQoe
from deploy.settings import Settings
from streaming.edge.answers import Answers
from streaming.edge.fills import Fills
from streaming.edge.gates import Keys, LiveGate
from streaming.edge.line import Line
from streaming.edge.nightly import Nightly
from streaming.edge.presentations import Presentations
from streaming.edge.relayed import RelayedFeeds
from streaming.edge.rooms import RoomRelay, UpstreamClock
from streaming.edge.schedule import Wish
from streaming.edge.shelf import Shelf
from streaming.edge.staying import Staying
from streaming.edge.titles import Titles
from streaming.edge.turns import Turns
from streaming.edge.upstream import Upstream
from streaming.edge.viewers import Viewers
from streaming.edge.watching import Watching
from streaming.live.metrics import LiveMetrics
from streaming.vod.app import Media


@dataclass(frozen=True, slots=True)
class School:
    """Every part, made once."""

    identity: EdgeIdentity
    settings: Settings
    registry: CollectorRegistry
    upstream: Upstream
    answers: Answers
    shelf: Shelf
    line: Line
    turns: Turns
    fills: Fills[Wish]
    presentations: Presentations
    watching: Watching
    feeds: RelayedFeeds
    gate: LiveGate
    media: Media
    live_metrics: LiveMetrics
    rooms: RoomRelay
    staying: Staying
    titles: Titles
    viewers: Viewers
    clock: UpstreamClock
    keys: Keys
    night: Nightly
    qoe: SchoolQoe
