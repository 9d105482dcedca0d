"""A box behind a box, joined in memory: the last one has what the channel has."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.live.mirror import Mirror
from streaming.live.relay import Anew, Known, Standing, decode
from streaming.live.relays import Relays
from tests.support.live import ANCHOR_UTC, EVERYTHING, Script
from tests.support.mirrored import MEDIA_BYTES, NAMES, Pair, bare


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
