import json

from hypothesis import given
from hypothesis import strategies as st

from streaming.room.clock import PINGS_KEPT, Clock, Reading
from tests.support.golden import GOLDEN, Golden

EXCHANGES: dict[str, list[list[float]]] = {
    "one ping, symmetric": [[1000, 51010, 51011, 1021]],
    "the shortest round trip wins": [
        [1000, 51010, 51010, 1100],
        [2000, 52011, 52011, 2020],
        [3000, 53040, 53041, 3071],
    ],
    "the newest of equals wins": [[0, 510, 510, 20], [1000, 1512, 1512, 1020]],
    "a good one is forgotten after eight": [
        [0, 500, 500, 0],
        *[[1000.0 * n, 1000.0 * n + 505, 1000.0 * n + 505, 1000.0 * n + 20] for n in range(1, 9)],
    ],
    "time that runs back is no exchange": [[1000, 2000, 2000, 990], [1000, 2000, 1999, 1010]],
    "a clock that was set begins anew": [[0, 500, 500, 2], [1000, 61500, 61500, 1040]],
    "a slow answer within its bound does not": [[0, 500, 500, 2], [1000, 1500, 1500, 1200]],
    "nothing yet": [],
}


def best_of(exchanges: list[list[float]]) -> Reading | None:
    clock = Clock()
    for t0, t1, t2, t3 in exchanges:
        clock.take(t0, t1, t2, t3)
    return clock.best()


def test_golden_vectors(golden: Golden) -> None:
    cases = []
    for name, pings in EXCHANGES.items():
        best = best_of(pings)
        expect = best and {"offset_ms": best.offset_ms, "error_ms": best.error_ms}
        cases.append({"name": name, "pings": pings, "best": expect})
    golden.check("room/clock.json", json.dumps(cases, indent=1) + "\n")


def test_the_vectors_say_what_their_names_say() -> None:
    found = {case["name"]: case["best"] for case in json.loads(_golden_text())}
    assert found["one ping, symmetric"] == {"offset_ms": 50000, "error_ms": 10}
    assert found["the shortest round trip wins"] == {"offset_ms": 50001, "error_ms": 10}
    assert found["the newest of equals wins"] == {"offset_ms": 502, "error_ms": 10}
    assert found["a good one is forgotten after eight"] == {"offset_ms": 495, "error_ms": 10}
    assert found["time that runs back is no exchange"] is None
    assert found["a clock that was set begins anew"] == {"offset_ms": 60480, "error_ms": 20}
    assert found["a slow answer within its bound does not"] == {"offset_ms": 499, "error_ms": 1}


def _golden_text() -> str:
    return (GOLDEN / "room" / "clock.json").read_text("utf-8")


legs = st.tuples(st.floats(0.5, 500), st.floats(0.5, 500), st.floats(0, 50))


@given(st.floats(-1e7, 1e7), st.lists(legs, min_size=1, max_size=3 * PINGS_KEPT))
def test_the_truth_lies_within_the_bound(offset_ms: float, trips: list[tuple[float, ...]]) -> None:
    clock = Clock()
    for number, (out_ms, back_ms, held_ms) in enumerate(trips):
        t0 = 1000.0 * number
        t1 = t0 + out_ms + offset_ms
        clock.take(t0, t1, t1 + held_ms, t0 + out_ms + held_ms + back_ms)
    best = clock.best()
    if best is not None:
        assert abs(best.offset_ms - offset_ms) <= best.error_ms + 1e-6
        last = trips[-PINGS_KEPT:]
        assert best.error_ms <= min(out + back for out, back, _ in last) / 2 + 1e-6
