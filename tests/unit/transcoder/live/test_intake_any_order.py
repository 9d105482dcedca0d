"""An intake in any order of events: what an encoder is given is always whole and in order."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.support.live_tags import SOUND_HEADER, VIDEO_HEADER, A, V, picture, sound
from transcoder.live.errors import BadContribution
from transcoder.live.flv import Kind, Tag, look
from transcoder.live.intake import HOLD_MS, PROBE_MS, Begin, Intake, Sparse, Step
from transcoder.live.timeline import SLACK_MS, START_MS, STEP_MS, STEP_TAGS

OTHER_HEADER = Tag(V, 0, VIDEO_HEADER.data + b"\0")
FRAME_MS = 40
HEADERS = {VIDEO_HEADER.data: "video", OTHER_HEADER.data: "other", SOUND_HEADER.data: "sound"}


class Publishing(RuleBasedStateMachine):
    """Publishers come, go, stall, jump and change; the machine is sometimes late."""

    def __init__(self) -> None:
        super().__init__()
        self.intake = Intake()
        self.now_ms = 5_000
        self.capture_ms = 0
        self.base_ms = 0
        self.late_ms = 0
        self.since_key = 0
        self.begun = False
        self.expects_keyframe = False
        self.last_ms = {A: -1, V: -1}
        self.steps: list[Step] = []

    @initialize(base=st.sampled_from([0, 77_000, (1 << 32) - 3_000]))
    def connect(self, base: int) -> None:
        self.base_ms = base
        self.intake.join()
        self.give(VIDEO_HEADER)
        self.give(SOUND_HEADER)

    @rule(seconds=st.floats(0.1, 4), gop=st.sampled_from([12, 25, 50]), late=st.booleans())
    def publish(self, seconds: float, gop: int, late: bool) -> None:
        for _ in range(round(seconds * 1000 / FRAME_MS)):
            self.capture_ms += FRAME_MS
            self.now_ms = max(self.now_ms, self.capture_ms + 5_000 + self.late_ms * late)
            self.give(replace(picture(0, key=self.since_key % gop == 0), time_ms=self.stamp()))
            self.give(replace(sound(0), time_ms=(self.stamp() + 10) % (1 << 32)))
            self.since_key += 1

    @rule(away_ms=st.integers(0, 200_000), base=st.integers(0, (1 << 32) - 1))
    def come_back(self, away_ms: int, base: int) -> None:
        self.capture_ms += away_ms
        self.now_ms = max(self.now_ms, self.capture_ms + 5_000)
        self.base_ms = base
        self.intake.join()
        self.since_key = 0
        self.give(VIDEO_HEADER)
        self.give(SOUND_HEADER)

    @rule(by_ms=st.integers(-5_000, 5_000))
    def jump(self, by_ms: int) -> None:
        self.base_ms += by_ms

    @rule(late_ms=st.integers(0, 6_000))
    def be_late(self, late_ms: int) -> None:
        self.late_ms = late_ms

    @rule()
    def change_the_picture(self) -> None:
        self.give(OTHER_HEADER)
        self.since_key = 0

    @rule(data=st.binary(max_size=12), kind=st.sampled_from(Kind))
    def send_nonsense(self, data: bytes, kind: Kind) -> None:
        if not look(Tag(kind, 0, data)).header:
            self.give(Tag(kind, self.stamp(), b"\x22" + data if kind is V else b"\xb2" + data))

    def stamp(self) -> int:
        return (self.base_ms + self.capture_ms) % (1 << 32)

    def give(self, tag: Tag) -> None:
        try:
            found = self.intake.take(tag, self.now_ms)
        except BadContribution:
            self.intake.join()
            self.give(VIDEO_HEADER)
            self.give(SOUND_HEADER)
            return
        for step in found:
            self.check(step)

    def check(self, step: Step) -> None:
        """One step of what the encoder sees."""
        if isinstance(step, Begin):
            self.begun = True
            self.expects_keyframe = step.source.picture is not None
        elif isinstance(step, Tag):
            assert self.begun, "nothing before a source is known"
            assert step.time_ms > self.last_ms[step.kind], "times of a track rise"
            self.last_ms[step.kind] = step.time_ms
            assert step.time_ms >= START_MS
            if step.kind is V and self.expects_keyframe:
                assert look(step).keyframe, "an encoder begins with a keyframe"
                self.expects_keyframe = False
        else:
            assert isinstance(step, Sparse)

    @invariant()
    def what_a_new_encoder_would_see_is_whole(self) -> None:
        gop = list(self.intake.gop)
        if gop:
            assert look(gop[0]).keyframe or self.intake.source is None or not self.has_picture()
        assert [tag.time_ms for tag in gop if tag.kind is V] == sorted(
            tag.time_ms for tag in gop if tag.kind is V
        )
        assert {HEADERS[tag.data] for tag in self.intake.lead()} <= {"video", "other", "sound"}

    def has_picture(self) -> bool:
        return self.intake.source is not None and self.intake.source.picture is not None

    def teardown(self) -> None:
        """A publisher that sends well for a while is shown, and in time."""
        self.late_ms = 0
        self.come_back(0, 0)
        self.capture_ms = self.now_ms - 5_000
        self.now_ms += 1
        self.publish(8 + (HOLD_MS + PROBE_MS) / 1000, 25, False)
        ahead_ms = max(self.last_ms.values()) - self.now_ms
        assert -FRAME_MS * STEP_TAGS <= ahead_ms <= max(STEP_MS, SLACK_MS)


TestPublishing = Publishing.TestCase
TestPublishing.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
