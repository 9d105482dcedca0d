"""When each alert has to fire and when not: series every five seconds, as promtool writes them.

`5x60` after a value and a step: so many more. Silence before the fault is long enough for every
look back; an alert is looked at just before its time has passed, when it has, and when all is well.
"""

from __future__ import annotations

from dataclasses import dataclass

from deploy.yaml_text import Value

STEP_S = 5


@dataclass(frozen=True, slots=True)
class Case:
    """Series, and how many alerts of this name fire at which second."""

    alert: str
    series: dict[str, str]
    firing: dict[int, int]


ORIGIN = 'job="tongbu-origin",instance="origin:8080"'
BOX = 'job="tongbu-edge",instance="box-1:8080"'
LESSON = 'session="s1",feed="main"'
SKEW = "tongbu_session_skew_seconds"
QOE = f'{ORIGIN},school="x1",delivery="hls"'
DAY_S = 86_400
SITE = "ketang.example.edu.cn"

CASES = (
    Case("EncoderStopped", {
        f"tongbu_session_ingest_bitrate_bps{{{LESSON}}}": "2000000x11 0x11 2000000x11",
        'tongbu_session_ingest_bitrate_bps{session="s2",feed="main"}': "2000000x36",
    }, {55: 0, 70: 0, 80: 1, 130: 0}),
    Case("EncoderSlow", {
        f"tongbu_session_encoder_speed{{{LESSON}}}": "1x11 0.8x23 1x11",
    }, {55: 0, 85: 0, 95: 1, 190: 0}),
    Case("PartsOld", {
        f"tongbu_session_part_age_seconds_sum{{{LESSON}}}": "0+10x24 240+40x36 1680+10x24",
        f"tongbu_session_part_age_seconds_count{{{LESSON}}}": "0+25x90",
    }, {120: 0, 230: 1, 440: 0}),
    Case("RoomsLate", {
        f'{SKEW}_bucket{{session="s1",le="0.2"}}': "0+10x24 240+4x36 384+10x36",
        f'{SKEW}_bucket{{session="s1",le="+Inf"}}': "0+10x96",
        f'{SKEW}_count{{session="s1"}}': "0+10x96",
    }, {120: 0, 250: 1, 470: 0}),
    Case("DeviceSlow", {
        f'tongbu_session_queue_skips_total{{{LESSON},rung="720p"}}': "0x12 1+1x5 6x24",
        f'tongbu_live_queue_skips_total{{{BOX},rung="720p"}}': "0x12 1+1x5 6x24",
        f'tongbu_live_queue_skips_total{{{ORIGIN},rung="720p"}}': "0x12 1+1x5 6x24",
    }, {55: 0, 90: 2, 200: 0}),
    Case("RebufferHigh", {
        f"tongbu_qoe_play_seconds_total{{{QOE}}}": "0+50x240",
        f"tongbu_qoe_rebuffer_seconds_total{{{QOE}}}": "0x60 2+2x60 122x120",
        'tongbu_qoe_play_seconds_total{job="tongbu-edge",school="x2",delivery="ws"}': "0+50x240",
        'tongbu_qoe_rebuffer_seconds_total{job="tongbu-edge",school="x2",delivery="ws"}':
            "0+50x240",
    }, {300: 0, 600: 1, 1150: 0}),
    Case("LineCut", {
        f"tongbu_edge_line_up{{{BOX}}}": "1x11 0x11 1x11",
    }, {55: 0, 70: 0, 80: 1, 130: 0}),
    Case("LineThin", {
        f'tongbu_edge_streams{{{BOX},why="lowest"}}': "0x11 1x23 0x11",
        f'tongbu_edge_streams{{{BOX},why="line"}}': "0x47",
        f"tongbu_edge_capped_streams{{{BOX}}}": "0x47",
    }, {55: 0, 110: 0, 130: 1, 200: 0}),
    Case("LineThin", {
        f'tongbu_edge_streams{{{BOX},why="lowest"}}': "0x47",
        f'tongbu_edge_streams{{{BOX},why="line"}}': "0x11 2x23 0x11",
        f"tongbu_edge_capped_streams{{{BOX}}}": "0x11 2x23 0x11",
    }, {55: 0, 110: 0, 130: 1, 200: 0}),
    Case("BoxAway", {
        f'tongbu_box_heard_seconds{{{ORIGIN},school="x1"}}': "0x48 240+5x24",
        f'tongbu_box_heard_seconds{{{ORIGIN},school="x2"}}': "0+5x72",
        'up{job="tongbu-edge",instance="box-1:8080"}': "1x72",
    }, {180: 0, 205: 0, 220: 1, 300: 0}),
    Case("BoxAway", {f"up{{{BOX}}}": "1x11 0x11 1x11"}, {55: 0, 80: 0, 100: 1, 130: 0}),
    Case("BoxDisk", {
        f'tongbu_edge_cache_state{{{BOX},state="full"}}': "0x11 1x11 0x11",
        f'tongbu_edge_cache_state{{{BOX},state="keeping"}}': "1x11 0x11 1x11",
    }, {55: 0, 80: 0, 100: 1, 130: 0}),
    Case("CertificateEnds", {
        f'tongbu_certificate_ends_seconds{{{BOX},certificate="box"}}': f"{10 * DAY_S}x1440",
        f'tongbu_certificate_ends_seconds{{{ORIGIN},certificate="authority"}}':
            f"{30 * DAY_S}x1440",
    }, {3000: 0, 3700: 1}),
    Case("OriginDown", {f"up{{{ORIGIN}}}": "1x11 0x11 1x11"}, {55: 0, 70: 0, 80: 1, 130: 0}),
    Case("OriginDown", {f"up{{{BOX}}}": "1x40"}, {10: 0, 30: 1}),
    Case("LoopLate", {
        f'tongbu_loop_late_seconds_bucket{{{ORIGIN},le="0.25"}}': "0+20x24 480x36 480+20x36",
        f'tongbu_loop_late_seconds_bucket{{{ORIGIN},le="1"}}': "0+20x96",
        f'tongbu_loop_late_seconds_bucket{{{ORIGIN},le="+Inf"}}': "0+20x96",
    }, {120: 0, 230: 1, 470: 0}),
    Case("DatabaseAway", {
        f'tongbu_check_up{{{ORIGIN},check="database"}}': "1x11 0x11 1x11",
        f'tongbu_check_up{{{ORIGIN},check="store"}}': "1x36",
    }, {55: 0, 70: 0, 80: 1, 130: 0}),
    Case("StoreAway", {
        f'tongbu_check_up{{{ORIGIN},check="store"}}': "1x11 0x11 1x11",
        f'tongbu_check_up{{{ORIGIN},check="database"}}': "1x36",
    }, {55: 0, 70: 0, 80: 1, 130: 0}),
    Case("DiskFull", {
        f"tongbu_disk_free_bytes{{{ORIGIN}}}": "50x11 4x11 50x11",
        f"tongbu_disk_size_bytes{{{ORIGIN}}}": "100x36",
    }, {55: 0, 80: 0, 100: 1, 130: 0}),
    Case("DiskFull", {
        f'tongbu_store_seconds_count{{{ORIGIN},operation="put",outcome="full"}}':
            "0x12 1+1x12 13x36",
    }, {55: 0, 120: 1, 250: 0}),
    Case("JobsStuck", {
        f'tongbu_work_queue_depth{{{ORIGIN},class="fresh"}}': "0x60 4x480 0x60",
        f'tongbu_work_attempts_total{{{ORIGIN},kind="video",outcome="done"}}': "0+1x60 61x540",
    }, {300: 0, 1150: 0, 1600: 1, 2900: 0}),
    Case("JobsStuck", {
        f'tongbu_work_queue_depth{{{ORIGIN},class="fresh"}}': "4x480",
        f'tongbu_work_attempts_total{{{ORIGIN},kind="video",outcome="done"}}': "0+1x480",
    }, {600: 0, 2000: 0}),
    Case("JobsFailing", {
        f'tongbu_work_attempts_total{{{ORIGIN},kind="video",outcome="failed"}}':
            "0x24 1+1x5 6x400",
        f'tongbu_work_attempts_total{{{ORIGIN},kind="video",outcome="done"}}': "0+1x400",
        f'tongbu_work_attempts_total{{{ORIGIN},kind="video",outcome="superseded"}}': "0+1x400",
    }, {120: 0, 160: 1, 1300: 0}),
)  # fmt: skip

RECORDED = (
    ("session:tongbu_session_part_age_seconds:mean", {
        f"tongbu_session_part_age_seconds_sum{{{LESSON}}}": "0+10x40",
        f"tongbu_session_part_age_seconds_count{{{LESSON}}}": "0+20x40",
    }, f"{{{LESSON}}}", 0.5),
    ("school:tongbu_qoe_rebuffer:ratio", {
        f"tongbu_qoe_play_seconds_total{{{QOE}}}": "0+30x60",
        f"tongbu_qoe_rebuffer_seconds_total{{{QOE}}}": "0+10x60",
    }, '{school="x1"}', 0.25),
    ("session:tongbu_session_skew_seconds:late_ratio", {
        f'{SKEW}_bucket{{session="s1",le="0.2"}}': "0+9x40",
        f'{SKEW}_count{{session="s1"}}': "0+10x40",
    }, '{session="s1"}', 0.1),
    ("kind:tongbu_work:speed", {
        f'tongbu_work_media_seconds_total{{{ORIGIN},kind="video",outcome="done"}}': "0+8x40",
        f'tongbu_work_seconds_total{{{ORIGIN},kind="video",outcome="done"}}': "0+2x40",
    }, '{kind="video"}', 4.0),
)  # fmt: skip


def cases_file(rules: str) -> dict[str, Value]:
    """Give the file that `promtool test rules` takes."""
    alerts = [_alert_test(case) for case in CASES]
    records = [
        _test(series, f"round({name}, 0.001)", 180, labels, value)
        for name, series, labels, value in RECORDED
    ]
    return {"rule_files": [rules], "evaluation_interval": f"{STEP_S}s",
            "tests": [*alerts, *records, _annotated()]}  # fmt: skip


def _annotated() -> Value:
    """An alert with all that it says: the address of its runbook is a page of the site."""
    fires: Value = {
        "exp_labels": {"severity": "critical", "check": "store", "job": "tongbu-origin",
                       "instance": "origin:8080"},
        "exp_annotations": {
            "summary": "tongbu-origin origin:8080 的对象存储不可用",
            "summary_en": "tongbu-origin origin:8080 cannot use the object store",
            "runbook": "deploy/runbooks/StoreAway.md",
            "runbook_url": f"https://{SITE}/operations/runbooks/StoreAway",
        },
    }  # fmt: skip
    test: Value = {"eval_time": "30s", "alertname": "StoreAway", "exp_alerts": [fires]}
    return {"interval": f"{STEP_S}s", "external_labels": {"site": SITE},
            "input_series": _input({f'tongbu_check_up{{{ORIGIN},check="store"}}': "0x11"}),
            "alert_rule_test": [test]}  # fmt: skip


def _alert_test(case: Case) -> dict[str, Value]:
    fires = f'count(ALERTS{{alertname="{case.alert}",alertstate="firing"}}) or vector(0)'
    checks = [_check(fires, at_s, "{}", number) for at_s, number in case.firing.items()]
    return {"interval": f"{STEP_S}s", "input_series": _input(case.series),
            "promql_expr_test": checks}  # fmt: skip


def _test(
    series: dict[str, str], expression: str, at_s: int, labels: str, value: float
) -> dict[str, Value]:
    return {"interval": f"{STEP_S}s", "input_series": _input(series),
            "promql_expr_test": [_check(expression, at_s, labels, value)]}  # fmt: skip


def _input(series: dict[str, str]) -> list[Value]:
    return [{"series": name, "values": values} for name, values in series.items()]


def _check(expression: str, at_s: int, labels: str, value: float) -> Value:
    return {"expr": expression, "eval_time": f"{at_s}s",
            "exp_samples": [{"labels": labels, "value": value}]}  # fmt: skip
