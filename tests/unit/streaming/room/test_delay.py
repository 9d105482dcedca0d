"""D over scripted and random lines, and eight simulated rooms behind different lines."""

import itertools
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from streaming.room.delay import (
    BACK_AFTER_S,
    FALL_AFTER_LIMIT_S,
    FALL_AFTER_S,
    FALL_EVERY_S,
    FLOOR_S,
    LATE_AFTER_S,
    LIMIT_S,
    RETURN_S,
    RUNG_LIMIT_S,
    SILENT_AFTER_S,
    STEP_S,
    STEPS,
    Can,
    Delay,
    Delivery,
    Standing,
    steps_up,
)

HLS = Delivery.HLS


def run(delay: Delay, lines: dict[str, Can], first: int, last: int) -> list[float]:
    """Let every line report once a second from first up to last; give D after each second."""
    found = []
    for now in range(first, last):
        for member, can in lines.items():
            delay.report(member, can, now)
        delay.tick(now)
        found.append(delay.d_s)
    return found


def test_steps() -> None:
    assert [steps_up(s) for s in (0.4, 0.401, 0.45, 0.7500001)] == [0.4, 0.45, 0.45, 0.8]
    assert set(STEPS) == set(itertools.product(Standing, (True, False)))


def test_d_has_a_floor_for_each_delivery() -> None:
    delay = Delay()
    assert run(delay, {"a": Can(0.1)}, 0, 3) == [0.4] * 3
    assert run(delay, {"a": Can(0.1), "b": Can(0.1, HLS)}, 3, 5) == [0.75] * 2


def test_viewers_alone_come_nearer_until_a_room_joins_or_one_is_on_hls() -> None:
    viewer, delay = Can(0.21, is_room=False), Delay()
    assert run(delay, {"v": viewer}, 0, 60)[-1] == 0.25
    assert run(delay, {"v": viewer, "r": Can(0.1)}, 60, 62) == [0.4] * 2
    delay.forget("r")
    assert run(delay, {"v": viewer}, 62, 120)[-1] == 0.25
    assert run(delay, {"v": viewer, "h": Can(0.1, HLS, is_room=False)}, 120, 122) == [0.75] * 2


def test_d_rises_at_once_and_falls_slowly() -> None:
    delay = Delay()
    delay.report("a", Can(0.57), 0.0)
    assert delay.d_s == 0.6
    found = run(delay, {"a": Can(0.3)}, 1, 40)
    falls = [now + 1 for now, (a, b) in enumerate(itertools.pairwise([0.6, *found])) if b < a]
    assert falls == [FALL_AFTER_S + FALL_EVERY_S * n for n in range(4)]
    assert found[-1] == 0.4


def test_a_line_that_swings_holds_d_still_and_rare_spikes_hold_it_longer() -> None:
    delay = Delay()
    swing = [Can(0.42), Can(0.63)]
    for now in range(120):
        delay.report("a", swing[now // 4 % 2], now)
        delay.tick(now)
        assert now < 4 or delay.d_s == 0.65
    spikes = Delay()
    history = []
    for now in range(1200):
        spikes.report("a", swing[now % 30 == 0], now)
        spikes.tick(now)
        history.append(spikes.d_s)
    assert set(history[600:]) == {0.65}


def test_what_a_room_may_ask_for_is_bounded() -> None:
    delay = Delay()
    delay.report("a", Can(5.0, lowest=False), 0.0)
    assert delay.d_s == RUNG_LIMIT_S
    delay.report("a", Can(5.0), 1.0)
    assert delay.d_s == LIMIT_S


def test_a_room_at_its_lowest_rung_is_late_after_ten_seconds_and_d_falls_without_it() -> None:
    delay = Delay()
    lines = {"a": Can(0.4), "b": Can(1.4)}
    run(delay, lines, 0, int(LATE_AFTER_S))
    assert not delay.late("b")
    run(delay, lines, int(LATE_AFTER_S), int(LATE_AFTER_S) + 1)
    assert delay.late("b")
    assert not delay.late("a")
    assert run(delay, lines, 11, 100)[-1] == 0.4


def test_a_room_that_can_go_down_a_rung_is_not_late() -> None:
    delay = Delay()
    run(delay, {"a": Can(3.0, lowest=False)}, 0, 60)
    assert not delay.late("a")


def late_room(others: dict[str, Can]) -> tuple[Delay, dict[str, Can]]:
    delay, lines = Delay(), {**others, "b": Can(2.0)}
    run(delay, lines, 0, 200)
    assert delay.late("b")
    return delay, lines


def test_a_late_room_comes_back_after_it_held_d_and_does_not_move_it() -> None:
    delay, lines = late_room({"a": Can(0.5)})
    lines["b"] = Can(0.55)
    assert set(run(delay, lines, 200, 260)) == {0.5}
    assert delay.late("b")
    lines["b"] = Can(0.48)
    run(delay, lines, 260, 260 + int(BACK_AFTER_S))
    assert delay.late("b")
    assert run(delay, lines, 270, 272) == [0.5, 0.5]
    assert not delay.late("b")


def test_the_only_room_comes_back_when_it_is_good_enough() -> None:
    delay, lines = late_room({})
    lines["b"] = Can(RETURN_S)
    assert run(delay, lines, 200, 212)[-1] == 0.9
    assert not delay.late("b")


def test_a_late_room_on_hls_comes_back_to_what_its_delivery_needs() -> None:
    delay, lines = late_room({"a": Can(0.4)})
    lines["b"] = Can(0.7, HLS)
    assert run(delay, lines, 200, 212)[-1] == 0.75


def test_silent_and_gone_rooms_do_not_count_and_late_ones_come_back_late() -> None:
    delay, _ = late_room({"a": Can(0.7)})
    delay.leave("b")
    assert delay.late("b")
    delay.report("b", Can(0.9), 201)
    assert delay.late("b")
    assert delay.d_s == 0.7
    delay.tick(202 + SILENT_AFTER_S)
    delay.tick(222 + SILENT_AFTER_S)
    assert delay.d_s < 0.7
    delay.forget("b")
    delay.forget("nobody")
    assert not delay.late("b")


def test_viewers_count_only_where_there_is_no_room() -> None:
    viewer = Can(0.8, is_room=False)
    delay = Delay()
    assert run(delay, {"v": viewer}, 0, 2) == [0.8, 0.8]
    delay = Delay()
    assert run(delay, {"a": Can(0.4), "v": viewer}, 0, 5) == [0.4] * 5
    delay.leave("a")
    assert run(delay, {"v": viewer}, 5, 6) == [0.8]


lines = st.builds(Can, st.floats(0.0, 3.0), st.sampled_from(Delivery), st.booleans(), st.just(True))
reports = st.lists(
    st.tuples(st.sampled_from("abcd"), lines, st.floats(0.05, 8.0)), min_size=1, max_size=150
)


@given(reports)
def test_over_any_lines_d_is_bounded_covers_all_on_time_and_turns_only_for_a_reason(
    script: list[tuple[str, Can, float]],
) -> None:
    delay, now, rose_at, before = Delay(), 0.0, 0.0, 0.4
    turned_late: dict[str, float] = {}
    for member, can, wait_s in script:
        now += wait_s
        was_late, d_s = delay.late(member), delay.d_s
        delay.report(member, can, now)
        assert delay.d_s in (d_s, can.demand_s), "only a demand lifts D"
        assert delay.late(member) or delay.d_s >= can.demand_s
        if delay.late(member) and not was_late:
            assert now - turned_late.get(member, -100.0) >= LATE_AFTER_S
        if delay.late(member) != was_late:
            turned_late[member] = now
        delay.tick(now)
        assert FLOOR_S[Delivery.WS] <= delay.d_s <= LIMIT_S
        if delay.d_s > before:
            rose_at = now
        elif delay.d_s < before:
            assert now - rose_at >= FALL_AFTER_S
            assert before - delay.d_s <= STEP_S + 1e-9
        before = delay.d_s


@given(st.lists(st.floats(0.1, 2.0), min_size=1, max_size=8), st.booleans())
def test_steady_lines_settle_for_good(cans: list[float], on_hls: bool) -> None:
    delay = Delay()
    rooms = {str(n): Can(can, HLS if on_hls and not n else Delivery.WS)
             for n, can in enumerate(cans)}  # fmt: skip
    run(delay, rooms, 0, 150)
    settled = set(run(delay, rooms, 150, 300))
    on_time = [one.demand_s for one in rooms.values() if one.can_s <= LIMIT_S]
    assert settled == {max(on_time, default=0.4)}


@dataclass(frozen=True)
class Line:
    """A simulated room: delays of its fragments (ms) by seconds, over and over, and its rungs."""

    delays_ms: tuple[int, ...]
    rungs: tuple[float, ...] = (1.0, 0.6)
    delivery: Delivery = Delivery.WS


@dataclass
class Player:
    """What a page does: can = worst of the last 10 s + a frame, down a rung when that is over D."""

    line: Line
    rung: int = 0

    def report(self, now: int, d_s: float) -> Can:
        delays, scale = self.line.delays_ms, self.line.rungs[self.rung]
        seen = [delays[t % len(delays)] * scale for t in range(max(0, now - 9), now + 1)]
        lowest = self.rung == len(self.line.rungs) - 1
        can = Can(max(seen) / 1000 + 0.033, self.line.delivery, lowest)
        if can.can_s > d_s and not lowest:
            self.rung += 1
        return can


FIBRE = Line((150, 160, 170, 150, 155))
EIGHT = {
    "fibre": FIBRE,
    "wifi": Line((160, 250, 180, 300, 170, 220)),
    "county": Line((210, 260, 340, 250, 230)),
    "loss": Line((250, 380, 300, 420, 260, 280, 450)),
    "rush": Line((200, 700, 750, 220, 200)),
    "mobile": Line((400, 420, 560, 410)),
    "satellite": Line((1300, 1450, 1500)),
    "sick": Line((600, 2500, 900, 3100), (1.0, 0.9, 0.7)),
}

ON_EARTH = {name: line for name, line in EIGHT.items() if name != "satellite"}


def simulate(lines: dict[str, Line], seconds: int) -> tuple[Delay, list[float]]:
    players, delay, history = {name: Player(line) for name, line in lines.items()}, Delay(), []
    for now in range(seconds):
        for name, player in players.items():
            delay.report(name, player.report(now, delay.d_s), now)
        delay.tick(now)
        history.append(delay.d_s)
    return delay, history


def test_eight_rooms_share_one_d_and_the_hopeless_do_not_drag_the_others() -> None:
    delay, history = simulate(EIGHT, 300)
    assert [name for name in EIGHT if delay.late(name)] == ["sick"]
    assert set(history[250:]) == {0.95}
    delay, history = simulate(ON_EARTH, 300)
    assert set(history[250:]) == {0.5}
    assert all(0.4 <= d <= LIMIT_S for d in history)


def test_an_hls_room_among_eight() -> None:
    mixed = {**ON_EARTH, "fibre": replace(FIBRE, delivery=HLS)}
    assert set(simulate(mixed, 300)[1][200:]) == {0.75}


def test_the_wait_before_a_fall_has_a_limit() -> None:
    delay = Delay()
    for now in range(0, 6000, 200):
        delay.report("a", Can(0.6), now)
        for later in range(1, 200):
            delay.report("a", Can(0.4), now + later)
            delay.tick(now + later)
        assert delay.d_s < 0.6, "longer calm than the limit lets D fall every time"
    assert FALL_AFTER_LIMIT_S < 200
