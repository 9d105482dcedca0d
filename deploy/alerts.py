"""What Prometheus is to compute and when an alert is to fire: the tables. Pure.

Each alert has a runbook of its name in runbooks/, and cases in tests/unit/deploy/alert_cases.py for
promtool. What an expression calls `level:metric:operation` is computed in RECORDS.
"""

from __future__ import annotations

from deploy.rules import Alert, Record, Severity, rule_file
from deploy.yaml_text import Value

RECORDS = (
    Record(
        "session:tongbu_session_part_age_seconds:mean",
        "sum by (session, feed) (rate(tongbu_session_part_age_seconds_sum[OVER]))"
        " / sum by (session, feed) (rate(tongbu_session_part_age_seconds_count[OVER]))",
    ),
    Record(
        "session:tongbu_session_skew_seconds:late_ratio",
        "1 - sum by (session) (rate(tongbu_session_skew_seconds_bucket{le=\"0.2\"}[OVER]))"
        " / sum by (session) (rate(tongbu_session_skew_seconds_count[OVER]))",
    ),
    Record(
        "feed:tongbu_live_part_age_seconds:p95",
        "histogram_quantile(0.95, sum by (job, feed, le)"
        " (rate(tongbu_live_part_age_seconds_bucket[OVER])))",
    ),
    Record(
        "instance:tongbu_loop_late_seconds:p95",
        "histogram_quantile(0.95, sum by (job, instance, le)"
        " (rate(tongbu_loop_late_seconds_bucket[OVER])))",
    ),
    Record(
        "school:tongbu_qoe_play_seconds:increase",
        "sum by (school) (increase(tongbu_qoe_play_seconds_total{job=\"tongbu-origin\"}[OVER]))",
        300.0,
    ),
    Record(
        "school:tongbu_qoe_rebuffer_seconds:increase",
        "sum by (school)"
        " (increase(tongbu_qoe_rebuffer_seconds_total{job=\"tongbu-origin\"}[OVER]))",
        300.0,
    ),
    Record(
        "school:tongbu_qoe_rebuffer:ratio",
        "school:tongbu_qoe_rebuffer_seconds:increase / (school:tongbu_qoe_play_seconds:increase"
        " + school:tongbu_qoe_rebuffer_seconds:increase)",
    ),
    Record(
        "method_route:tongbu_http_request_seconds:p95",
        "histogram_quantile(0.95, sum by (method, route, le)"
        " (rate(tongbu_http_request_seconds_bucket{job=\"tongbu-origin\"}[OVER])))",
        300.0,
    ),
    Record(
        "kind:tongbu_work:speed",
        "sum by (kind) (rate(tongbu_work_media_seconds_total[OVER]))"
        " / sum by (kind) (rate(tongbu_work_seconds_total[OVER]))",
        600.0,
    ),
)  # fmt: skip

_LIVE = (
    Alert(
        "EncoderStopped", Severity.CRITICAL,
        "max by (session, feed) (tongbu_session_ingest_bitrate_bps) == 0", 15.0,
        "同步课堂 {{ $labels.session }} 的推流（{{ $labels.feed }}）中断",
        "no pictures come from the encoder of session {{ $labels.session }} ({{ $labels.feed }})",
    ),
    Alert(
        "EncoderSlow", Severity.WARNING,
        "min by (session, feed) (tongbu_session_encoder_speed) < 0.95", 30.0,
        "同步课堂 {{ $labels.session }} 的转码慢于实时",
        "the city encodes session {{ $labels.session }} slower than it comes",
    ),
    Alert(
        "PartsOld", Severity.WARNING,
        "session:tongbu_session_part_age_seconds:mean > 1", 30.0,
        "同步课堂 {{ $labels.session }} 的画面到源站时已晚 {{ $value | humanizeDuration }}",
        "parts of session {{ $labels.session }} are {{ $value | humanizeDuration }} old when they"
        " can be fetched",
    ),
    Alert(
        "RoomsLate", Severity.WARNING,
        "session:tongbu_session_skew_seconds:late_ratio > 0.2", 60.0,
        "同步课堂 {{ $labels.session }} 的教室不同步："
        "{{ $value | humanizePercentage }} 的报告偏差超过 0.2 秒",
        "rooms of session {{ $labels.session }} are out of step:"
        " {{ $value | humanizePercentage }} of reports are more than 0.2 s off",
    ),
    Alert(
        "DeviceSlow", Severity.WARNING,
        "sum by (session) (increase(tongbu_session_queue_skips_total[OVER])) >= 3"
        " or sum by (instance)"
        " (increase(tongbu_live_queue_skips_total{job=\"tongbu-edge\"}[OVER])) >= 3", 0.0,
        "有设备跟不上直播（{{ $labels.session }}{{ $labels.instance }}），一分钟内跳过"
        " {{ $value | humanize }} 次",
        "a device cannot follow ({{ $labels.session }}{{ $labels.instance }}): it was skipped ahead"
        " {{ $value | humanize }} times within a minute",
    ),
    Alert(
        "RebufferHigh", Severity.WARNING,
        "school:tongbu_qoe_rebuffer:ratio > 0.02 and school:tongbu_qoe_play_seconds:increase > 60",
        60.0,
        "学校 {{ $labels.school }} 的卡顿率为 {{ $value | humanizePercentage }}",
        "viewers in school {{ $labels.school }} wait {{ $value | humanizePercentage }} of the time",
    ),
)  # fmt: skip

_SCHOOLS = (
    Alert(
        "LineCut", Severity.CRITICAL, "tongbu_edge_line_up == 0", 15.0,
        "边缘盒 {{ $labels.instance }} 到市里的线路中断",
        "the box {{ $labels.instance }} does not reach the city",
    ),
    Alert(
        "LineThin", Severity.WARNING,
        "tongbu_edge_streams{why=\"lowest\"} > 0"
        " or (tongbu_edge_capped_streams > 0 and on (instance)"
        " tongbu_edge_streams{why=\"line\"} > 0)", 60.0,
        "边缘盒 {{ $labels.instance }} 的线路不够用，已降低清晰度",
        "the line of box {{ $labels.instance }} is too thin: what is watched has fewer rungs",
    ),
    Alert(
        "BoxAway", Severity.CRITICAL,
        "time() - max by (school) (tongbu_box_heard_seconds) > 180"
        " or up{job=\"tongbu-edge\"} == 0", 30.0,
        "学校边缘盒失联（{{ $labels.school }}{{ $labels.instance }}）",
        "a school's box is away ({{ $labels.school }}{{ $labels.instance }})",
    ),
    Alert(
        "BoxDisk", Severity.WARNING,
        "max by (instance, state)"
        " (tongbu_edge_cache_state{state=~\"full|read_only|failing\"}) == 1", 30.0,
        "边缘盒 {{ $labels.instance }} 的磁盘异常：{{ $labels.state }}",
        "the disk of box {{ $labels.instance }} takes nothing: {{ $labels.state }}",
    ),
    Alert(
        "CertificateEnds", Severity.WARNING,
        "tongbu_certificate_ends_seconds - time() < 14 * 86400", 3600.0,
        "{{ $labels.instance }} 的证书将在 {{ $value | humanizeDuration }} 后到期",
        "the certificate of {{ $labels.instance }} ends in {{ $value | humanizeDuration }}",
    ),
)  # fmt: skip

_CITY = (
    Alert(
        "OriginDown", Severity.CRITICAL,
        "up{job=\"tongbu-origin\"} == 0 or absent(up{job=\"tongbu-origin\"})", 15.0,
        "源站 {{ $labels.instance }} 没有响应",
        "the origin {{ $labels.instance }} does not answer",
    ),
    Alert(
        "LoopLate", Severity.WARNING, "instance:tongbu_loop_late_seconds:p95 > 0.25", 30.0,
        "{{ $labels.job }} {{ $labels.instance }} 过载：事件循环晚 {{ $value | humanizeDuration }}",
        "{{ $labels.job }} {{ $labels.instance }} is overloaded: its loop is"
        " {{ $value | humanizeDuration }} late",
    ),
    Alert(
        "DatabaseAway", Severity.CRITICAL, "tongbu_check_up{check=\"database\"} == 0", 15.0,
        "{{ $labels.job }} {{ $labels.instance }} 连不上数据库",
        "{{ $labels.job }} {{ $labels.instance }} does not reach the database",
    ),
    Alert(
        "StoreAway", Severity.CRITICAL, "tongbu_check_up{check=\"store\"} == 0", 15.0,
        "{{ $labels.job }} {{ $labels.instance }} 的对象存储不可用",
        "{{ $labels.job }} {{ $labels.instance }} cannot use the object store",
    ),
    Alert(
        "DiskFull", Severity.CRITICAL,
        "tongbu_disk_free_bytes / tongbu_disk_size_bytes < 0.05"
        " or sum by (job, instance)"
        " (increase(tongbu_store_seconds_count{outcome=\"full\"}[OVER])) > 0", 30.0,
        "{{ $labels.job }} {{ $labels.instance }} 的磁盘快满了",
        "the disk of {{ $labels.job }} {{ $labels.instance }} is nearly full",
    ),
    Alert(
        "JobsStuck", Severity.WARNING,
        "sum(tongbu_work_queue_depth) > 0"
        " unless sum(increase(tongbu_work_attempts_total[OVER])) > 0", 300.0,
        "转码队列不动：{{ $value | humanize }} 个任务在等",
        "no job ends while {{ $value | humanize }} wait",
        900.0,
    ),
    Alert(
        "JobsFailing", Severity.WARNING,
        "sum(increase(tongbu_work_attempts_total{outcome!~\"done|superseded\"}[OVER])) >= 3", 0.0,
        "转码任务连续失败：十五分钟内 {{ $value | humanize }} 次",
        "jobs fail: {{ $value | humanize }} attempts within fifteen minutes",
        900.0,
    ),
)  # fmt: skip

GROUPS = {"live": _LIVE, "schools": _SCHOOLS, "city": _CITY}
ALERTS = tuple(alert for group in GROUPS.values() for alert in group)


def rules(pace: float = 1.0) -> dict[str, Value]:
    """Give the rule file; see `rule_file` for the pace."""
    return rule_file(RECORDS, GROUPS, pace)
