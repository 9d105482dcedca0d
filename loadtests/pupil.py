"""A pupil's player on plain HLS, live or a recording, from any server: a core without IO.

Two lanes, as two connections of a browser: playlists and media. What is to be asked for comes out
of `orders()`; answers go in by the `on_…` methods, with `now`. Live begins three segments behind
the end; a live playlist is read again every target duration, after half of it when it had nothing
new. What hls.js does by default is done here (`pupil_abr.py`); low latency is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from loadtests.pupil_abr import Bandwidth, Coming, Rung, abandons, choose
from loadtests.pupil_lists import Ask, Lane, Listing, Segment, listing_of, rungs_of
from loadtests.pupil_playback import Playback

BEHIND_SEGMENTS = 3
BUFFER_S = 30.0
RETRY_S = 1.0
ABANDON_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Drop:
    """Give up what the media lane is fetching."""


Order = Ask | Drop


@dataclass(frozen=True, slots=True)
class Report:
    """What a pupil had of it. Nobody who has not begun to play has stalled; `join_s` is None.

    A first climb is a switch; one down (`downs`) says that somebody climbed too high, or that the
    line got thinner.
    """

    join_s: float | None
    stalls: int
    stalled_s: float
    switches: int
    downs: int
    mean_bps: float
    delay_s: float | None
    played_s: float
    fetches_s: tuple[float, ...]
    abandoned: int
    skipped: int
    failed: int


class Pupil:
    """One pupil. `unix_offset_s` is Unix time less the clock of `now`."""

    def __init__(
        self, uri: str, *, most_height_px: int, least_height_px: int = 0,
        unix_offset_s: float = 0.0,
    ) -> None:  # fmt: skip
        self._uri = uri
        self._heights_px = (most_height_px, least_height_px)
        self._unix_offset_s = unix_offset_s
        self._orders: list[Order] = []
        self._rungs: tuple[Rung, ...] = ()
        self._rung = 0
        self._listing: Listing | None = None
        self._asked: tuple[float, Rung | None] | None = None
        self._reload_at: float | None = None
        self._retry_at: float | None = None
        self._next: int | None = None
        self._fetching: Segment | None = None
        self._coming: Coming | None = None
        self._check_at: float | None = None
        self._inits: set[Ask] = set()
        self._began_at = 0.0
        self.line = Bandwidth()
        self.playback = Playback()
        self.switches = self.downs = 0
        self._switched = False
        self._bits = self._media_s = 0.0
        self._delays_s: list[float] = []
        self._fetches_s: list[float] = []
        self.abandoned = self.skipped = self.failed = 0

    def orders(self) -> list[Order]:
        """Give what is to be done since it was last asked."""
        found, self._orders = self._orders, []
        return found

    def begin(self, now: float) -> None:
        """Open the lesson."""
        self._began_at = now
        self._ask_list(now)

    def next_deadline(self) -> float | None:
        """Say when `on_timer` has something to do."""
        times = (self._reload_at, self._retry_at, self._check_at)
        return min((at for at in times if at is not None), default=None)

    def on_timer(self, now: float) -> None:
        """Do what is due."""
        self.playback.advance(now)
        if self._reload_at is not None and self._reload_at <= now:
            self._ask_list(now)
        if self._check_at is not None and self._check_at <= now:
            self._check(now)
        if self._retry_at is not None and self._retry_at <= now:
            self._retry_at = None
            self._go_on(now)

    def on_list(self, text: str, now: float) -> None:
        """Take the answer of the playlists' lane. Raises: BadPlaylist."""
        assert self._asked is not None
        (asked_at, rung), self._asked = self._asked, None
        if rung is None:
            self._rungs = rungs_of(self._uri, text, *self._heights_px)
            self._rung = self._choose()
        if rung is None or rung != self._rungs[self._rung]:
            self._ask_list(now)
            return
        found = listing_of(rung.uri, text)
        news = self._listing is None or found.next > self._listing.next
        self._listing = found
        if not found.ended:
            wait_s = found.target_s if news else found.target_s / 2
            self._reload_at = max(now, asked_at + wait_s)
        self._go_on(now)

    def on_first_byte(self, of_bytes: int, now: float) -> None:
        """Learn that the media lane's answer begins; 0 where its size is not said."""
        if self._coming:
            self.line.sample_first_byte(now - self._coming.asked_at)
            self._coming = replace(self._coming, first_byte_at=now, of_bytes=of_bytes)

    def on_bytes(self, size_bytes: int, now: float) -> None:
        """Learn that some more of it has come."""
        if self._coming:
            self._coming = replace(self._coming, size_bytes=self._coming.size_bytes + size_bytes)

    def on_media(self, now: float) -> None:
        """Learn that the media lane has everything."""
        coming, segment = self._coming, self._fetching
        self._coming = self._fetching = self._check_at = None
        if coming is not None and segment is not None:
            self._keep(segment, coming, now)
        self._go_on(now)

    def on_failed(self, lane: Lane, now: float) -> None:
        """Learn that a lane's answer was an error, broke off, or did not come in time."""
        self.failed += 1
        if lane is Lane.LISTS:
            self._asked = None
            self._reload_at = now + RETRY_S
        else:
            if self._fetching is not None:
                self._inits.discard(self._fetching.ask)
            self._coming = self._fetching = self._check_at = None
            self._retry_at = now + RETRY_S

    def report(self, now: float) -> Report:
        """Say how it was up to now."""
        self.playback.advance(now)
        began_at, delays_s = self.playback.started_at, self._delays_s
        return Report(
            None if began_at is None else began_at - self._began_at,
            self.playback.stalls, self.playback.stalled_s, self.switches, self.downs,
            self._bits / self._media_s if self._media_s else 0.0,
            sum(delays_s) / len(delays_s) if delays_s else None,
            self.playback.played_s, tuple(self._fetches_s),
            self.abandoned, self.skipped, self.failed,
        )  # fmt: skip

    def _keep(self, segment: Segment, coming: Coming, now: float) -> None:
        took_s = now - coming.asked_at
        first_byte_at = now if coming.first_byte_at is None else coming.first_byte_at
        self.line.sample(coming.size_bytes, took_s, first_byte_at - coming.asked_at)
        self._fetches_s.append(took_s)
        self._bits += self._rungs[coming.rung].mean_bps * segment.piece.duration_s
        self._media_s += segment.piece.duration_s
        self.playback.add(segment.piece, now)
        made_s = self.playback.program_s()
        if made_s is not None:
            self._delays_s.append(now + self._unix_offset_s - made_s)
        assert self._next is not None
        self._next += 1
        self._switched = False

    def _go_on(self, now: float) -> None:
        """Fetch the next segment if there is one, room for it, and nothing else under way."""
        listing = self._listing
        if self._fetching is not None or self._retry_at is not None or listing is None:
            return
        self.playback.advance(now)
        if self.playback.buffer_s >= BUFFER_S:
            self._retry_at = now + self.playback.buffer_s - BUFFER_S + ABANDON_EVERY_S
            return
        self._find_place(listing)
        assert self._next is not None
        if self._next >= listing.next:
            self.playback.complete = listing.ended
            return
        rung = self._choose()
        if rung != self._rung and not self._switched:
            self._switch(rung, now)
            return
        self._fetch(listing.segments[self._next - listing.first], now)

    def _find_place(self, listing: Listing) -> None:
        """Begin, or begin anew where the playlist no longer has what comes next."""
        start = listing.first if listing.ended else listing.next - BEHIND_SEGMENTS
        if self._next is None:
            self._next = max(listing.first, start)
        elif self._next < listing.first:
            self.skipped += max(listing.first, start) - self._next
            self._next = max(listing.first, start)

    def _fetch(self, segment: Segment, now: float) -> None:
        self._fetching = segment
        if segment.init is not None and segment.init not in self._inits:
            self._inits.add(segment.init)
            self._fetching = Segment(segment.init, segment.piece, None)
            self._orders.append(segment.init)
            return
        self._coming = Coming(self._rung, segment.piece.duration_s, now, None, 0, 0)
        self._check_at = now + ABANDON_EVERY_S if self._rung else None
        self._orders.append(segment.ask)

    def _switch(self, rung: int, now: float) -> None:
        """Take another rung's playlist first; its segment comes after it, whatever it says."""
        plays = self.playback.started_at is not None
        self.switches += plays
        self.downs += plays and rung < self._rung
        self._rung, self._switched = rung, True
        self._listing = None
        self._ask_list(now)

    def _check(self, now: float) -> None:
        coming = self._coming
        assert coming is not None
        self._check_at = now + ABANDON_EVERY_S
        playback = self.playback
        if playback.started_at is None or not abandons(
            coming, self._rungs, self.line, playback.buffer_s, now
        ):
            return
        if coming.first_byte_at is not None and coming.size_bytes:
            first_byte_s = coming.first_byte_at - coming.asked_at
            self.line.sample(coming.size_bytes, now - coming.asked_at, first_byte_s)
        else:
            self.line.sample_first_byte(now - coming.asked_at)
        self.abandoned += 1
        self._orders.append(Drop())
        self._coming = self._fetching = self._check_at = None
        self._switched = False
        self._switch(min(coming.rung - 1, self._choose()), now)

    def _choose(self) -> int:
        segment_s = self._listing.target_s if self._listing else 0.0
        return choose(
            self._rungs, self._rung if self.playback.started_at is not None else None, self.line,
            self.playback.buffer_s, segment_s, self._listing is None or not self._listing.ended,
        )  # fmt: skip

    def _ask_list(self, now: float) -> None:
        self._reload_at = None
        if self._asked is None:
            rung = self._rungs[self._rung] if self._rungs else None
            self._asked = (now, rung)
            self._orders.append(Ask(Lane.LISTS, rung.uri if rung else self._uri))
