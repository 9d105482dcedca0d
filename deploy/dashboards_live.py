"""Dashboards of what is live: lessons on air, and the boxes of schools. Pure."""

from __future__ import annotations

from deploy.panels import Dashboard, Kind, Limits, Panel, Query, Row, Unit, Variable, graph
from deploy.promql import RATE, quantile, rate

SESSION = '{session=~"$session"}'
BOX = '{instance=~"$box"}'
BPS, SECONDS, SHARE = Unit.BITS_A_SECOND, Unit.SECONDS, Unit.SHARE
FEED, WHO = "{{session}} {{feed}}", "{{instance}}"

_FROM_ENCODERS = Row("推流 / From encoders", (
    graph("码率 / Bits that come", f"tongbu_session_ingest_bitrate_bps{SESSION}", FEED, BPS),
    Panel("断点 / Holes and returns a minute", (
        Query(f"increase(tongbu_session_frame_gaps_total{SESSION}{RATE})",
              "{{session}} 断点 holes"),
        Query(f"increase(tongbu_session_publisher_reconnects_total{SESSION}{RATE})",
              "{{session}} 重连 returns"),
    )),
    graph("转码速度 / Encoders, 1 is real time", f"tongbu_session_encoder_speed{SESSION}", FEED,
          limits=Limits(1, 0.95, falling=True)),
    graph("拒绝的推流 / Publishers refused", rate("tongbu_ingest_refused_total", "why"),
          "{{why}}", Unit.TIMES_A_SECOND),
    graph("直播状态 / Feeds by state", "sum by (state) (tongbu_live_feeds)", "{{state}}"),
    graph("直播转码占用核数 / Cores admitted", "tongbu_live_cores_taken"),
))  # fmt: skip

_DELAY = Row("时延 / Delay", (
    graph("片段时延 / Age of parts, mean",
          f"session:tongbu_session_part_age_seconds:mean{SESSION}", FEED, SECONDS,
          limits=Limits(0.6, 1)),
    graph("片段时延 P95 / Age of parts by role", "feed:tongbu_live_part_age_seconds:p95",
          "{{job}} {{feed}}", SECONDS),
    graph("转码时延 P95 / Of it, the encoder",
          quantile(0.95, "tongbu_live_encoder_delay_seconds"), "", SECONDS),
))  # fmt: skip

_ROOMS = Row("教室 / Rooms", (
    graph("目标时延 D / Target delay", f"tongbu_session_delay_seconds{SESSION}", "{{session}}",
          SECONDS),
    graph("不同步的报告 / Reports more than 0.2 s off",
          f"session:tongbu_session_skew_seconds:late_ratio{SESSION}", "{{session}}", SHARE,
          limits=Limits(0.05, 0.2)),
    graph("观看 / Viewers by rung",
          f"sum by (delivery, rung) (tongbu_session_viewers{SESSION})", "{{delivery}} {{rung}}"),
    graph("跟不上的设备 / Queues of slow devices emptied",
          f"increase(tongbu_session_queue_skips_total{SESSION}{RATE})", "{{session}} {{rung}}",
          limits=Limits(1, 3)),
    graph("成员 / Members", "sum by (job, role) (tongbu_room_members)", "{{job}} {{role}}"),
    graph("举手与发言 / The floor", rate("tongbu_room_floor_total", "event"), "{{event}}",
          Unit.TIMES_A_SECOND),
))  # fmt: skip

_RECORDING = Row("录制 / Recording", (
    graph("待存 / Held in memory", "tongbu_live_recording_held_bytes", "", Unit.BYTES),
    graph("丢失片段 / Segments lost",
          "increase(tongbu_live_recording_lost_segments_total[5m])", limits=Limits(1, 1)),
    graph("发出 / Sent", rate("tongbu_live_sent_bytes_total", "job, delivery"),
          "{{job}} {{delivery}}", Unit.BYTES_A_SECOND),
))  # fmt: skip

LIVE = Dashboard(
    "tongbu-live", "同步 · 直播课堂 / Live lessons",
    (_FROM_ENCODERS, _DELAY, _ROOMS, _RECORDING),
    (Variable("session", "课堂 / Session", "tongbu_session_ingest_bitrate_bps", "session"),),
)  # fmt: skip

_LINE = Row("线路 / Line", (
    graph("线路通断 / Line up", f"tongbu_edge_line_up{BOX}", WHO, kind=Kind.BARS,
          limits=Limits(1, 1, falling=True)),
    graph("线路估计 / Estimate", f"tongbu_edge_line_estimate_bps{BOX}", WHO, BPS),
    graph("线路占用 / Use", f"8 * rate(tongbu_edge_line_arrived_bytes_total{BOX}{RATE})", WHO,
          BPS),
    graph("清晰度的决定 / Streams by why they have their rungs",
          f"sum by (instance, why) (tongbu_edge_streams{BOX})", "{{instance}} {{why}}"),
    graph("直播画面到达时的时延 / Age of live pictures on arrival",
          f"tongbu_edge_live_lag_seconds{BOX}", WHO, SECONDS, limits=Limits(1, 2)),
    graph("断线次数 / Cuts an hour", f"increase(tongbu_edge_line_cuts_total{BOX}[1h])", WHO),
))  # fmt: skip

_HITS = f"rate(tongbu_edge_cache_hits_total{BOX}[5m])"
_MISSES = f"rate(tongbu_edge_cache_misses_total{BOX}[5m])"
_CACHE = Row("缓存 / Cache", (
    graph("命中率 / Hits", f"{_HITS} / ({_HITS} + {_MISSES})", WHO, SHARE),
    graph("占用 / Use of the budget",
          f"tongbu_edge_cache_bytes{BOX} / tongbu_edge_cache_budget_bytes{BOX}", WHO, SHARE),
    graph("磁盘状态 / State of the disk",
          f"max by (instance, state) (tongbu_edge_cache_state{BOX}) == 1", kind=Kind.TABLE),
    graph("取回 / Pieces that came",
          f"sum by (end) (rate(tongbu_edge_fills_total{BOX}{RATE}))", "{{end}}",
          Unit.TIMES_A_SECOND),
    Panel("夜间预取 / The night", (
        Query(f"tongbu_edge_night_fetched_bytes{BOX}", "{{instance}} 已取 fetched"),
        Query(f"tongbu_edge_night_left_out_bytes{BOX}", "{{instance}} 放弃 left out"),
    ), Unit.BYTES),
    graph("待上报 / Reports that wait", f"tongbu_edge_reports_waiting{BOX}", WHO),
))  # fmt: skip

_AWAY = Row("失联与证书 / Away, and certificates", (
    graph("最久没有消息的学校 / Schools not heard for longest",
          "topk(20, time() - max by (school) (tongbu_box_heard_seconds))", "{{school}}", SECONDS,
          Kind.BARS, 12, Limits(90, 180)),
    graph("证书剩余 / Certificates last",
          "bottomk(20, tongbu_certificate_ends_seconds - time())", "{{instance}} {{certificate}}",
          SECONDS, Kind.BARS, 12, Limits(30 * 86400, 14 * 86400, falling=True)),
))  # fmt: skip

BOXES = Dashboard(
    "tongbu-boxes", "同步 · 学校边缘盒 / Boxes in schools",
    (_LINE, _CACHE, _AWAY),
    (Variable("box", "边缘盒 / Box", "tongbu_edge_line_up", "instance"),),
)  # fmt: skip
