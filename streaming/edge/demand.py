"""Of which renditions of a live feed a school needs the media as it comes. Pure; seconds monotonic.

Who watches by WebSocket or asks for parts needs it at once. Who plays whole segments, three behind
the newest, first needs those: if the open one came beside them, each would come later, and the
first pupils of a thin line wait longest. So a rendition that is only played by whole segments is
followed from the end of a segment on at which none of them is on its way. Three lessons that fill a
line are busy with those for half a minute; who never ends is followed from the twelfth on. Until
then its segments are told of, and fetched when asked for.
"""

from __future__ import annotations

from collections import Counter

UNUSED_S = 10.0
PATIENCE_SEGMENTS = 12


class Demand:
    """What is asked for, and what of it is followed."""

    def __init__(self) -> None:
        self._asked_at: dict[str, float] = {}
        self._closed: Counter[str] = Counter()
        self._followed: set[str] = set()

    def ask(self, name: str, now: float, *, live: bool) -> None:
        """A player asks for a rendition; `live`: for what comes, not for what has ended."""
        if not self._uses(name, now):
            self._closed.pop(name, None)
        self._asked_at[name] = now
        if live:
            self._followed.add(name)

    def closed(self, name: str, now: float, fetching: bool) -> None:
        """A segment has ended; `fetching`: earlier ones are on their way."""
        if not self._uses(name, now):
            return
        self._closed[name] += 1
        if not fetching or self._closed[name] >= PATIENCE_SEGMENTS:
            self._followed.add(name)

    def wanted(self, now: float, held: frozenset[str]) -> frozenset[str]:
        """Give what is to be followed; `held`: what somebody gets or waits for this moment."""
        used = {name for name in self._asked_at if self._uses(name, now)}
        self._followed = (self._followed | held) & used
        return held | self._followed

    def _uses(self, name: str, now: float) -> bool:
        return now - self._asked_at.get(name, -UNUSED_S) < UNUSED_S
