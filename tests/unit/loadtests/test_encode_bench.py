"""The peers' settings as commands, and the picture that a run draws."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from loadtests.peer_encoders import Footage, mediacms, peertube
from loadtests.vmaf_plot import svg

LESSON = Footage(Path("/lesson.mp4"), 30, 2_000_000)
SCREENCAST = Footage(Path("/lesson.mp4"), 30, 200_000)


def after(command: list[str], option: str) -> str:
    return command[command.index(option) + 1]


def test_peertube_caps_by_the_source_and_by_pixels() -> None:
    folder = Path("/out")
    assert after(peertube(LESSON, 1080, folder), "-maxrate") == "2600000"
    assert after(peertube(LESSON, 240, folder), "-maxrate") == "521424"
    assert after(peertube(SCREENCAST, 1080, folder), "-maxrate") == "1244160"
    command = peertube(LESSON, 720, folder)
    assert (after(command, "-g"), after(command, "-bf")) == ("60", "16")
    assert after(command, "-vf") == "scale=w=-2:h=720"


def test_mediacms_changes_its_preset_with_the_height() -> None:
    folder = Path("/out")
    assert after(mediacms(LESSON, 480, folder), "-preset") == "medium"
    command = mediacms(LESSON, 1080, folder)
    assert (after(command, "-preset"), after(command, "-maxrate")) == ("faster", "6750k")
    assert command[-1] == "/out/1080.mp4"


def test_the_picture_is_whole_and_holds_every_point() -> None:
    text = svg({"slides & <text>": {"a": [(90.0, 80.0), (180.0, 95.0)], "b": [(50.0, 10.0)]}})
    root = ElementTree.fromstring(text)
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 3 + 2
    assert "slides &amp; &lt;text&gt;" in text
