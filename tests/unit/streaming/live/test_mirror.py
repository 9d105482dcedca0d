"""A channel and its mirror in a school, joined in memory: the same names for the same bytes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.errors import BadMedia
from streaming.live.events import ChannelState, PartReady
from streaming.live.mirror import Mirror
from streaming.live.playlists import multivariant_text
from streaming.live.relay import Closed, Fragments
from streaming.live.relays import QUEUE_LIMIT_S
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
from tests.support.mirrored import NAMES, Pair, bare


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
