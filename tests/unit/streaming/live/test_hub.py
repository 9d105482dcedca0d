from __future__ import annotations

import json
from typing import Any

from prometheus_client import CollectorRegistry

from streaming.live.channel import Channel
from streaming.live.frame import Frame, Kind
from streaming.live.hub import Hub
from streaming.live.lanes import Connection
from streaming.live.metrics import LiveMetrics
from streaming.live.viewer import Said
from tests.support.live import ANCHOR_UTC, EVERYTHING, HIGH, SOUND, Script, video_init


class Scene:
    """A channel and its hub; `play` gives the hub what happened."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self.hub = Hub(self.script.channel, {"session": "s", "feed": "main"},
                       LiveMetrics(CollectorRegistry()))  # fmt: skip
        self.anchor_utc = ANCHOR_UTC

    def play(self, first: int, last: int, *names: str) -> None:
        self.script.play(first, last, names or ("720p", "360p", "aac"))
        self.tell()

    def tell(self) -> None:
        events, self.script.events = self.script.events, []
        self.hub.publish(events, 0.0, ANCHOR_UTC, self.anchor_utc)

    def join(self, rendition: str = "") -> Connection:
        return self.hub.join(rendition, 0.0, ANCHOR_UTC, self.anchor_utc)


def taken(connection: Connection) -> tuple[list[dict[str, Any]], list[Frame]]:
    said: list[dict[str, Any]] = []
    frames: list[Frame] = []
    while (item := connection.viewer.next()) is not None:
        if isinstance(item, Said):
            said.append(json.loads(item.text))
        elif isinstance(item, Frame):
            frames.append(item)
    return said, frames


def test_who_joins_gets_the_newest_keyframe_and_the_sound_from_there() -> None:
    scene = Scene()
    scene.script.begin(*EVERYTHING)
    scene.play(0, 130)
    said, frames = taken(scene.join())
    assert [item["type"] for item in said] == ["hello", "state"]
    assert (said[0]["video"], said[0]["audio"], said[0]["anchor"]) == (1, 3, ANCHOR_UTC)
    pictures = [f for f in frames if f.rendition == 1 and f.kind is not Kind.INIT]
    assert [f.kind for f in pictures] == [Kind.KEYFRAME] + [Kind.PICTURE] * 9
    assert pictures[0].at_us == 4_000_000
    sounds = [f.at_us for f in frames if f.kind is Kind.SOUND]
    assert 4_000_000 <= min(sounds) < 4_030_000


def test_who_joins_after_a_restart_gets_the_init_that_was_recorded() -> None:
    before = Script().begin(HIGH)
    before.play(0, 121, ("720p",))
    scene = Scene(Script(Channel(first_number=2)))
    scene.script.channel.restore(HIGH, video_init(), before.segments("720p"))
    scene.script.begin(HIGH)
    scene.play(180, 200, "720p")
    _, frames = taken(scene.join())
    assert [frame.kind for frame in frames[:2]] == [Kind.INIT, Kind.KEYFRAME]
    assert frames[0].wire.endswith(video_init().data)
    _, others = taken(scene.join())
    assert others[0].wire is frames[0].wire


def test_a_rung_or_sound_only_can_be_asked_for() -> None:
    scene = Scene()
    scene.script.begin(*EVERYTHING)
    scene.play(0, 70)
    assert taken(scene.join("360p"))[0][0]["video"] == 2
    assert taken(scene.join("nothing of ours"))[0][0]["video"] == 1
    said, frames = taken(scene.join("audio"))
    assert said[0]["video"] is None
    assert {frame.rendition for frame in frames} == {3}
    assert 0 < len([f for f in frames if f.kind is Kind.SOUND]) < 30


def test_a_feed_of_sound_alone_has_no_picture() -> None:
    scene = Scene()
    scene.script.begin(SOUND)
    scene.play(0, 100, "aac")
    said, frames = taken(scene.join())
    assert (said[0]["video"], said[0]["audio"]) == (None, 1)
    assert frames[0].kind is Kind.INIT


def test_an_anchor_that_moved_is_told_in_steps() -> None:
    scene = Scene()
    scene.script.begin(HIGH)
    scene.play(0, 10, "720p")
    connection = scene.join()
    taken(connection)
    for step_ms in (2, 4, 6, 8, 12):
        scene.anchor_utc = ANCHOR_UTC + step_ms / 1000
        scene.tell()
    anchors = [item["anchor"] for item in taken(connection)[0] if item["type"] == "anchor"]
    assert [round(1000 * (utc - ANCHOR_UTC)) for utc in anchors] == [6, 12]


def test_other_parameters_are_greeted_again_and_their_init_is_sent() -> None:
    scene = Scene()
    scene.script.begin(HIGH)
    scene.play(0, 70, "720p")
    connection = scene.join()
    taken(connection)
    scene.script.take("720p", video_init(0x4D))
    scene.play(120, 125, "720p")
    said, frames = taken(connection)
    hello = next(item for item in said if item["type"] == "hello")
    assert hello["renditions"][0]["codecs"] == "avc1.4d001e"
    assert [(f.kind, f.run) for f in frames[:2]] == [(Kind.INIT, 1), (Kind.KEYFRAME, 1)]


def test_the_end_lets_everyone_go_with_what_is_queued() -> None:
    scene = Scene()
    scene.script.begin(HIGH)
    scene.play(0, 70, "720p")
    connection = scene.join()
    scene.script.events += scene.script.channel.end()
    scene.tell()
    scene.hub.close(0.0)
    assert connection.closed
    assert len(taken(connection)[1]) == 1 + 10
    late = scene.join()
    assert late.closed
    scene.hub.leave(connection)
    scene.hub.leave(late)
    assert len(scene.hub) == 0


def test_a_viewer_asks_for_what_there_is() -> None:
    scene = Scene()
    scene.script.begin(*EVERYTHING)
    scene.play(0, 70)
    connection = scene.join()
    taken(connection)
    connection.bell.clear()
    assert not scene.hub.ask(connection, "4320p", 0.0)
    assert (len(connection.viewer), connection.viewer.video) == (0, 1)
    assert scene.hub.ask(connection, "audio", 0.0)
    assert connection.bell.is_set()
    assert connection.viewer.video is None


def test_who_joined_without_a_rung_gets_its_init_when_it_is_shown_again() -> None:
    scene = Scene()
    scene.script.begin(*EVERYTHING)
    scene.play(0, 70)
    scene.script.channel.gone = {"720p"}
    scene.hub.renditions_changed(0.0, ANCHOR_UTC, ANCHOR_UTC)
    connection = scene.join()
    said, _ = taken(connection)
    assert said[0]["video"] == 2
    scene.script.channel.gone = set()
    scene.hub.renditions_changed(0.0, ANCHOR_UTC, ANCHOR_UTC)
    assert scene.hub.ask(connection, "720p", 0.0)
    scene.play(70, 190)
    _, frames = taken(connection)
    kinds = [f.kind for f in frames if f.rendition == 1]
    assert kinds[:2] == [Kind.INIT, Kind.KEYFRAME]
