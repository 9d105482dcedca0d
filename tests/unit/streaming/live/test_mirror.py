"""A channel and its mirror in a school, joined in memory: the same names for the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.errors import BadMedia
from streaming.live.events import ChannelState, Event, PartReady, SegmentReady
from streaming.live.mirror import Mirror
from streaming.live.playlists import TrackTexts, multivariant_text
from streaming.live.relay import Anew, Closed, Fragments, Known, Message, Standing, decode
from streaming.live.relays import QUEUE_LIMIT_S, Relay, Relays
from streaming.live.segments import Part, Segment
from streaming.live.track import WINDOW_SEGMENTS
from tests.support.live import (
    ANCHOR_UTC,
    EVERYTHING,
    HIGH,
    SOUND,
    Script,
    frame,
    sound_init,
    video_init,
)

NAMES = frozenset({"720p", "360p", "aac"})
MEDIA_BYTES = 40  # a fragment is three of them


@dataclass
class Pair:
    """A channel, one relay of it, and the mirror at its end."""

    script: Script = field(default_factory=Script)
    mirror: Mirror = field(default_factory=Mirror)
    events: list[Event] = field(default_factory=list)
    now: float = 0.0
    media_bytes: int = MEDIA_BYTES
    _told: int = 0

    def __post_init__(self) -> None:
        self.relays = Relays(self.script.channel, lambda: ANCHOR_UTC, self.media_bytes)
        self.relay: Relay | None = None

    def join(self, *names: str) -> Pair:
        """Let the edge come and ask."""
        self.publish()
        self.relay = self.relays.join(self.now, ANCHOR_UTC)
        self.relays.ask(self.relay, frozenset(names), self.now)
        return self

    def publish(self) -> None:
        """Tell the relays what has happened since."""
        fresh, self._told = self.script.events[self._told :], len(self.script.events)
        self.relays.publish(fresh, ANCHOR_UTC, self.now)

    def play(self, first: int, last: int, names: tuple[str, ...] = tuple(NAMES)) -> Pair:
        """Play frames, each told at once."""
        for number in range(first, last):
            self.script.play(number, number + 1, names)
            self.publish()
        return self

    def waiting(self, most: int = 100_000) -> list[Message]:
        """Read what waits for the edge, so many messages of it."""
        assert self.relay is not None
        found: list[Message] = []
        while len(found) < most and (data := self.relay.next()) is not None:
            found.append(decode(data))
        return found

    def deliver(self, most: int = 100_000) -> Pair:
        """Bring the mirror up to date, or so many messages nearer to it."""
        for message in self.waiting(most):
            self.events += self.mirror.take(message)
        return self

    def texts(self, name: str) -> tuple[str, str]:
        """Give the playlist here and there."""
        here, there = self.script.channel, self.mirror.channel
        return (
            TrackTexts(here, here.tracks[name]).text(),
            TrackTexts(there, there.tracks[name]).text(),
        )

    def parts(self, name: str) -> list[Part]:
        """Parts that became whole in the mirror."""
        return [e.part for e in self.events if isinstance(e, PartReady) and e.track.name == name]

    def segments(self, name: str) -> list[Segment]:
        """Segments that became whole in the mirror."""
        found = (e for e in self.events if isinstance(e, SegmentReady))
        return [e.segment for e in found if e.track.name == name]


def bare(segments: Iterable[Segment]) -> list[Segment]:
    """Segments as they are told of without their media."""
    return [replace(one, data=b"", parts=(), keyframe_bytes=0) for one in segments]


def test_a_mirror_from_the_start_is_the_channel() -> None:
    pair = Pair(Script().begin(*EVERYTHING)).join(*NAMES).play(0, 500).deliver()
    for name in NAMES:
        here, there = pair.texts(name)
        assert here == there
        assert pair.parts(name) == pair.script.parts(name)
        assert pair.segments(name) == pair.script.segments(name)
    assert multivariant_text(pair.mirror.channel) == multivariant_text(pair.script.channel)
    assert pair.mirror.channel.state is ChannelState.LIVE
    assert pair.mirror.anchor_utc == ANCHOR_UTC


@pytest.mark.parametrize("joins_at", [1, 37, 60, 61, 100, 355])
def test_who_comes_late_has_the_open_segment_whole(joins_at: int) -> None:
    pair = Pair(Script().begin(*EVERYTHING)).play(0, joins_at).join(*NAMES)
    pair.play(joins_at, joins_at + 700).deliver()
    for name in NAMES:
        mine, theirs = pair.segments(name), pair.script.segments(name)
        assert mine == theirs[len(theirs) - len(mine) :]
        assert mine[0].number in (joins_at // 60, joins_at // 60 - 1)
        here, there = pair.texts(name)
        assert here == there
        assert len(pair.mirror.channel.tracks[name].segments) == len(theirs)


def test_only_what_is_asked_for_crosses_the_line() -> None:
    pair = Pair(Script().begin(*EVERYTHING)).play(0, 130).join("360p", "aac")
    pair.deliver().play(130, 260).deliver()
    assert {e.track.name for e in pair.events if isinstance(e, PartReady)} == {"360p", "aac"}
    assert bare(pair.segments("720p")) == bare(pair.script.segments("720p")[2:])
    assert not any(segment.data for segment in pair.segments("720p"))
    assert pair.parts("360p")[-1] == pair.script.parts("360p")[-1]
    mirrored = multivariant_text(pair.mirror.channel)
    assert mirrored == multivariant_text(pair.script.channel), "all rungs are told of"

    assert pair.relay is not None
    pair.relays.ask(pair.relay, NAMES, pair.now)
    pair.play(260, 400).deliver()
    assert pair.parts("720p") == pair.script.parts("720p")[-len(pair.parts("720p")) :]
    pair.relays.ask(pair.relay, frozenset({"aac"}), pair.now)
    count = len(pair.parts("720p"))
    pair.play(400, 460).deliver()
    assert len(pair.parts("720p")) == count


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("silent", [range(40, 120), range(40, 190), range(130, 250)])
def test_a_sound_that_stops_for_a_while_is_mirrored(silent: range, anew: bool) -> None:
    pair = Pair(Script().begin(*EVERYTHING)).join(*NAMES)
    pair.play(0, silent.start).play(silent.start, silent.stop, ("720p", "360p"))
    if anew:
        pair.script.take("aac", sound_init(b"x"))
    pair.play(silent.stop, 400).deliver()
    here, there = pair.texts("aac")
    assert here == there
    assert pair.segments("aac") == pair.script.segments("aac")
    assert len(pair.script.channel.tracks["aac"].runs) == 1 + anew
    missed = [one.number for one in pair.script.segments("aac") if one.gap]
    for one, other in pairwise(pair.script.segments("aac")):
        if other.number in missed:
            assert one.start_ts + one.duration_ts == pytest.approx(other.start_ts, abs=1)


def test_holes_and_new_runs_are_mirrored() -> None:
    pair = Pair(Script().begin(*EVERYTHING)).join(*NAMES).play(0, 75)
    pair.script.events += pair.script.channel.interrupted()
    pair.publish()
    pair.deliver()
    assert pair.mirror.channel.state is ChannelState.AWAY
    pair.script.take("720p", video_init(0x4D))
    pair.script.events += pair.script.channel.resumed()
    pair.play(360, 700)
    pair.script.events += pair.script.channel.end()
    pair.publish()
    pair.deliver()
    assert [s.gap for s in pair.segments("360p")][:5] == [False, False, True, True, False]
    for name in NAMES:
        assert pair.segments(name) == pair.script.segments(name)
        here, there = pair.texts(name)
        assert here == there
        assert "#EXT-X-ENDLIST" in there
    assert len(pair.mirror.channel.tracks["720p"].runs) == 2


def test_a_hole_that_cannot_be_filled_is_a_discontinuity_there_too() -> None:
    pair = Pair(Script().begin(HIGH, SOUND)).join("720p", "aac").play(0, 130, ("720p", "aac"))
    pair.play(6000, 6130, ("720p", "aac")).deliver()
    assert any(s.discontinuity for s in pair.segments("720p"))
    here, there = pair.texts("720p")
    assert here == there


@pytest.mark.parametrize("taken", range(8, 16))
def test_who_is_emptied_in_the_middle_of_a_fragment_goes_on(taken: int) -> None:
    pair = Pair(Script().begin(HIGH)).join("720p").play(0, 40, ("720p",))
    pair.deliver(taken)
    pair.now = 2 * QUEUE_LIMIT_S
    pair.play(40, 200, ("720p",)).deliver()
    assert pair.relay is not None
    assert pair.relay.skips == 1
    assert pair.texts("720p")[0] == pair.texts("720p")[1]
    assert pair.segments("720p")[-1] == pair.script.segments("720p")[-1]


def test_what_is_wanted_no_more_goes_out_no_more_in_the_middle_of_a_fragment_too() -> None:
    pair = Pair(Script().begin(HIGH)).join("720p").deliver().play(0, 130, ("720p",))
    assert isinstance(pair.waiting(2)[-1], Fragments)
    assert pair.relay is not None
    pair.relays.ask(pair.relay, frozenset(), pair.now)
    left = pair.waiting()
    assert not any(isinstance(one, Fragments) for one in left)
    assert [one.segment.number for one in left if isinstance(one, Closed)] == [0, 1]


def test_what_is_wanted_no_more_does_not_make_the_rest_late() -> None:
    pair = Pair(Script().begin(*EVERYTHING)).join("720p")
    pair.play(0, 1, ("720p", "360p")).deliver().play(1, 10, ("720p", "360p"))
    assert pair.relay is not None
    assert pair.relay.is_over(QUEUE_LIMIT_S + 0.1)
    pair.now = 2.7
    pair.relays.ask(pair.relay, frozenset({"360p"}), pair.now)
    assert not pair.relay.is_over(QUEUE_LIMIT_S + 0.1)
    pair.play(10, 130, ("720p", "360p"))
    pair.deliver()
    assert pair.relay.skips == 0


def test_sound_goes_first() -> None:
    pair = Pair(Script().begin(*EVERYTHING)).play(0, 30).join(*NAMES)
    ids = [one.id for one in pair.waiting() if isinstance(one, Fragments)]
    sound = pair.script.channel.tracks["aac"].id
    assert ids.index(sound) == 0
    assert sound not in ids[ids.count(sound) :]


def test_an_edge_that_takes_nothing_begins_anew_with_what_is_known() -> None:
    pair = Pair(Script().begin(*EVERYTHING)).join(*NAMES).play(0, 130).deliver()
    pair.play(130, 150)
    pair.now = QUEUE_LIMIT_S + 0.1
    pair.play(150, 900)
    assert pair.relay is not None
    assert pair.relay.skips == 1
    pair.deliver()
    track, source = pair.mirror.channel.tracks["720p"], pair.script.channel.tracks["720p"]
    assert [s.number for s in track.segments] == [s.number for s in source.segments]
    assert pair.segments("720p")[-WINDOW_SEGMENTS:] == source.segments[-WINDOW_SEGMENTS:]
    assert not track.segments[2].data, "what was missed is fetched"


def test_a_rendition_that_comes_later_is_followed_when_it_was_asked_for() -> None:
    pair = Pair(Script().begin(HIGH, SOUND)).join(*NAMES).play(0, 60, ("720p", "aac"))
    pair.script.begin(*EVERYTHING)
    pair.relays.announce(pair.now, ANCHOR_UTC)
    pair.play(60, 400).deliver()
    assert pair.segments("360p") == pair.script.segments("360p")


def test_media_out_of_turn_or_not_announced_is_refused() -> None:
    pair = Pair(Script().begin(HIGH), media_bytes=1000).join("720p").play(0, 200, ("720p",))
    messages = pair.waiting()
    with pytest.raises(BadMedia, match="not announced"):
        Mirror().take(messages[-1])
    empty = Mirror()
    empty.take(messages[0])
    with pytest.raises(BadMedia, match="before its init"):
        empty.take(messages[-1])
    skipped = Mirror()
    half = len(messages) // 4
    for message in messages[:half]:
        skipped.take(message)
    with pytest.raises(BadMedia, match="out of its turn"):
        skipped.take(messages[-1])


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 70), st.sets(st.sampled_from(sorted(NAMES)))), max_size=8))
def test_whatever_is_asked_for_and_when_the_segments_are_the_same(
    asked: list[tuple[int, set[str]]],
) -> None:
    """A school takes up and lets go of renditions in the middle of segments and fragments."""
    pair = Pair(Script().begin(*EVERYTHING)).play(0, 30).join()
    at = 30
    for frames, names in [*asked, (130, set(NAMES))]:
        assert pair.relay is not None
        pair.relays.ask(pair.relay, frozenset(names), pair.now)
        pair.play(at, at + frames)
        if frames % 2:
            pair.deliver(frames * 7 if frames % 3 else 100_000)
        at += frames
    pair.deliver()
    for name in NAMES:
        mine, theirs = pair.segments(name), pair.script.segments(name)
        assert bare(mine) == bare(theirs[len(theirs) - len(mine) :])
        assert mine[-1] == theirs[-1], "what is followed has its media"
        for one in mine:
            if one.data:
                assert one == theirs[one.number - theirs[0].number]
        here, there = pair.script.channel.tracks[name], pair.mirror.channel.tracks[name]
        assert bare(there.segments) == bare(here.segments)
        assert there.open_data() == here.open_data()


@pytest.mark.parametrize("asked", [True, False])
def test_a_new_run_is_known_whoever_asks_for_it(asked: bool) -> None:
    pair = Pair(Script().begin(HIGH)).join(*(["720p"] if asked else []))
    pair.play(0, 60, ("720p",))
    pair.script.take("720p", video_init(0x4D))
    pair.play(60, 200, ("720p",)).deliver()
    mine, theirs = (c.tracks["720p"] for c in (pair.mirror.channel, pair.script.channel))
    assert [run.init.data for run in mine.runs] == [run.init.data for run in theirs.runs]
    assert mine.part_target_ts == theirs.part_target_ts
    assert bare(mine.segments) == bare(theirs.segments)


@given(st.lists(st.integers(1, 90), min_size=2, max_size=5), st.integers(0, 200))
def test_whatever_the_grid_the_names_are_the_same(gops: list[int], joins_at: int) -> None:
    """Keyframes at any distances, an edge that comes at any time."""
    keys = {0}
    for gop in gops * 8:
        keys.add(max(keys) + gop)
    pair = Pair(Script().begin(HIGH))
    for number in range(420):
        if number == joins_at:
            pair.join("720p")
        if number - max(k for k in keys if k <= number) < 120:
            pair.script.take("720p", frame(number, number in keys))
        pair.publish()
    pair.deliver()
    mine, theirs = pair.segments("720p"), pair.script.segments("720p")
    assert mine == theirs[len(theirs) - len(mine) :]
    assert pair.parts("720p")[-3:] == pair.script.parts("720p")[-3:]


@dataclass
class Chain:
    """A channel, a box that follows it, and a box behind that one."""

    pair: Pair = field(default_factory=lambda: Pair(Script().begin(*EVERYTHING)).play(0, 30).join())
    last: Mirror = field(default_factory=Mirror)

    def __post_init__(self) -> None:
        self.box = Relays(self.pair.mirror.channel, lambda: ANCHOR_UTC, MEDIA_BYTES)
        self.relay = self.box.join(0.0, ANCHOR_UTC)
        self.deliver()

    def ask(self, below: set[str], here: set[str]) -> None:
        """The last box asks its box, which asks for that and for what its own school has."""
        self.box.ask(self.relay, frozenset(below), 0.0)
        assert self.pair.relay is not None
        self.pair.relays.ask(self.pair.relay, frozenset(below | here), 0.0)

    def break_off(self) -> None:
        """The line is cut between the channel and the box, which comes back and asks at once."""
        assert self.pair.relay is not None
        names = self.pair.relay.names
        self.pair.relay = self.pair.relays.join(0.0, ANCHOR_UTC, names)

    def deliver(self) -> None:
        """Bring both up to date, as `relayed.py` does."""
        for message in self.pair.waiting():
            events = self.pair.mirror.take(message)
            match message:
                case Standing():
                    self.box.announce(0.0, ANCHOR_UTC)
                case Known(id=identifier):
                    self.box.know(self.pair.mirror.name_of(identifier), 0.0)
                case Anew(id=identifier):
                    self.box.renew(self.pair.mirror.name_of(identifier), 0.0)
            self.box.publish(events, ANCHOR_UTC, 0.0)
        while (data := self.relay.next()) is not None:
            self.last.take(decode(data))


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 70),
            st.sets(st.sampled_from(sorted(NAMES))),
            st.sets(st.sampled_from(sorted(NAMES))),
            st.booleans(),
            st.booleans(),
        ),
        max_size=5,
    )
)
def test_a_box_behind_a_box_has_the_same(
    asked: list[tuple[int, set[str], set[str], bool, bool]],
) -> None:
    """Whatever both ask for and when, and when the line between breaks."""
    chain, at = Chain(), 30
    for frames, below, here, breaks, arrives in [*asked, (130, set(NAMES), set(), False, True)]:
        chain.ask(below, here)
        chain.pair.play(at, at + frames)
        at += frames
        if breaks:
            chain.break_off()
        if arrives:
            chain.deliver()
    for name in NAMES:
        first, last = chain.pair.script.channel.tracks[name], chain.last.channel.tracks[name]
        assert bare(last.segments) == bare(first.segments)
        assert last.segments[-1] == first.segments[-1], "what is followed has its media"
        for one in last.segments:
            assert not one.data or one.data == first.segment(one.number).data  # type: ignore[union-attr]
        assert last.open_data() == first.open_data()
