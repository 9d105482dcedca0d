"""WebSocket viewers in step, who all get the same bytes, and those behind, who have a queue each.

A viewer is in step while nothing waits for it: then a frame is one write of bytes that were made
once for its whole lane. Sound waits there for the next picture, a thirtieth of a second at most, so
that both are one write. Whoever's socket takes no more falls behind: its frames go through its
queue (viewer.py) until that is empty again. Nothing here waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from streaming.live.frame import Frame, Kind
from streaming.live.viewer import Step, Viewer
from streaming.live.wire import Wire


class Connection:
    """A viewer, its wire, and the bell that wakes its task when the wire is not enough."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.wire: Wire | None = None
        self.bell = asyncio.Event()
        self.closed = False
        self.lane: Lane | None = None

    def send(self) -> None:
        """Send what is queued, now or as soon as the socket takes it."""
        if self.wire is None or not self.wire.flush():
            self.bell.set()

    def close(self) -> None:
        """Let the socket end when the queue is empty."""
        self.closed = True
        self.bell.set()


class Lane:
    """Viewers in step who get the same picture and the same sound."""

    def __init__(self, step: Step) -> None:
        self.video, self.audio = step
        self.members: dict[Connection, Wire] = {}
        self.held: Frame | None = None

    def deliver(self, frame: Frame) -> tuple[int, list[Connection]]:
        """Write a frame to all, or hold sound back; tell the bytes and who did not take it."""
        held = self.held
        if held is None and frame.kind is Kind.SOUND and self.video is not None:
            self.held = frame
            return 0, []
        data = frame.wire if held is None else held.wire + frame.wire
        stuck = [one for one, wire in self.members.items() if not wire.put(data)]
        self.held = None
        return len(data) * (len(self.members) - len(stuck)), stuck


class Lanes:
    """All viewers of a feed; `skipped` hears of each queue that was emptied."""

    def __init__(self, skipped: Callable[[Viewer], None]) -> None:
        self._skipped = skipped
        self._lanes: dict[Step, Lane] = {}
        self._behind: set[Connection] = set()

    def __len__(self) -> int:
        return len(self._behind) + sum(len(lane.members) for lane in self._lanes.values())

    def __iter__(self) -> Iterator[Connection]:
        for lane in self._lanes.values():
            yield from lane.members
        yield from self._behind

    def join(self, connection: Connection) -> None:
        """Add a viewer; it has a beginning to get first."""
        self._behind.add(connection)

    def leave(self, connection: Connection) -> None:
        """Forget a viewer."""
        self._behind.discard(connection)
        if connection.lane is not None:
            self._out_of(connection.lane, connection)

    def deliver(self, frame: Frame, now: float) -> int:
        """Send a frame to all who get it; tell how many bytes went to those in step."""
        sent_bytes = 0
        behind = [one for one in self._behind if one.viewer.gets(frame)]
        for lane in list(self._lanes.values()):
            if frame.rendition in (lane.video, lane.audio):
                sent_bytes += self._deliver(lane, frame, now)
        for connection in behind:
            self._offer(connection, frame, now)
            connection.send()
            self._catch_up(connection)
        return sent_bytes

    def fall_behind(self, connection: Connection, now: float) -> None:
        """Take a viewer out of step: what comes next is for it alone."""
        lane = connection.lane
        if lane is None:
            return
        self._out_of(lane, connection)
        self._behind.add(connection)
        if lane.held is not None:
            self._offer(connection, lane.held, now)

    def all_behind(self, now: float) -> set[Connection]:
        """Take everyone out of step, for something that is not a frame."""
        for connection in list(self):
            self.fall_behind(connection, now)
        return self._behind

    def _deliver(self, lane: Lane, frame: Frame, now: float) -> int:
        held = lane.held
        sent_bytes, stuck = lane.deliver(frame)
        for connection in stuck:
            self.fall_behind(connection, now)
            for missed in (held, frame):
                if missed is not None:
                    self._offer(connection, missed, now)
            connection.send()
        return sent_bytes

    def _offer(self, connection: Connection, frame: Frame, now: float) -> None:
        viewer = connection.viewer
        skips = viewer.skips
        viewer.offer(frame, now)
        if viewer.skips != skips:
            self._skipped(viewer)

    def _out_of(self, lane: Lane, connection: Connection) -> None:
        del lane.members[connection]
        connection.lane = None
        if not lane.members:
            del self._lanes[lane.video, lane.audio]

    def _catch_up(self, connection: Connection) -> None:
        """Put a viewer in step with others, unless they wait with sound that it has."""
        step = connection.viewer.step
        if step is None or connection.wire is None:
            return
        lane = self._lanes.get(step) or Lane(step)
        if lane.held is not None:
            return
        self._lanes[step] = lane
        self._behind.discard(connection)
        lane.members[connection] = connection.wire
        connection.lane = lane
