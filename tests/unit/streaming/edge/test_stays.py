"""Who was in a room while the origin could not see it: one stay each, told until it is noted."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from streaming.edge.stays import BACK_S, JOIN_LIMIT_CHARS, OLD_S, STAYS_LIMIT, Stay, Stays, Voice

KEY = ("s1", "tab1", "10.0.0.7")
JOIN = '{"type":"join","client":"tab1","name":"小明"}'
VOICE = Voice("/live/s1/room?token=t", {"User-Agent": "tablet"}, JOIN)


def stays() -> Stays:
    numbers = count(1)
    return Stays(lambda: f"id{next(numbers)}")


def said(text: str | None) -> dict[str, Any]:
    assert text is not None
    found: dict[str, Any] = json.loads(text)
    return found


def only(found: Stays) -> Stay:
    (stay,) = found._stays.values()
    return stay


def test_who_is_seen_by_the_origin_has_no_stay() -> None:
    found = stays()
    one = found.came(KEY, VOICE, 0.0)
    assert found.word_of(one, 5.0) is None
    found.left(one, 10.0, seen=True)
    assert (len(found), found.changes()) == (0, ([], []))


def test_who_stays_through_a_cut_has_been_here_since_it_came() -> None:
    found = stays()
    one = found.came(KEY, VOICE, 100.0)
    found.hidden(one, 400.0)
    found.hidden(one, 401.0)
    assert (len(found), found.any_here) == (1, True)
    assert said(found.word_of(one, 460.0)) == {
        "type": "stayed", "id": "id1.1", "left": False, "began_ago_s": 360.0, "ended_ago_s": 0.0,
        "join": json.loads(JOIN),
    }  # fmt: skip
    assert said(found.word_of(one, 470.0))["id"] == "id1.2", "what is longer by now is another word"
    stay = found.stay_of(one)
    assert stay is not None
    found.forget(stay)
    assert found.word_of(one, 471.0) is None
    found.hidden(one, 500.0)
    assert only(found).id == "id2", "the next cut is told anew"


def test_who_leaves_meanwhile_is_told_of_later_with_its_own_times() -> None:
    found = stays()
    one = found.came(KEY, VOICE, 100.0)
    found.left(one, 130.0, seen=False)
    assert found.due(130.0 + BACK_S - 0.1) is None
    assert found.due_at() == 130.0 + BACK_S
    stay = found.due(200.0)
    assert stay is not None
    for _ in range(2):
        word = said(found.tell(stay, 200.0))
        assert (word["id"], word["left"]) == ("id1", True), "one id however often it is said"
        assert (word["began_ago_s"], word["ended_ago_s"]) == (100.0, 70.0)
    found.forget(stay.id)
    assert (found.due(300.0), found.due_at()) == (None, None)


def test_who_comes_back_soon_goes_on_with_its_stay() -> None:
    found = stays()
    one = found.came(KEY, VOICE, 0.0)
    found.left(one, 50.0, seen=False)
    newer = Voice("/live/s1/room?token=u", {}, JOIN)
    again = found.came(KEY, newer, 50.0 + BACK_S)
    word = said(found.word_of(again, 100.0))
    assert (word["began_ago_s"], word["ended_ago_s"], word["left"]) == (100.0, 0.0, False)
    assert only(found).voice == newer
    assert found.due(1000.0) is None, "it is here"


def test_who_comes_back_late_or_is_somebody_else_has_a_stay_of_its_own() -> None:
    found = stays()
    found.left(found.came(KEY, VOICE, 0.0), 50.0, seen=False)
    for key in (KEY, ("s1", "tab1", "10.0.0.8"), ("s2", "tab1", "10.0.0.7")):
        now = 51.0 + BACK_S if key == KEY else 51.0
        found.hidden(found.came(key, VOICE, now), now)
    assert len(found) == 4


def test_what_is_being_told_is_not_gone_on_with() -> None:
    found = stays()
    found.left(found.came(KEY, VOICE, 0.0), 50.0, seen=False)
    stay = found.due(50.0 + BACK_S)
    assert stay is not None
    found.tell(stay, 50.0 + BACK_S)
    again = found.came(KEY, VOICE, 50.0 + BACK_S)
    assert found.word_of(again, 90.0) is None


def test_a_page_that_connects_anew_before_its_old_connection_ends_stays() -> None:
    found = stays()
    old = found.came(KEY, VOICE, 0.0)
    found.hidden(old, 10.0)
    new = found.came(KEY, VOICE, 20.0)
    found.left(old, 35.0, seen=False)
    assert only(found).here
    assert said(found.word_of(new, 40.0))["began_ago_s"] == 40.0


def test_a_box_that_was_killed_goes_on_or_tells_until_when_it_saw_them() -> None:
    before = stays()
    one = before.came(KEY, VOICE, 0.0)
    before.hidden(one, 10.0)
    before.see(45.0)
    kept, _ = before.changes()
    found = stays()
    found.restore(kept)
    assert not found.any_here
    again = found.came(KEY, VOICE, 60.0)
    assert said(found.word_of(again, 100.0))["began_ago_s"] == 100.0
    lost = stays()
    lost.restore([Stay("id9", KEY, VOICE, 0.0, 45.0)])
    stay = lost.due(45.0 + BACK_S)
    assert stay is not None
    word = said(lost.tell(stay, 100.0))
    assert (word["ended_ago_s"], word["left"]) == (55.0, False)


def test_what_does_not_work_lets_the_others_go_first() -> None:
    found = stays()
    for number in range(3):
        key = ("s1", f"tab{number}", "")
        found.left(found.came(key, VOICE, 0.0), float(number), seen=False)
    first = found.due(100.0)
    assert first is not None
    found.not_told(first)
    second = found.due(100.0)
    assert second is not None
    assert (first.id, second.id) == ("id1", "id2")


def test_limits() -> None:
    found = stays()
    for number in range(STAYS_LIMIT + 3):
        found.hidden(found.came(("s1", str(number), ""), VOICE, 0.0), 0.0)
    assert (len(found), found.dropped) == (STAYS_LIMIT, 3)
    long = stays()
    wordy = Voice("/", {}, json.dumps({"type": "join", "client": "x" * JOIN_LIMIT_CHARS}))
    long.left(long.came(KEY, wordy, 0.0), 5.0, seen=False)
    assert len(long) == 0
    old = stays()
    old.left(old.came(KEY, VOICE, 0.0), 5.0, seen=False)
    assert old.due(6.0 + OLD_S) is None
    assert (len(old), old.dropped) == (0, 1)
    here = stays()
    one = here.came(KEY, VOICE, 0.0)
    here.hidden(one, 0.0)
    assert said(here.word_of(one, 2 * OLD_S))["began_ago_s"] == OLD_S


def test_what_has_changed_is_given_once() -> None:
    found = stays()
    one = found.came(KEY, VOICE, 0.0)
    found.hidden(one, 1.0)
    kept, gone = found.changes()
    assert ([stay.id for stay in kept], gone) == (["id1"], [])
    assert found.changes() == ([], [])
    found.not_kept(["id1"])
    assert [stay.id for stay in found.changes()[0]] == ["id1"]
    found.forget("id1")
    assert found.changes() == ([], ["id1"])
