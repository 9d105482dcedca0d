"""Who is named as the one at fault: the table, line by line, and what holds for all of it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.operations.known import Box, City, Device, Known, Picture, Viewings
from catalog.operations.verdict import TABLE, Cause, judge, trouble_of

WELL_PICTURE = Picture("s1", 0.0, 0, 0.0, 1.0, 0.2, 0.0, 0.0)
WELL_BOX = Box(1.0, None, None, 8_000_000, 0.0, 0.3, "keeping", 0.01)
WELL_DEVICE = Device("三年级一班", "s1", 0.45, 0.01, None, 0.5, None, False)
OTHERS = tuple(replace(WELL_DEVICE, name=f"三年级{n}班") for n in "二三四")
WELL = Known((WELL_PICTURE,), City(0.02), WELL_BOX, (WELL_DEVICE, *OTHERS), Viewings(6, 180.0, 1.0))
NO_BOX = replace(WELL, box=None)


def picture(**more: Any) -> Known:
    return replace(WELL, pictures=(WELL_PICTURE, replace(WELL_PICTURE, session="s2", **more)))


def box(**more: Any) -> Known:
    return replace(WELL, box=replace(WELL_BOX, **more))


def devices(*found: dict[str, Any], base: Known = WELL) -> Known:
    """Give a school whose first devices are as told, and the rest well."""
    well = (WELL_DEVICE, *OTHERS)
    bad = [replace(device, **more) for device, more in zip(well, found, strict=False)]
    return replace(base, devices=(*bad, *well[len(bad) :]))


def only(*found: dict[str, Any], base: Known = WELL) -> Known:
    """Give a school that has these devices alone."""
    whole = devices(*found, base=base)
    return replace(whole, devices=whole.devices[: len(found)])


LATE = {"late": True, "delay_s": 2.0}
CASES = (
    ("encoder silent", picture(silent_s=3.0), Cause.ENCODER, ["encoder_silent"]),
    ("encoder with holes", picture(gaps=3), Cause.ENCODER, ["encoder_gaps"]),
    ("city encodes slowly", picture(slow_s=8.0, speed=0.8), Cause.ORIGIN, ["transcoder_slow"]),
    ("comes old, encoded in time", picture(part_age_s=4.0, old_s=3.0), Cause.ENCODER,
     ["encoder_behind"]),
    ("parts become old", picture(part_age_s=4.0, old_s=3.0, speed=1.6), Cause.ORIGIN,
     ["parts_old"]),
    ("old parts, speed unknown", picture(part_age_s=4.0, old_s=3.0, speed=None), Cause.ORIGIN,
     ["parts_old"]),
    ("old parts of a busy origin", replace(picture(part_age_s=4.0, old_s=3.0), city=City(0.3)),
     Cause.ORIGIN, ["parts_old", "origin_busy"]),
    ("bits, but no parts", picture(stopped_s=4.0), Cause.ORIGIN, ["parts_stopped"]),
    ("origin busy", replace(WELL, city=City(0.25)), Cause.ORIGIN, ["origin_busy"]),
    ("box not heard", box(told_s=10.0), Cause.LINE, ["box_untold"]),
    ("line too thin", box(thin_s=5.0), Cause.LINE, ["line_thin"]),
    ("live lags on the line", box(lag_s=2.0), Cause.LINE, ["line_lags"]),
    ("all alike, no box", devices(LATE, LATE, LATE, LATE, base=NO_BOX), Cause.LINE,
     ["line_alike"]),
    ("box has gone", box(told_s=20.0, closed_s=4.0), Cause.EDGE, ["box_closed"]),
    ("box away for long", box(told_s=None, unheard_s=180.0), Cause.EDGE, ["box_unheard"]),
    ("box's disk is full", box(disk="full"), Cause.EDGE, ["box_disk_full"]),
    ("box's disk read-only", box(disk="read_only"), Cause.EDGE, ["box_disk_read_only"]),
    ("box's disk fails", box(disk="failing"), Cause.EDGE, ["box_disk_failing"]),
    ("box is busy", box(loop_late_s=0.25), Cause.EDGE, ["box_busy"]),
    ("all alike behind a box", devices(LATE, LATE, LATE, LATE), Cause.EDGE, ["box_alike"]),
    ("some devices of many", devices(LATE, LATE), Cause.WIFI, ["wifi_some", "wifi_spread"]),
    ("some stall, delays are alike", devices({"stalled_s": 1.0}, {"stalled_s": 2.0}), Cause.WIFI,
     ["wifi_some"]),
    ("all bad, far apart", devices(LATE, LATE, LATE, {"late": True, "delay_s": 4.0}), Cause.WIFI,
     ["wifi_some", "wifi_spread"]),
    ("viewers wait behind a well box", replace(WELL, viewings=Viewings(3, 90.0, 10.0)),
     Cause.WIFI, ["wifi_stands"]),
    ("one device late", devices(LATE), Cause.DEVICE, ["device_late"]),
    ("one device stalls", devices({"stalled_s": 9.0}), Cause.DEVICE, ["device_stalls"]),
    ("one device out of step", devices({"skew_s": -0.2}), Cause.DEVICE, ["device_skew"]),
    ("one device silent", devices({"silent_s": 8.0}), Cause.DEVICE, ["device_silent"]),
    ("one device cut off", devices({"away_s": 3.0}), Cause.DEVICE, ["device_away"]),
    ("the only device", only(LATE), Cause.DEVICE, ["device_late"]),
    ("one of two", only(LATE, {}), Cause.DEVICE, ["device_late"]),
)  # fmt: skip
NEARLY = (
    picture(silent_s=2.9), picture(gaps=2), picture(slow_s=7.9, speed=0.5), picture(slow_s=9.0),
    picture(part_age_s=5.0, old_s=2.9), picture(stopped_s=3.9), replace(WELL, city=City(0.249)),
    box(told_s=9.9), box(thin_s=4.9), box(lag_s=1.9), box(closed_s=3.9), box(disk="keeping"),
    box(loop_late_s=0.24), box(told_s=None, unheard_s=179.0), devices({"stalled_s": 10.0}),
    devices({"skew_s": 0.19}), devices({"silent_s": 7.9}), devices({"away_s": 2.9}),
    replace(WELL, viewings=Viewings(2, 1.0, 9.0)), replace(NO_BOX, viewings=Viewings(9, 1.0, 9.0)),
)  # fmt: skip


@pytest.mark.parametrize(("_name", "known", "cause", "codes"), CASES, ids=[c[0] for c in CASES])
def test_each_line_of_the_table(_name: str, known: Known, cause: Cause, codes: list[str]) -> None:
    found = judge(known)
    assert found is not None
    assert (found.cause, [one.code for one in found.evidence]) == (cause, codes)


@pytest.mark.parametrize("known", [WELL, NO_BOX, Known(), *NEARLY])
def test_a_school_that_is_well_has_no_verdict(known: Known) -> None:
    assert judge(known) is None


def test_evidence_has_its_figure_its_limit_its_time_and_whom_it_is_about() -> None:
    found = judge(picture(silent_s=7.5))
    assert found is not None
    (evidence,) = found.evidence
    assert (evidence.figure, evidence.limit, evidence.unit) == (7.5, 3.0, "s")
    assert (evidence.about, evidence.lasted_s) == ("s2", 7.5)


def test_a_devices_plainest_trouble_is_told() -> None:
    found = trouble_of(replace(WELL_DEVICE, away_s=5.0, late=True, stalled_s=1.0))
    assert found is not None
    assert (found.code, found.about) == ("device_away", "三年级一班")


def test_the_table_has_each_cause_once_in_the_order_of_the_picture() -> None:
    assert [cause for cause, _ in TABLE] == list(Cause)


ORDER = list(Cause)
CONCERNS = {
    "pictures": {Cause.ENCODER: picture(silent_s=9.0),
                 Cause.ORIGIN: picture(part_age_s=2.0, old_s=9.0, speed=0.5)},
    "city": {Cause.ORIGIN: replace(WELL, city=City(1.0))},
    "box": {Cause.LINE: box(told_s=12.0), Cause.EDGE: box(disk="full")},
    "devices": {Cause.WIFI: devices(LATE, LATE), Cause.DEVICE: devices(LATE),
                Cause.EDGE: devices(LATE, LATE, LATE, LATE)},
}  # fmt: skip
some_faults = st.fixed_dictionaries(
    {part: st.sampled_from([None, *faults]) for part, faults in CONCERNS.items()}
)


@given(some_faults)
def test_of_several_faults_the_first_upstream_always_wins(faults: dict[str, Cause | None]) -> None:
    given = {part: cause for part, cause in faults.items() if cause is not None}
    parts = {part: getattr(CONCERNS[part][cause], part) for part, cause in given.items()}
    found = judge(replace(WELL, **parts))
    first = min(given.values(), key=ORDER.index, default=None)
    assert (found.cause if found else None) is first


@given(st.sampled_from(CASES))
def test_an_encoder_that_is_silent_wins_over_everything(
    case: tuple[str, Known, Cause, list[str]],
) -> None:
    silent = replace(WELL_PICTURE, silent_s=30.0)
    found = judge(replace(case[1], pictures=(*case[1].pictures, silent)))
    assert found is not None
    assert found.cause is Cause.ENCODER


numbers = st.none() | st.floats(0, 400)
pictures = st.builds(
    Picture, st.just("s"), numbers, st.none() | st.integers(0, 9), numbers,
    st.none() | st.floats(0.0, 2.0), numbers, numbers, numbers,
)  # fmt: skip
boxes = st.none() | st.builds(
    Box, numbers, numbers, numbers, st.none() | st.integers(0, 10**8), numbers, numbers,
    st.sampled_from([None, "keeping", "full", "read_only", "failing"]), numbers,
)  # fmt: skip
devs = st.builds(
    Device, st.just("d"), st.just("s"), numbers, st.none() | st.floats(-9, 9), numbers, numbers,
    numbers, st.none() | st.booleans(),
)  # fmt: skip
everything = st.builds(
    Known, st.lists(pictures, max_size=3).map(tuple), st.builds(City, numbers), boxes,
    st.lists(devs, max_size=5).map(tuple),
    st.builds(Viewings, st.integers(0, 9), st.floats(0, 99), st.floats(0, 99)),
)  # fmt: skip


@given(everything)
def test_whatever_is_known_there_is_at_most_one_verdict_and_it_has_evidence(known: Known) -> None:
    found = judge(known)
    if found is None:
        return
    assert found.evidence
    before = TABLE[: ORDER.index(found.cause)]
    assert not [one for _, rules in before for rule in rules for one in rule(known)]


def without(value: Any) -> Any:
    """Give a part of which nothing is known; its words stay."""
    kept = {"name", "session"}
    return replace(value, **{f.name: None for f in fields(value) if f.name not in kept})


@given(everything)
def test_what_is_not_known_names_nobody(known: Known) -> None:
    blind = Known(
        tuple(map(without, known.pictures)), City(None), known.box and without(known.box),
        tuple(map(without, known.devices)),
    )  # fmt: skip
    assert judge(blind) is None


@given(everything)
def test_of_a_part_that_is_not_known_no_evidence_comes(known: Known) -> None:
    found = judge(replace(known, pictures=tuple(map(without, known.pictures)), city=City(None)))
    assert found is None or found.cause not in (Cause.ENCODER, Cause.ORIGIN)
