"""What a scrape says of the sessions that are live at that moment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from catalog.live import FeedName
from deploy import live_figures
from deploy.live_figures import SessionFigures
from streaming.live.figures import FeedFigures
from streaming.room.figures import RoomFigures, RoomTally
from transcoder.live.figures import IngestFigures

MAIN, FLOOR = FeedName.MAIN, FeedName.FLOOR
INGEST = IngestFigures("s1", MAIN, 10.0, 2_000_000, 1.01, 500_000, 2, 5, 1)
FEED = FeedFigures(
    "s1", MAIN, 10.0, 40, 8.0, 3, {("ws", "720p"): 6, ("hls", "360p"): 2}, {"720p": 4}
)
ROOM = RoomFigures("s1", 5.0, 0.45, (0, 2, 1, 3, 0, 0, 0, 0, 0, 0, 0, 1), 6.5, 2, 7)


@dataclass
class School:
    """What is live, as the test says; and a registry that is scraped."""

    feeds: list[FeedFigures] = field(default_factory=lambda: [FEED])
    ingests: list[IngestFigures] = field(default_factory=lambda: [INGEST])
    rooms: list[RoomFigures] = field(default_factory=lambda: [ROOM])
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.registry.register(
            SessionFigures(lambda: self.feeds, lambda: self.ingests, lambda: self.rooms)
        )

    def scrape(self) -> dict[str, float]:
        """Give all series as Prometheus reads them."""
        lines = generate_latest(self.registry).decode().splitlines()
        rows = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name.removeprefix("tongbu_session_"): float(value) for name, _, value in rows}

    def sessions(self) -> set[str]:
        """Give the sessions that are named."""
        return {series.partition('session="')[2].partition('"')[0] for series in self.scrape()}


def test_every_figure_of_a_session_by_its_id_feed_delivery_and_rung() -> None:
    main = 'session="s1"}', 'feed="main",session="s1"}'
    found = School().scrape()
    assert {name: value for name, value in found.items() if "bucket" not in name} == {
        f"ingest_bitrate_bps{{{main[1]}": 2_000_000,
        f"ingest_bytes_total{{{main[1]}": 500_000,
        f"frame_gaps_total{{{main[1]}": 2,
        f"encoder_speed{{{main[1]}": 1.01,
        f"encoder_dropped_tags_total{{{main[1]}": 5,
        f"publisher_reconnects_total{{{main[1]}": 1,
        f"part_age_seconds_count{{{main[1]}": 40,
        f"part_age_seconds_sum{{{main[1]}": 8,
        f"dropped_fragments_total{{{main[1]}": 3,
        'viewers{delivery="ws",feed="main",rung="720p",session="s1"}': 6,
        'viewers{delivery="hls",feed="main",rung="360p",session="s1"}': 2,
        'queue_skips_total{feed="main",rung="720p",session="s1"}': 4,
        f"delay_seconds{{{main[0]}": 0.45,
        f"skew_seconds_count{{{main[0]}": 7,
        f"skew_seconds_sum{{{main[0]}": 6.5,
        f"member_reconnects_total{{{main[0]}": 2,
        f"floor_requests_total{{{main[0]}": 7,
    }


def test_the_histogram_of_skew_has_the_buckets_of_all_rooms() -> None:
    found = School().scrape()
    buckets = {name: value for name, value in found.items() if "bucket" in name}
    assert buckets == {
        f'skew_seconds_bucket{{le="{bound}",session="s1"}}': count
        for bound, count in zip(
            ("0.005", "0.01", "0.02", "0.033", "0.05", "0.1", "0.2", "0.5", "1.0", "2.0", "5.0",
             "+Inf"),
            (0, 2, 3, 6, 6, 6, 6, 6, 6, 6, 6, 7), strict=True,
        )
    }  # fmt: skip


def test_reports_fall_into_the_bucket_whose_bound_they_do_not_exceed() -> None:
    tally = RoomTally()
    for skew_s in (0.0, 0.005, 0.0051, 5.0, 5.1):
        tally.skew(skew_s)
    assert tally.figures("s1", 0.0, 0.4).skews == (2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1)


def test_nothing_is_left_of_a_session_that_has_ended() -> None:
    school = School()
    assert school.sessions() == {"s1"}
    school.feeds, school.ingests = [], []
    assert school.scrape() == {}, "its room may still be open"


def test_a_room_before_its_lesson_is_no_live_session() -> None:
    assert School(feeds=[], ingests=[]).scrape() == {}


def test_an_encoder_that_rests_has_no_speed() -> None:
    school = School(ingests=[replace(INGEST, speed=None)])
    assert not [name for name in school.scrape() if name.startswith("encoder_speed")]


def test_the_next_speaker_and_a_room_opened_again_do_not_set_counts_back() -> None:
    floor = replace(INGEST, feed=FLOOR, received_bytes=900)
    school = School(ingests=[INGEST, floor])
    bytes_ = 'ingest_bytes_total{feed="floor",session="s1"}'
    assert school.scrape()[bytes_] == 900
    school.ingests = [INGEST]
    assert school.scrape()[bytes_] == 900, "between two speakers"
    school.ingests = [INGEST, replace(floor, since_at=30.0, received_bytes=50)]
    school.rooms = [replace(ROOM, since_at=40.0, floor_requests=1)]
    found = school.scrape()
    assert found[bytes_] == 950
    assert found['floor_requests_total{session="s1"}'] == 8
    assert found['skew_seconds_count{session="s1"}'] == 14


def of(session: str, **more: object) -> IngestFigures:
    return replace(INGEST, session=session, **more)  # type: ignore[arg-type]


def test_sessions_beyond_the_limit_are_summed_up_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_figures, "SESSIONS_LIMIT", 1)
    others = [of("s2", speed=0.8), of("s3", speed=1.2)]
    rooms = [replace(ROOM, session=name, delay_s=d) for name, d in (("s2", 0.6), ("s3", 0.9))]
    school = School([], [INGEST, *others], rooms)
    found = school.scrape()
    assert school.sessions() == {"s1", "other"}
    assert found['ingest_bytes_total{feed="main",session="other"}'] == 1_000_000
    assert found['ingest_bitrate_bps{feed="main",session="other"}'] == 4_000_000
    assert found['encoder_speed{feed="main",session="other"}'] == 0.8
    assert found['delay_seconds{session="other"}'] == 0.9
    assert found['skew_seconds_count{session="other"}'] == 14


def test_the_others_counts_do_not_go_back_and_nobody_changes_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_figures, "SESSIONS_LIMIT", 1)
    school = School([], [of("s1"), of("s2"), of("s3")], [])
    bytes_ = 'ingest_bytes_total{feed="main",session="other"}'
    assert school.scrape()[bytes_] == 1_000_000
    school.ingests = [of("s3", received_bytes=600_000), of("s4")]
    found = school.scrape()
    assert found[bytes_] == 500_000 + 600_000, "s2 has ended, s3 stays among the others"
    assert found['ingest_bytes_total{feed="main",session="s4"}'] == 500_000, "s1 left its place"


def test_there_are_at_most_400_sessions_and_others() -> None:
    school = School([], [of(f"s{number:03}") for number in range(450)], [])
    assert len(school.sessions()) == 401
    assert "s400" not in school.sessions()
