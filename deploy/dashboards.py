"""The dashboards of a bureau: the city, live lessons, schools' boxes, viewers, work. Pure.

They stand in grafana/dashboards as `tongbu dashboards` writes them. A test compares every name in
them with what the roles export.
"""

from __future__ import annotations

from deploy.dashboards_live import BOXES, LIVE
from deploy.panels import Dashboard, Kind, Limits, Panel, Query, Row, Unit, Variable, graph
from deploy.promql import quantile, rate

SECONDS, SHARE, TIMES = Unit.SECONDS, Unit.SHARE, Unit.TIMES_A_SECOND
ROLE = "{{job}} {{instance}}"
_REBUFFER = "sum(school:tongbu_qoe_rebuffer_seconds:increase)"
_PLAY = "sum(school:tongbu_qoe_play_seconds:increase)"


def number(
    title: str, expression: str, unit: Unit = Unit.NUMBER, limits: Limits | None = None
) -> Panel:
    """Give a panel of one large number."""
    return graph(title, expression, "", unit, Kind.NUMBER, 4, limits)  # fmt: skip


_NOW = Row("现在 / Now", (
    number("源站 / Origin", 'min(up{job="tongbu-origin"})', limits=Limits(1, 1, falling=True)),
    number("直播 / On air", 'sum(tongbu_live_channels{job="tongbu-origin",feed="main"})'),
    number("观看 / Viewers", "sum(tongbu_live_viewers)"),
    number("边缘盒在线 / Boxes heard within 3 min",
           "count(time() - max by (school) (tongbu_box_heard_seconds) < 180)"),
    number("任务排队 / Jobs that wait", "sum(tongbu_work_queue_depth)", limits=Limits(50, 500)),
    number("卡顿率 / Rebuffer ratio", f"{_REBUFFER} / ({_REBUFFER} + {_PLAY})", SHARE,
           Limits(0.01, 0.02)),
))  # fmt: skip

_ALERTS = Row("告警 / Alerts", (
    Panel("正在告警 / Firing",
          (Query('ALERTS{alertstate="firing",alertname!=""}'),), kind=Kind.TABLE, width=12),
    graph("依赖是否可用 / What is needed answers",
          "min by (job, instance, check) (tongbu_check_up)", f"{ROLE} {{{{check}}}}",
          kind=Kind.BARS, width=12, limits=Limits(1, 1, falling=True)),
))  # fmt: skip

_MACHINES = Row("机器 / Machines", (
    graph("事件循环延迟 P95 / Loop is late", "instance:tongbu_loop_late_seconds:p95", ROLE,
          SECONDS, limits=Limits(0.05, 0.25)),
    graph("事件循环任务 / Tasks of the loop", "tongbu_loop_tasks", ROLE),
    graph("磁盘剩余 / Room on disks", "tongbu_disk_free_bytes / tongbu_disk_size_bytes", ROLE,
          SHARE, limits=Limits(0.15, 0.05, falling=True)),
    graph("请求延迟 P95 / Answers of the API",
          "topk(8, method_route:tongbu_http_request_seconds:p95)", "{{method}} {{route}}",
          SECONDS),
    graph("请求数 / Requests by status", rate("tongbu_http_answers_total", "status"),
          "{{status}}", TIMES),
    graph("媒体端口 / Requests on the hot path", rate("tongbu_hot_requests_total", "job, way"),
          "{{job}} {{way}}", TIMES),
    Panel("数据库连接 / Database connections", (
        Query("tongbu_database_connections", ROLE),
        Query("tongbu_database_waiting", f"{ROLE} 等待 waits"),
    )),
))  # fmt: skip

CITY = Dashboard("tongbu-city", "同步 · 全市 / City", (_NOW, _ALERTS, _MACHINES))

SCHOOL = '{job="tongbu-origin",school=~"$school"}'
_WORST = 'school:tongbu_qoe_rebuffer:ratio{school=~"$school"}'
_STARVED = "sum by (delivery) (rate(tongbu_qoe_cmcd_starved_total[5m]))"
_HEARD = "sum by (delivery) (rate(tongbu_qoe_cmcd_requests_total[5m]))"
_SCHOOLS = Row("学校 / Schools", (
    graph("卡顿率最高的学校 / Rebuffer ratio, the worst schools", f"topk(20, {_WORST})",
          "{{school}}", SHARE, Kind.BARS, 12, Limits(0.01, 0.02)),
    graph("卡顿率 / Rebuffer ratio", f"topk(10, {_WORST})", "{{school}}", SHARE, width=12,
          limits=Limits(0.01, 0.02)),
))  # fmt: skip

_ALL_VIEWERS = Row("按播放方式 / By delivery", (
    graph("起播 P95 / Join time",
          quantile(0.95, "tongbu_qoe_join_seconds", "delivery", SCHOOL), "{{delivery}}",
          SECONDS, limits=Limits(2, 5)),
    graph("码率中位数 / Median bitrate",
          quantile(0.5, "tongbu_qoe_bitrate_bps", "delivery", SCHOOL), "{{delivery}}",
          Unit.BITS_A_SECOND),
    graph("清晰度切换 / Changes of the rung",
          rate("tongbu_qoe_rung_changes_total", "delivery", SCHOOL), "{{delivery}}", TIMES),
    graph("报告 / Reports", rate("tongbu_qoe_reports_total", "delivery", SCHOOL),
          "{{delivery}}", TIMES),
    graph("卡顿次数 / Times it stood", rate("tongbu_qoe_rebuffers_total", "delivery", SCHOOL),
          "{{delivery}}", TIMES),
    graph("其他播放器缓冲耗尽 / Other players ran dry (CMCD)", f"{_STARVED} / {_HEARD}",
          "{{delivery}}", SHARE),
))  # fmt: skip

VIEWERS = Dashboard(
    "tongbu-viewers", "同步 · 观看质量 / What viewers saw", (_SCHOOLS, _ALL_VIEWERS),
    (Variable("school", "学校 / School", "tongbu_qoe_reports_total", "school"),),
)  # fmt: skip

_JOBS = Row("任务 / Jobs", (
    graph("排队 / Waiting", "tongbu_work_queue_depth", "{{class}}"),
    graph("进行中 / Running", "tongbu_work_queue_running", "{{class}}"),
    graph("最久等待 / Waits longest", "tongbu_work_queue_oldest_seconds", "{{class}}", SECONDS),
    graph("结果 / Attempts by outcome", rate("tongbu_work_attempts_total", "kind, outcome"),
          "{{kind}} {{outcome}}", TIMES),
    graph("速度 / Speed, 1 is real time", "kind:tongbu_work:speed", "{{kind}}"),
    graph("课程 / Lessons by state", "tongbu_lessons", "{{state}}"),
))  # fmt: skip

_UPLOADS = Row("上传 / Uploads", (
    graph("速度 / Bytes that come", rate("tongbu_upload_bytes_total"), "", Unit.BYTES_A_SECOND),
    graph("连接 / Connections that send", "tongbu_uploads_active"),
    graph("失败 / Failures", rate("tongbu_upload_failures_total", "kind"), "{{kind}}", TIMES),
))  # fmt: skip

_STORE = Row("存储与检索 / Store and search", (
    graph("存储 P95 / The store", quantile(0.95, "tongbu_store_seconds", "operation"),
          "{{operation}}", SECONDS),
    graph("存储结果 / Its outcomes", rate("tongbu_store_seconds_count", "outcome"),
          "{{outcome}}", TIMES),
    graph("检索 P95 / Search", quantile(0.95, "tongbu_search_seconds"), "", SECONDS),
    graph("点播发出 / Lessons sent", rate("tongbu_media_sent_bytes_total", "job"), "{{job}}",
          Unit.BYTES_A_SECOND),
    graph("点播应答 / Answers below /media", rate("tongbu_media_answers_total", "status"),
          "{{status}}", TIMES),
    graph("数据库错误 / Calls that got no connection",
          rate("tongbu_database_request_errors_total", "instance"), "{{instance}}", TIMES),
))  # fmt: skip

WORK = Dashboard("tongbu-work", "同步 · 转码与存储 / Work and store", (_JOBS, _UPLOADS, _STORE))

ALL = (CITY, LIVE, BOXES, VIEWERS, WORK)
