"""Lines of the edge bench's tables."""

from __future__ import annotations

from typing import Any

from loadtests.edge_rows import (
    HEAD,
    PART_HEAD,
    Asked,
    Spent,
    asked_of,
    class_row,
    part_row,
)


def report(**other: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "join_s": 0.5, "stalled_s": 0.0, "mean_bps": 2_000_000.0, "switches": 1, "downs": 0,
        "delay_s": 8.0, "fetches_s": [0.1, 0.3],
    }  # fmt: skip
    return {**found, **other}


def said(*reports: dict[str, Any]) -> dict[str, Any]:
    return {"reports": list(reports), "late_s": [0.001, 0.02]}


def test_requests_of_media_and_of_playlists_are_told_apart() -> None:
    told = {
        "/live/1/720p/7.m4s": (3, 500), "/live/1/720p/8.m4s": (1, 400),
        "/live/1/720p/9.m4s": (1, 0),
        "/live/1/720p.m3u8?_HLS_msn=8": (20, 300), "/api/v1/edge/probe": (1, 900_000),
    }  # fmt: skip
    assert asked_of(told) == Asked(4, 2, 900, 3, 20)
    assert asked_of({}) == Asked(0, 0, 0, 0, 0)


def test_a_class() -> None:
    slow = report(join_s=1.5, stalled_s=3.0, mean_bps=800_000.0, delay_s=10.0)
    asked = Asked(27, 26, 17_600_000, 2, 40)
    row = class_row(
        "S1", "varnish", said(report(), slow), asked, Spent(18_300_000, 0.5, 97_000_000)
    )
    assert row == (
        "| S1 | varnish | 18.3 | 1.04 | 0.50/1.50 | 0 | 1.50 (1) | 1400 | 1.0 (0.0) | 9.0 "
        "| 0.100/0.300 | 27/26 | 2 | 40 | 0.50 | 97 | 20 |"
    )
    assert row.count("|") == HEAD.splitlines()[0].count("|") == HEAD.splitlines()[1].count("|")


def test_who_never_played_is_counted_and_joins_for_ever() -> None:
    never = report(join_s=None, stalled_s=0.0, mean_bps=0.0, delay_s=None, fetches_s=[])
    row = class_row("S2", "direct", said(never, never), Asked(9, 9, 0, 1, 2), Spent(0, 0.0, 0))
    assert row == (
        "| S2 | direct | 0.0 | 0.00 | inf/inf | 2 | nan (0) | nan | nan (nan) | nan | inf/inf "
        "| 9/9 | 1 | 2 | 0.00 | 0 | 20 |"
    )


def test_a_part_that_many_ask_for() -> None:
    took = {"alone_s": [0.1, 0.1], "together_s": [0.1, 0.11, 0.5]}
    row = part_row("nginx_stock", took, Asked(4, 4, 160_000, 1, 0))
    assert row == "| nginx_stock | 100 | 110 / 500 / 500 | 5.00 × | 4/4 |"
    assert row.count("|") == PART_HEAD.splitlines()[1].count("|")
