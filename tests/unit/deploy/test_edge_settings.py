"""Options of a school's box: rates and hours as people write them."""

from __future__ import annotations

import pytest

from deploy.edge_settings import EdgeSettings, parse_hours, parse_rate


@pytest.mark.parametrize(
    ("text", "bps"),
    [("8M", 8_000_000), ("2.4m", 2_400_000), ("800k", 800_000), ("1G", 10**9), ("64000", 64_000),
     ("", 0)],
)  # fmt: skip
def test_a_line_in_bits_a_second(text: str, bps: int) -> None:
    assert parse_rate(text) == bps


@pytest.mark.parametrize("text", ["8 MB", "-1", "0", "fast", "1e9", "9999999G", "8M/s"])
def test_what_is_no_line(text: str) -> None:
    with pytest.raises(ValueError, match="8M or 800k"):
        parse_rate(text)


def test_hours() -> None:
    assert parse_hours("22:00-06:00") == (1320, 360)
    assert parse_hours("") is None
    for text in ("22-6", "24:00-06:00", "22:00-06:60", "night", "22:00 - 06:00x"):
        with pytest.raises(ValueError, match="22:00-06:00"):
            parse_hours(text)


def test_the_whole_section() -> None:
    settings = EdgeSettings(origin="https://tongbu.example", line="8M", reserve="2M")
    assert (settings.line_bps, settings.reserve_bps) == (8_000_000, 2_000_000)
    assert EdgeSettings().line_bps is None
    assert EdgeSettings().night_minutes == (1320, 360)
    for wrong in (
        {"origin": "tongbu.example"}, {"origin": "https://a/b"}, {"cache_gib": 0.0},
        {"night_gib": -1.0}, {"line": "x"}, {"night": "x"},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"must be|given"):
            EdgeSettings(**wrong)
