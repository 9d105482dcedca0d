"""One direction of a line: rate, delay, drop-tail queue, loss, cut; with literal times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.line_way import Counted, Shape, Way

PACKET = b"p" * 1000
FAST = Shape(rate_bps=8_000_000, delay_s=0.02)
THIN = Shape(rate_bps=800_000, delay_s=0.02)


def test_a_packet_takes_its_time_on_the_line_and_then_the_delay() -> None:
    way = Way(FAST, 1)
    way.take(PACKET, 10.0)
    assert way.next_deadline() == pytest.approx(10.001)
    assert way.due(10.0209) == []
    assert way.next_deadline() == pytest.approx(10.021)
    assert way.due(10.0211) == [PACKET]
    assert way.next_deadline() is None


def test_packets_wait_for_each_other_and_keep_their_order() -> None:
    way = Way(FAST, 1)
    packets = [bytes([number]) * 1000 for number in range(3)]
    for packet in packets:
        way.take(packet, 10.0)
    assert way.due(10.0215) == packets[:1]
    assert way.due(10.0235) == packets[1:]


def test_a_late_timer_does_not_thin_the_line() -> None:
    way = Way(FAST, 1)
    for _ in range(100):
        way.take(PACKET, 10.0)
    assert len(way.due(10.1201)) == 100


def test_no_rate_is_no_limit() -> None:
    way = Way(Shape(delay_s=0.05), 1)
    for _ in range(5000):
        way.take(PACKET, 10.0)
    assert len(way.due(10.05)) == 5000


def test_a_queue_of_a_fifth_of_a_second_drops_its_tail() -> None:
    way = Way(THIN, 1)
    for _ in range(40):
        way.take(PACKET, 10.0)
    # 21 packets are the first that last longer than 0.2 s on 0.8 Mbit/s.
    assert way.counted() == Counted(0, 0, 0, 19)
    assert len(way.due(11.0)) == 21
    assert way.counted() == Counted(21_000, 21, 0, 19)


def test_half_a_percent_is_lost_and_by_the_same_seed_the_same() -> None:
    def survivors(seed: int) -> int:
        way = Way(Shape(loss=0.005), seed)
        for _ in range(10_000):
            way.take(PACKET, 10.0)
        return len(way.due(10.0))

    assert survivors(7) == survivors(7)
    assert 9_920 < survivors(7) < 9_980


def test_the_line_gets_thin_while_packets_wait() -> None:
    way = Way(FAST, 1)
    for _ in range(3):
        way.take(PACKET, 10.0)
    way.reshape(THIN, 10.0)
    assert len(way.due(10.0301)) == 1
    assert len(way.due(10.0401)) == 1
    way.reshape(FAST, 10.0401)
    assert len(way.due(10.0401 + 0.0211)) == 1


def test_a_cut_line_loses_what_is_on_it_and_what_comes() -> None:
    way = Way(FAST, 1)
    way.take(PACKET, 10.0)
    way.take(PACKET, 10.0)
    way.cut(10.0015)
    way.take(PACKET, 11.0)
    assert (way.due(12.0), way.next_deadline()) == ([], None)
    assert way.counted() == Counted(1000, 1, 3, 0)
    way.mend()
    way.take(PACKET, 13.0)
    assert way.due(13.0211) == [PACKET]


@given(st.lists(st.tuples(st.floats(0, 0.1), st.integers(1, 1500)), max_size=80), st.integers())
def test_every_packet_is_carried_lost_or_dropped(steps: list[tuple[float, int]], seed: int) -> None:
    way, now, out = Way(Shape(100_000, 0.02, 0.1), seed), 0.0, 0
    for wait_s, size_bytes in steps:
        now += wait_s
        way.take(b"x" * size_bytes, now)
        out += len(way.due(now))
    out += len(way.due(now + 60))
    counted = way.counted()
    assert counted.packets == out
    assert counted.packets + counted.lost + counted.dropped == len(steps)
