"""Rungs of a live feed, what they cost, and who gets them."""

from __future__ import annotations

import pytest

from transcoder.live.admission import Admission, usable_cores
from transcoder.live.errors import Refusal, Refused
from transcoder.live.ladder import LivePlan, usual_cores, ways
from transcoder.live.source import Picture, Source


def source(width: int, height: int, *, plain: bool = True, fps: float = 30.0) -> Source:
    return Source(Picture("h264", width, height, fps, plain), "aac")


def shapes(plan: LivePlan) -> list[str]:
    """Rungs in short: c for a copy."""
    rungs = [f"{r.name}:{r.width_px}x{r.height_px}{'c' * r.copied}" for r in plan.rungs]
    return rungs + ["aac"] * plan.sound


def test_the_source_and_two_smaller_rungs() -> None:
    best, *cheaper = ways(source(1920, 1080))
    assert shapes(best) == ["1080p:1920x1080c", "720p:1280x720", "360p:640x360", "aac"]
    assert [len(plan.rungs) for plan in cheaper] == [2, 1]
    assert shapes(cheaper[-1]) == ["1080p:1920x1080c", "aac"]
    assert shapes(ways(source(1280, 720))[0])[1:] == ["360p:640x360", "180p:320x180", "aac"]
    assert shapes(ways(source(320, 240))[0]) == ["240p:320x240c", "aac"]
    assert shapes(ways(source(720, 1280))[0])[0] == "720p:720x1280c"


def test_an_unfit_source_is_encoded_and_never_enlarged() -> None:
    plans = ways(source(3840, 2160, plain=False))
    assert shapes(plans[0])[0] == "1080p:1920x1080"
    assert shapes(plans[-1]) == ["360p:640x360", "aac"]
    sparse = ways(source(1280, 720), copy=False)
    assert [rung.copied for rung in sparse[0].rungs] == [False] * 3


def test_costs_are_near_what_was_measured() -> None:
    (copied, *_), (encoded, *_) = ways(source(1280, 720)), ways(source(1280, 720), copy=False)
    assert 0.1 < copied.cores < 0.25
    assert 2 < encoded.cores / copied.cores < 4
    assert ways(source(1280, 720))[-1].cores < 0.03


def test_sound_alone_is_a_rendition() -> None:
    (plan,) = ways(Source(None, "aac"))
    assert plan.names == ("aac",)
    assert [rendition.name for rendition in plan.renditions()] == ["aac"]


def test_plain_sound_is_copied_and_costs_less() -> None:
    encoded, copied = (ways(Source(None, "aac", plain_sound=plain))[0] for plain in (False, True))
    assert [plan.copies_sound for plan in (encoded, copied)] == [False, True]
    assert copied.cores < encoded.cores
    assert [plan.renditions()[0].bandwidth_bps for plan in (encoded, copied)] == [96_000, 160_000]


def test_the_origin_is_told_what_comes() -> None:
    told = ways(source(1280, 720, fps=29.97))[0].renditions()
    assert [(one.name, one.rung, one.bandwidth_bps) for one in told] == [
        ("720p", 0, 4_500_000),
        ("360p", 1, 600_000),
        ("180p", 2, 250_000),
        ("aac", 0, 96_000),
    ]
    assert told[0].frame_rate == (29_970, 1000)


def test_the_whole_ladder_then_the_copy_then_nothing() -> None:
    plans = ways(source(1280, 720))
    admission = Admission(plans[0].cores + plans[-1].cores)
    assert admission.admit("one", plans) == plans[0]
    assert admission.admit("two", plans) == plans[-1]
    with pytest.raises(Refused, match=r"this machine is busy: 0\.00 of") as refused:
        admission.admit("three", plans)
    assert refused.value.why is Refusal.CAPACITY
    assert admission.admit("one", plans) == plans[0]
    admission.release("one")
    admission.release("never")
    assert admission.admit("two", plans) == plans[0]


def test_a_part_of_the_machine_is_left_for_the_rest() -> None:
    assert [usable_cores(count) for count in (1, 2, 8)] == [1.0, 1.5, 6.0]


def test_a_usual_feed_is_copied_with_two_rungs_below() -> None:
    assert usual_cores() == ways(source(1280, 720))[0].cores
    assert 0.15 < usual_cores() < 0.2
