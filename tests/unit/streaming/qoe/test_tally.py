"""Each report once, and what the figures say then."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry

from streaming.qoe.metrics import OTHER, QoeMetrics
from streaming.qoe.rate import Rate
from streaming.qoe.tally import Tally, Told, told_of
from tests.support.qoe import LABELS, a_report


def test_a_report_is_told_once() -> None:
    tally, report = Tally(), a_report()
    assert tally.take(report) == Told("hls", 0.64, 27.5, 2.5, 2, 1_850_000, 3)
    assert tally.take(report) is None
    assert tally.take(a_report()) is not None


def test_what_was_counted_before() -> None:
    tally, report = Tally(), a_report()
    tally.know([report.id])
    assert tally.take(report) is None


def test_the_oldest_are_forgotten() -> None:
    tally, reports = Tally(seen_limit=3), [a_report() for _ in range(4)]
    for report in reports:
        assert tally.take(report)
    assert tally.take(reports[3]) is None
    assert tally.take(reports[0]) is not None


@pytest.mark.parametrize(
    ("changes", "bitrate"),
    [({}, 1_850_000), ({"play_ms": 0}, None), ({"cmcd": {}}, None)],
)
def test_a_bitrate_needs_play(changes: dict[str, Any], bitrate: int | None) -> None:
    assert told_of(a_report(**changes)).bitrate_bps == bitrate


def test_figures() -> None:
    registry = CollectorRegistry()
    metrics = QoeMetrics(registry)
    metrics.count("city", told_of(a_report()))
    metrics.count("city", told_of(a_report(join_ms=None, cmcd={})))
    wanted = {
        "tongbu_qoe_reports_total": 2, "tongbu_qoe_join_seconds_count": 1,
        "tongbu_qoe_join_seconds_sum": 0.64, "tongbu_qoe_play_seconds_total": 55,
        "tongbu_qoe_rebuffer_seconds_total": 5, "tongbu_qoe_rebuffers_total": 4,
        "tongbu_qoe_bitrate_bps_count": 1, "tongbu_qoe_bitrate_bps_sum": 1_850_000,
        "tongbu_qoe_rung_changes_total": 6,
    }  # fmt: skip
    assert {name: registry.get_sample_value(name, LABELS) for name in wanted} == wanted


def test_schools_are_bounded() -> None:
    registry = CollectorRegistry()
    metrics = QoeMetrics(registry, schools_limit=2)
    for school in ("a", "b", "c", "d", "a"):
        metrics.count(school, told_of(a_report()))
    counted = {
        school: registry.get_sample_value(
            "tongbu_qoe_reports_total", {"school": school, "delivery": "hls"}
        )
        for school in ("a", "b", "c", OTHER)
    }
    assert counted == {"a": 2, "b": 1, "c": None, OTHER: 2}


def test_an_address_that_reports_too_much_waits() -> None:
    rate = Rate(burst=3, per_s=2.0)
    assert [rate.wait_s("10.0.0.1", 5.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert rate.wait_s("10.0.0.2", 5.0) == 0
    assert rate.wait_s("10.0.0.1", 5.5) == 0
    assert rate.wait_s("10.0.0.1", 5.5) == 0.5
    assert [rate.wait_s("10.0.0.1", 900.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_addresses_are_bounded() -> None:
    rate = Rate(burst=1, addresses_limit=2)
    addresses = [str(uuid4()) for _ in range(3)]
    assert all(rate.wait_s(one, 1.0) == 0 for one in addresses)
    assert rate.wait_s(addresses[2], 1.0) > 0
    assert rate.wait_s(addresses[0], 1.0) == 0
