"""Books balance, or name what does not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from loadtests.soak_books import (
    Book,
    Found,
    Ledger,
    Reckoning,
    What,
    bytes_sent,
    catalogue,
    reckoned,
    recorded,
    reports,
    segments,
)
from loadtests.soak_figures import NOTHING, read


def wrong(books: Iterable[Book]) -> list[str]:
    return [book.name for book in books if not book.balances]


def a_ledger(**counts: int) -> Ledger:
    ledger = Ledger()
    for name, count in counts.items():
        ledger.note(What[name], count)
    return ledger


def test_figures_are_added_up_over_the_labels_that_are_not_named() -> None:
    told = read(
        "# TYPE a_total counter\n"
        'a_total{school="city",delivery="ws"} 2\na_total{school="city",delivery="hls"} 3\n'
        'a_total{school="s1",delivery="ws"} 4\n# TYPE b gauge\nb 1.5\n'
    )
    assert told.sum("a_total") == 9
    assert told.sum("a_total", school="city") == 5
    assert told.sum("a_total", school="s1", delivery="ws") == 4
    assert told.sum("b") == 1.5
    assert told.sum("c") == 0


@pytest.mark.parametrize(
    ("right", "slack", "balances"),
    [(10, 0, True), (9, 0, False), (11, 0, False), (11, 1, True), (12, 1, False), (9, 5, False)],
)
def test_the_right_side_may_have_more_by_the_slack_only(
    right: float, slack: float, balances: bool
) -> None:
    assert Book("", 10, right, slack).balances is balances


def counted(city: int, school: int, heard: int = 0) -> str:
    return (
        "# TYPE tongbu_qoe_reports_total counter\n"
        f'tongbu_qoe_reports_total{{school="city",delivery="ws"}} {city}\n'
        f'tongbu_qoe_reports_total{{school="s1",delivery="hls"}} {school}\n'
        "# TYPE tongbu_qoe_cmcd_requests_total counter\n"
        f'tongbu_qoe_cmcd_requests_total{{school="city",delivery="ll-hls"}} {heard}\n'
    )


def test_a_report_that_is_counted_twice_or_never_is_found() -> None:
    ledger = a_ledger(REPORTS_CITY=3, REPORTS_BOX=5, REPORTS_AGAIN=9)
    assert wrong(reports(ledger, read(counted(3, 5)))) == []
    assert wrong(reports(ledger, read(counted(4, 5)))) == ["reports to the city = counted"]
    assert wrong(reports(ledger, read(counted(3, 4)))) == ["reports to the box = counted"]


def test_a_request_without_an_answer_may_have_been_heard() -> None:
    ledger = a_ledger(HEARD=7, UNHEARD=2)
    for heard, balances in ((6, False), (7, True), (9, True), (10, False)):
        assert (wrong(reports(ledger, read(counted(0, 0, heard)))) == []) is balances


def live(published: int, held: int, evicted: int, stored: int = 0, lost: int = 0) -> str:
    return (
        "# TYPE tongbu_live_segments counter\n"
        f'tongbu_live_segments_total{{feed="main"}} {published}\n'
        "# TYPE tongbu_live_segments_held gauge\n"
        f'tongbu_live_segments_held{{feed="main"}} {held}\n'
        "# TYPE tongbu_live_segments_evicted counter\n"
        f'tongbu_live_segments_evicted_total{{feed="main"}} {evicted}\n'
        "# TYPE tongbu_live_recorded_segments counter\n"
        f"tongbu_live_recorded_segments_total {stored}\n"
        "# TYPE tongbu_live_recording_lost_segments counter\n"
        f"tongbu_live_recording_lost_segments_total {lost}\n"
    )


def test_a_segment_that_is_nowhere_is_found() -> None:
    assert wrong(segments("x", read(live(100, 24, 76)))) == []
    assert wrong(segments("x", read(live(100, 24, 75)))) != []
    assert wrong(recorded(read(live(100, 0, 100, 100)))) == []
    assert wrong(recorded(read(live(100, 0, 100, 99, 1)))) == [
        "segments published = recorded", "segments lost by the recorder = 0"
    ]  # fmt: skip


def sent(hls: int, ws: int) -> str:
    return (
        "# TYPE tongbu_live_sent_bytes counter\n"
        f'tongbu_live_sent_bytes_total{{delivery="hls"}} {hls}\n'
        f'tongbu_live_sent_bytes_total{{delivery="ws"}} {ws}\n'
    )


def test_bytes_that_were_read_were_sent_and_not_more_than_was_asked_for() -> None:
    ledger = Ledger(hls_bytes=1000, hls_unread_bytes=50, ws_bytes=500)
    assert wrong(bytes_sent(ledger, NOTHING, read(sent(1030, 900)))) == []
    assert wrong(bytes_sent(ledger, read(sent(30, 0)), read(sent(1030, 900)))) == []
    assert wrong(bytes_sent(ledger, NOTHING, read(sent(1060, 900)))) == ["LL-HLS bytes read ≤ sent"]
    assert wrong(bytes_sent(ledger, NOTHING, read(sent(1000, 499)))) == [
        "WebSocket bytes read ≤ sent"
    ]


def test_who_reads_all_gets_what_is_counted_to_the_byte() -> None:
    assert wrong(reckoned(Reckoning(10, 10, 20, 20))) == []
    assert len(wrong(reckoned(Reckoning(10, 11, 20, 19)))) == 2


def test_uploads_and_people_are_all_there() -> None:
    ledger = a_ledger(FINISHED=4, MEMBERS=6, MEMBERS_UNSEEN=1, HANDS=2)
    told = read("# TYPE tongbu_uploads_finished counter\ntongbu_uploads_finished_total 4\n")
    assert wrong(catalogue(ledger, Found(4, 2, 6, 2), 2, told)) == []
    assert wrong(catalogue(ledger, Found(4, 2, 7, 2), 2, told)) == []
    assert wrong(catalogue(ledger, Found(3, 1, 5, 3), 2, told)) == [
        "uploads finished = lessons ready", "lessons held = recordings ready",
        "people in rooms = in the attendance", "hands raised = in the attendance",
    ]  # fmt: skip
