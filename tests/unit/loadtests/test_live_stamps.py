"""Times in pixels: they survive, a wrong bit is seen, and the page's script reads the same."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from loadtests.live_publisher import command
from loadtests.live_stamps import (
    BITS,
    BLOCK_PX,
    FRAME_BYTES,
    LEFT_PX,
    TOP_PX,
    WIDTH_PX,
    code,
    decode,
    read,
    stamp,
    unwrap,
)
from loadtests.live_watch import Delivery, Shown, seen_of

NOW_MS = 1_795_632_660_986


def middles(frame: bytearray) -> list[int]:
    at = (TOP_PX + BLOCK_PX // 2) * WIDTH_PX + LEFT_PX + BLOCK_PX // 2
    return [frame[at + number * BLOCK_PX] for number in range(BITS)]


@given(st.integers(0, 1 << 44))
def test_what_is_burnt_in_is_read_back(time_ms: int) -> None:
    frame = bytearray(FRAME_BYTES)
    stamp(frame, time_ms)
    value = read(middles(frame))
    assert value is not None
    assert unwrap(value, time_ms + 60_000) == time_ms
    assert len(frame) == FRAME_BYTES


@given(st.integers(0, (1 << 24) - 1), st.integers(0, BITS - 1))
def test_one_wrong_bit_is_seen(time_ms: int, bit: int) -> None:
    assert decode(code(time_ms) ^ 1 << bit) is None


def test_black_is_no_time() -> None:
    assert read([16] * BITS) is None


def test_a_frame_of_before_the_clock_came_round_is_old() -> None:
    around = 1 << 24
    late = around * 3 + 5
    assert unwrap((late - 400) % around, late) == late - 400


def test_what_the_page_gathered_is_understood() -> None:
    gathered = {
        "shown": [[code(NOW_MS), NOW_MS + 250.5, 12.75], [code(NOW_MS) ^ 1, NOW_MS + 280.0, 12.78]],
        "waiting": [NOW_MS + 1.0], "fragments": [[NOW_MS + 40.0, 12.75, 1795632648.2]],
        "appended": [[NOW_MS + 41.0, 12.783]], "targets": [[NOW_MS - 9.0, 400]],
        "reports": [[NOW_MS + 500.0, {"delay_ms": 249, "skew_ms": -3, "can_ms": 180, "stalls": 0,
                                      "type": "report"}]],
        "sockets": [[NOW_MS - 99.0, "room", "new"]],
    }  # fmt: skip
    seen = seen_of(json.dumps(gathered))
    assert seen.shown == (Shown(NOW_MS, NOW_MS + 250.5, 12.75),)
    assert (seen.shown[0].delay_ms, seen.unread) == (250.5, 1)
    assert (seen.reports[0].delay_ms, seen.reports[0].can_ms) == (249, 180)
    both = seen.and_then(seen)
    assert (len(both.shown), both.unread) == (2, 2)
    assert both.between(NOW_MS + 300, NOW_MS + 600).shown == ()
    assert [one.value for one in Delivery] == ["WebSocket", "LL-HLS"]


def test_one_encoder_serves_several_servers() -> None:
    one, two = command(["rtmp://a/live/k"]), command(["rtmp://a/live/k", "rtmp://b/live/k"])
    assert one[-1] == "rtmp://a/live/k"
    assert one.count("libx264") == two.count("libx264") == 1
    assert two[-1].count("rtmp://") == 2
