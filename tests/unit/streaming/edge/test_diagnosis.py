"""What a person in the school is told, from figures alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streaming.edge.diagnosis import Figures, Level, diagnose

FINE = Figures(estimate_bps=8_000_000)


def codes(figures: Figures) -> list[str]:
    return [finding.code for finding in diagnose(figures)]


def test_nothing_is_wrong() -> None:
    (found,) = diagnose(FINE)
    assert (found.code, found.level) == ("fine", Level.FINE)


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        (replace(FINE, revoked=True), "revoked"),
        (replace(FINE, cut_s=61.4), "line_cut"),
        (replace(FINE, estimate_bps=700_000), "line_low"),
        (replace(FINE, lowest=2), "line_too_thin"),
        (replace(FINE, lag_s=3.21), "live_late"),
        (replace(FINE, capped=1), "capped"),
        (replace(FINE, capped=1, ceiling_bps=4_000_000), "capped_by_ceiling"),
        (replace(FINE, disk="full"), "disk_full"),
        (replace(FINE, disk="read_only"), "disk_read_only"),
        (replace(FINE, disk="failing"), "disk_failing"),
        (replace(FINE, disk_share=0.99, night_left_bytes=5), "cache_small"),
        (replace(FINE, clock_error_ms=2500.0), "clock_unsure"),
        (replace(FINE, certificate_days=10.0), "certificate_ends"),
        (replace(FINE, waiting=3), "words_wait"),
    ],
)
def test_each_trouble_has_a_name(figures: Figures, code: str) -> None:
    assert codes(figures) == [code]


def test_the_worst_is_first_and_a_cut_line_explains_the_rest() -> None:
    figures = Figures(cut_s=10.0, estimate_bps=500_000, lowest=1, lag_s=9.0, waiting=2)
    assert codes(figures) == ["line_cut", "words_wait"]
    assert diagnose(figures)[0].values == {"seconds": 10}
    assert diagnose(replace(figures, cut_s=1.0))[0].level is Level.WARNING


def test_what_is_not_known_is_no_trouble() -> None:
    assert codes(Figures()) == ["fine"]
    assert codes(replace(FINE, certificate_days=0.0))[0] == "certificate_ends"
    assert diagnose(replace(FINE, certificate_days=0.0))[0].level is Level.TROUBLE
