"""A live feed made byte by byte: rungs of one frame a fragment, sound of a few packets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from catalog.media import Media
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader, Init
from streaming.live.channel import Channel
from streaming.live.events import Event, PartReady, SegmentReady
from streaming.live.port import LiveRendition
from streaming.live.segments import Part, Segment
from tests.support import cmaf

ANCHOR_UTC = 1_795_600_000.0
HIGH = LiveRendition("720p", Media.VIDEO, 0, 1_900_000, (30, 1))
LOW = LiveRendition("360p", Media.VIDEO, 1, 700_000, (30, 1))
SOUND = LiveRendition("aac", Media.AUDIO, 0, 128_000)
EVERYTHING = (HIGH, LOW, SOUND)
FRAME_TS = 512
PACKET_TS = 1024
SOUND_HZ = 48_000


@cache
def video_init(width_profile: int = 0x64, timescale: int = cmaf.TIMESCALE) -> Init:
    """An init of H.264; another profile is another decoder."""
    config = bytes([1, width_profile]) + cmaf.AVCC[2:]
    entry = cmaf.video_entry(config=cmaf.box(b"avcC", config))
    return _init(cmaf.init(entry, timescale=timescale))


@cache
def sound_init(mark: bytes = bytes(1)) -> Init:
    """An init of AAC; with another mark it has other bytes and says the same."""
    data = cmaf.init(cmaf.audio_entry(b"mp4a", cmaf.esds()), b"soun", SOUND_HZ)
    return _init(data.replace(b"soun" + bytes(13), b"soun" + bytes(12) + mark))


def _init(data: bytes) -> Init:
    (init,) = CmafReader().feed(data)
    assert isinstance(init, Init)
    return init


def fragment_of(init: Init, data: bytes) -> Fragment:
    """Read one fragment's bytes."""
    reader = CmafReader()
    _, item = reader.feed(init.data + data)
    assert isinstance(item, Fragment)
    return item


@cache
def frame(number: int, sync: bool, frame_ts: int = FRAME_TS, size: int = 20) -> Fragment:
    """Frame `number` of a rung."""
    data = cmaf.fragment(number * frame_ts, (size,), frame_ts, sync, number + 1)
    return fragment_of(video_init(), data)


@cache
def packet(number: int, packets: int = 1) -> Fragment:
    """A fragment of sound, some packets from `number` on."""
    data = cmaf.fragment(number * PACKET_TS, (6,) * packets, PACKET_TS, True, number + 1)
    return fragment_of(sound_init(), data)


@dataclass
class Script:
    """Feeds a channel as an encoder would, and keeps what happened."""

    channel: Channel = field(default_factory=Channel)
    gop: int = 60
    events: list[Event] = field(default_factory=list)

    def begin(self, *renditions: LiveRendition) -> Script:
        """Announce renditions and send their inits."""
        self.channel.begin(renditions)
        for item in renditions:
            init = video_init() if item.media is Media.VIDEO else sound_init()
            self.take(item.name, init)
        return self

    def take(self, name: str, item: Init | Fragment) -> None:
        """Push one piece."""
        self.events += self.channel.take(name, item, ANCHOR_UTC)

    def frames(self, first: int, last: int, *names: str) -> None:
        """Push frames [first, last) of the rungs, keyframes on a fixed grid."""
        for number in range(first, last):
            for name in names:
                self.take(name, frame(number, number % self.gop == 0))

    def play(self, first: int, last: int, names: tuple[str, ...] = ("720p", "360p", "aac")) -> None:
        """Push frames [first, last) with the sound that goes with them."""
        videos = tuple(name for name in names if name != "aac")
        sound = list(self._packets(first, last)) if "aac" in names else []
        for number in range(first, last):
            self.frames(number, number + 1, *videos)
            while sound and sound[0] * PACKET_TS / SOUND_HZ < (number + 1) / 30:
                self.take("aac", packet(sound.pop(0)))

    def _packets(self, first: int, last: int) -> Iterator[int]:
        start, end = first * SOUND_HZ // 30, last * SOUND_HZ // 30
        return iter(range(-(-start // PACKET_TS), -(-end // PACKET_TS)))

    def parts(self, name: str) -> list[Part]:
        """Parts that became whole."""
        return [e.part for e in self.events if isinstance(e, PartReady) and e.track.name == name]

    def segments(self, name: str) -> list[Segment]:
        """Segments that became whole."""
        return [
            e.segment for e in self.events if isinstance(e, SegmentReady) and e.track.name == name
        ]

    def grid(self, name: str) -> list[tuple[int, float, float]]:
        """Number, start and duration in seconds of each segment."""
        track = self.channel.tracks[name]
        return [
            (s.number, s.start_ts / track.scale(s), s.duration_ts / track.scale(s))
            for s in self.segments(name)
        ]
