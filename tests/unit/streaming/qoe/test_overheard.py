"""What is heard of players with their requests for media."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from streaming.qoe.cmcd import read_cmcd
from streaming.qoe.overheard import PIECE_LIMIT_MS, Overheard, delivery_of

NAMES = ("requests", "starved", "media_seconds", "media_bits")
SEGMENT = "/media/a/v/3.m4s?token=t"


def counted(registry: CollectorRegistry, delivery: str = "hls") -> tuple[float | None, ...]:
    labels = {"school": "city", "delivery": delivery}
    return tuple(registry.get_sample_value(f"tongbu_qoe_cmcd_{n}_total", labels) for n in NAMES)


def hear(target: str, fields: dict[str, str]) -> CollectorRegistry:
    registry = CollectorRegistry()
    Overheard(registry, "city").hear(target, fields)
    return registry


def test_a_segment_by_headers() -> None:
    fields = {
        "cmcd-object": "br=2000,d=4000,ot=v", "cmcd-status": "bs",
        "cmcd-session": 'sid="s",sf=h,st=v', "host": "a",
    }  # fmt: skip
    assert counted(hear(SEGMENT, fields)) == (1, 1, 4, 8_000_000)


def test_a_segment_by_query() -> None:
    said = quote('br=2000,d=4000,ot=v,sf=d,sid="s",st=v')
    assert counted(hear(f"{SEGMENT}&CMCD={said}", {}), "dash") == (1, None, 4, 8_000_000)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("ot=a,br=64,d=4000,sf=h", (1, None, None, None)),
        ("ot=v,d=4000,sf=h", (1, None, None, None)),
        ("ot=m,sf=h", (1, None, None, None)),
        (f"ot=v,br=8,d={PIECE_LIMIT_MS + 1},sf=h", (1, None, None, None)),
        ("ot=av,br=8,d=1000,sf=h", (1, None, 1, 8000)),
    ],
)
def test_what_adds_to_the_pictures(said: str, wanted: tuple[float | None, ...]) -> None:
    assert counted(hear(SEGMENT, {"cmcd-object": said})) == wanted


def test_who_says_nothing_of_a_piece() -> None:
    registry = hear(SEGMENT, {"cmcd-session": 'sid="s",sf=h'})
    assert counted(registry) == (None,) * 4
    assert registry.get_sample_value("tongbu_qoe_cmcd_refused_total") == 0


@pytest.mark.parametrize("target", [SEGMENT, f"{SEGMENT}&CMCD=x", "?CMCD=" + "a=&" * 40])
def test_what_is_no_cmcd_is_counted_as_such(target: str) -> None:
    registry = hear(target, {"cmcd-object": "br=many"})
    assert registry.get_sample_value("tongbu_qoe_cmcd_refused_total") == 1


@pytest.mark.parametrize(
    ("said", "wanted"),
    [("sf=h,st=v", "hls"), ("sf=h,st=l", "ll-hls"), ("sf=h", "hls"), ("sf=d,st=l", "dash"),
     ("sf=s", "other"), ("bs", "other")],
)  # fmt: skip
def test_deliveries(said: str, wanted: str) -> None:
    assert delivery_of(read_cmcd(said)) == wanted


@given(st.text(), st.text())
def test_no_request_breaks_it(query: str, field: str) -> None:
    hear(f"/media/a?CMCD={query}", {"cmcd-object": field})
    hear("/media/a", {"cmcd-object": field, "cmcd-status": query})
