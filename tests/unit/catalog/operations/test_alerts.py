"""Evidence opens alerts; each alert has a runbook."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.operations import viewed as viewed_module
from catalog.operations.alerts import ALERT_OF, of_the_city, opened, wrong_with
from catalog.operations.known import Viewings
from catalog.operations.rows import CheckRow, CityRow, EvidenceRow, QueueRow, Since
from catalog.operations.verdict import Cause, Evidence, Verdict, judge
from catalog.operations.viewed import Viewed
from deploy.alerts import ALERTS
from tests.unit.catalog.operations.test_verdict import CASES

ROOT = Path(__file__).parents[4]
CHECKS = (CheckRow("database", True, ""), CheckRow("store", True, ""))
WELL = CityRow(CHECKS, (QueueRow("normal", 3, 1, 900.0),), 2, 4, 50, 100,
               1, 2, 30, 90, 0, 5, 5, 0)  # fmt: skip


def test_each_piece_of_evidence_that_the_table_finds_opens_an_alert() -> None:
    codes = {one.code for _, known, _, _ in CASES if (v := judge(known)) for one in v.evidence}
    assert codes <= ALERT_OF.keys()


@pytest.mark.parametrize("name", sorted({name for name, _ in ALERT_OF.values()}))
def test_each_alert_has_the_name_of_prometheus_and_a_runbook(name: str) -> None:
    assert name in {alert.name for alert in ALERTS}
    assert (ROOT / "deploy" / "runbooks" / f"{name}.md").is_file()


def row(code: str, since: float = 5.0) -> EvidenceRow:
    return EvidenceRow(code, 1.0, 0.0, "s", "", since)


def test_a_sessions_trouble_is_told_of_the_session_and_not_of_each_school() -> None:
    evidence = [row("encoder_silent"), row("box_untold")]
    of_school = [one.name for one in opened("school", "s1", "田横小学", evidence)]
    of_session = [one.name for one in opened("session", "l1", "两位数乘法", evidence)]
    assert (of_school, of_session) == (["LineCut"], ["EncoderStopped"])


def test_an_alert_is_told_once_with_the_first_evidence() -> None:
    evidence = [row("device_late", 3.0), row("device_skew")]
    (found,) = opened("school", "s1", "田横小学", evidence)
    assert (found.name, found.code, found.since) == ("DeviceSlow", "device_late", 3.0)
    assert (found.evidence, found.said) == (tuple(evidence), "")


def changed(**more: object) -> CityRow:
    fields = {name: getattr(WELL, name) for name in WELL.__struct_fields__}
    return CityRow(**{**fields, **more})


def away(check: str) -> Evidence:
    return Evidence(f"{check}_away", 1.0, 0.0, "", check)


@pytest.mark.parametrize(("city", "wrong"), [
    (WELL, []),
    (changed(checks=(CheckRow("database", False, "no answer"), CHECKS[1])), [away("database")]),
    (changed(checks=(CHECKS[0], CheckRow("store", False, "gone"))), [away("store")]),
    (changed(loop_late_ms=250), [Evidence("origin_busy", 0.25, 0.25, "s")]),
    (changed(disk_free_bytes=4), [Evidence("disk_full", 0.04, 0.05, "share")]),
    (changed(disk_free_bytes=None), []),
    (changed(queues=(QueueRow("normal", 3, 0, 299.0),)), []),
    (changed(queues=(QueueRow("normal", 3, 0, 300.0), QueueRow("late", 1, 0, 400.0))),
     [Evidence("work_stuck", 400.0, 300.0, "s", "late")]),
])  # fmt: skip
def test_what_is_wrong_with_the_service_itself(city: CityRow, wrong: list[Evidence]) -> None:
    assert list(wrong_with(city, 250.0)) == wrong


def test_an_alert_of_the_service_has_its_figure_and_what_its_own_check_said() -> None:
    down = (CheckRow("database", False, "no answer"), CheckRow("store", False, "ClientError: gone"))
    city, since = changed(checks=down, disk_free_bytes=1), Since()
    found = [of_the_city(city, since.row("city", one, 100.0)) for one in wrong_with(city, 250.0)]
    assert [(one.name, one.said) for one in found] == [
        ("DatabaseAway", "no answer"), ("StoreAway", "ClientError: gone"), ("DiskFull", "")
    ]  # fmt: skip
    disk = found[-1]
    assert disk.evidence == (EvidenceRow("disk_full", 0.01, 0.05, "share", "", 100.0),)
    assert (disk.kind, disk.code, disk.severity, disk.since) == (
        "city", "disk_full", "critical", 100.0
    )  # fmt: skip


def verdict(lasted_s: float | None) -> Verdict:
    return Verdict(Cause.LINE, (Evidence("line_lags", 2.5, 2.0, "s", "", lasted_s),))


def test_evidence_stands_since_its_own_figure_says_or_since_it_was_first_seen() -> None:
    since = Since()
    assert since.rows("s1", verdict(7.0), 100.0)[0].since == 93.0
    assert since.rows("s2", verdict(None), 100.0)[0].since == 100.0
    since.sweep()
    assert since.rows("s1", verdict(17.0), 110.0)[0].since == 93.0
    assert since.rows("s2", None, 110.0) == ()
    since.sweep()
    assert since.rows("s2", verdict(None), 120.0)[0].since == 120.0


def test_reports_of_viewers_count_for_a_minute_and_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(viewed_module, "SCHOOLS_LIMIT", 2)
    viewed = Viewed()
    viewed.take("s1", 30.0, 1.0, 0.0)
    viewed.take("s1", 20.0, 4.0, 30.0)
    assert viewed.by_school(59.0) == {"s1": Viewings(2, 50.0, 5.0)}
    assert viewed.by_school(60.0) == {"s1": Viewings(1, 20.0, 4.0)}
    for school in ("s2", "s3"):
        viewed.take(school, 1.0, 0.0, 61.0)
    assert set(viewed.by_school(62.0)) == {"s2", "s3"}
    assert viewed.by_school(500.0) == {}
