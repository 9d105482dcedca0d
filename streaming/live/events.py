"""What happens in a channel, and the states it goes through. Pure.

waiting ─► live ⇄ reconnecting
   └────────┴─────────┴─► ended
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from streaming.isobmff.fragment import Fragment
from streaming.live.segments import Opening, Part, Run, Segment
from streaming.live.track import Track


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The rendition's fragments now need this initialization section."""

    track: Track
    run: Run


@dataclass(frozen=True, slots=True)
class FragmentReady:
    """A fragment is in its place on the timeline, in the segment that this opening begins.

    `again`: viewers had it before; an upstream sent the open segment once more.
    """

    track: Track
    fragment: Fragment
    opening: Opening
    again: bool = False


@dataclass(frozen=True, slots=True)
class PartReady:
    """A part is whole."""

    track: Track
    part: Part


@dataclass(frozen=True, slots=True)
class SegmentReady:
    """A segment is whole, or was left out (`segment.gap`)."""

    track: Track
    segment: Segment


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The channel has another state."""

    state: ChannelState


Event = RunStarted | FragmentReady | PartReady | SegmentReady | StateChanged


class ChannelState(Enum):
    """Where a channel stands; the value is what viewers are told."""

    WAITING = "waiting"
    LIVE = "live"
    AWAY = "reconnecting"
    ENDED = "ended"


class ChannelInput(Enum):
    """What moves a channel."""

    SEGMENT = "segment"
    INTERRUPTED = "interrupted"
    RESUMED = "resumed"
    END = "end"


_S, _I = ChannelState, ChannelInput
TRANSITIONS: dict[tuple[ChannelState, ChannelInput], ChannelState] = {
    (_S.WAITING, _I.SEGMENT): _S.LIVE,
    (_S.WAITING, _I.INTERRUPTED): _S.WAITING,
    (_S.WAITING, _I.RESUMED): _S.WAITING,
    (_S.WAITING, _I.END): _S.ENDED,
    (_S.LIVE, _I.SEGMENT): _S.LIVE,
    (_S.LIVE, _I.INTERRUPTED): _S.AWAY,
    (_S.LIVE, _I.RESUMED): _S.LIVE,
    (_S.LIVE, _I.END): _S.ENDED,
    (_S.AWAY, _I.SEGMENT): _S.AWAY,
    (_S.AWAY, _I.INTERRUPTED): _S.AWAY,
    (_S.AWAY, _I.RESUMED): _S.LIVE,
    (_S.AWAY, _I.END): _S.ENDED,
}
