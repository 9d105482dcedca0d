"""The city's report: one page of figures and charts, and the comparison with the baseline.

    python -m loadtests.city_report FIGURES.json PAGE.html [--baseline FILE] [--keep]

Reads what city_storm and city_day wrote. The page is one file, without scripts and addresses. Each
ratio is printed beside its baseline (loadtests/baseline.json); one that is worse than its tolerance
allows, or is missing, ends with 1. `--keep` writes these figures down as the new baseline.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

from loadtests import baseline
from loadtests.baseline import Compared
from loadtests.capacity import (
    Machine,
    Measured,
    Need,
    Programme,
    Resource,
    Way,
    cores_to_play_within,
    cores_without_queue,
    join_wait_s,
    need,
    programmes,
    until_playing_s,
)
from loadtests.capacity_assumptions import ASSUMPTIONS, LIVE_BPS
from loadtests.city_charts import Bar, Line, bars, lines
from loadtests.city_figures import (
    Figures,
    from_json,
    in_chinese,
    measured,
    ratios,
    tolerances,
)
from loadtests.city_html import bound, heading, named, table
from loadtests.city_report_day import section
from loadtests.storm_figures import Stormed

CORES = tuple(2 ** (eighth / 8) for eighth in range(-16, 57))
STORM_LIMIT_S = 10.0
WAIT_LIMIT_S = 10.0
BENDS = (0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
FULL_ZH = {Resource.CORES: "核心", Resource.MEMORY: "内存", Resource.LINE: "出口"}
STYLE = """
:root { color-scheme: light dark; --ink: #1c2b33; --paper: #fff; --soft: #5b6b74; --line: #d9e1e5;
  --sea: #0b6e99; --red: #c0392b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eef2; --paper: #10191f; --soft: #9fb0b9;
  --line: #2b3a43; --sea: #58b4dc; --red: #ff7a6b; } }
body { font: 16px/1.6 system-ui, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif;
  color: var(--ink); background: var(--paper); max-width: 960px; margin: 0 auto; padding: 24px; }
h1, h2 { line-height: 1.3; } h2 { margin-top: 48px; } .en { color: var(--soft); }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 8px; border-bottom: 1px solid var(--line); }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
svg { width: 100%; height: auto; font: 13px system-ui, "Noto Sans CJK SC", sans-serif; }
svg text { fill: var(--ink); } .bar { fill: var(--sea); } .bad { fill: var(--red); }
.mark { stroke: var(--ink); stroke-width: 2; } .grid { stroke: var(--line); }
.worse { color: var(--red); font-weight: bold; }
"""


def page(figures: Figures, compared: Sequence[Compared], machine: Machine) -> str:
    """Give the report's text. Raises: ValueError when something was not measured."""
    if figures.day is None:
        raise ValueError("no day of the city is in these figures: run loadtests.city_day with them")
    model = measured(figures)
    needs = [need(model, one) for one in programmes()]
    return "\n".join([
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>全市负载报告 · Load of the city</title><style>{STYLE}</style></head><body>",
        "<h1>全市负载报告<br><span class=en>Load of the city</span></h1>",
        f"<p>在一台 {figures.cores} 核机器上实测，再按模型推算到全市。"
        f"<span class=en>Measured on {figures.cores} cores, extrapolated by a model.</span><br>"
        f"<code>{escape(figures.command)}</code></p>",
        *_city(model, needs, machine),
        *section(model, figures, figures.day),
        *_storms(model, figures),
        *_ratios(compared),
        *_assumptions(),
        "</body></html>\n",
    ])  # fmt: skip


def _city(model: Measured, needs: Sequence[Need], machine: Machine) -> list[str]:
    rows = [_programme_row(model, one, machine) for one in needs]
    waits = [Line(f"{one.zh} · {one.name}", _waits(model, one)) for one in programmes()]
    storm = cores_to_play_within(model, programmes()[2], STORM_LIMIT_S)
    share = (
        f"{machine.cores:g} 核 / {machine.memory_bytes / 1e9:g} GB / "
        f"{machine.out_bps / 1e9:g} Gbit/s"
    )
    return [
        heading("全市需要多少", "What the city needs"),
        table(("项目 · programme", "核心 · cores", "源站进程 · processes", "内存 · memory",
                "出口 · out", "机器 · machines", "加入 p95 · join p95",
                "先满的 · full first"), rows),
        "<p>所需核心 <span class=en>· cores needed</span></p>",
        bars("cores", [Bar(one.programme.zh, one.cores, f"{one.cores:.1f}") for one in needs]),
        f"<p>占一台机器（{share}）的几倍 <span class=en>· times one machine, its scarcest part; "
        "the line is one whole machine</span></p>",
        bars("times a machine", [_share_bar(one, machine) for one in needs]),
        "<p>从自己加入到看到画面要等多久（p95），随核心数；一条线从能让所有人看上的核心数开始，"
        "降到底就不再互相排队。<span class=en>How long one waits from one’s own join to the "
        "picture (p95), by cores. A line begins where all can watch at all, within "
        f"{WAIT_LIMIT_S:g} s; where it has come down, nobody queues any more.</span></p>",
        lines("p95 join wait", "核心 · cores", "秒 · s", waits, WAIT_LIMIT_S),
        table(("项目 · programme", "从几核起不排队 · no queue from",
                "占一台机器的核心 · of one machine’s cores"),
               [_saturation_row(model, one, machine) for one in programmes()]),
        f"<p>八点要在 {STORM_LIMIT_S:g} 秒内让 95 % 看到，需要 {storm} 个核心。<span class=en>For "
        f"95 % to play within {STORM_LIMIT_S:g} s of eight o’clock, cores: {storm}.</span></p>",
    ]  # fmt: skip


def _programme_row(model: Measured, one: Need, machine: Machine) -> tuple[str, ...]:
    first, machines = one.saturates_first(machine), one.machines(machine)
    wait_s = join_wait_s(model, one.programme, machines * machine.cores)
    return (
        named(one.programme.zh, one.programme.name),
        f"{one.cores:.1f}", f"{one.processes}", f"{one.memory_bytes / 1e9:.1f} GB",
        f"{one.out_bps / 1e6:.0f} Mbit/s",
        f"{machines}", f"{1000 * wait_s:.0f} ms",
        f"{FULL_ZH[first]} · {first.value}",
    )  # fmt: skip


def _saturation_row(model: Measured, asked: Programme, machine: Machine) -> tuple[str, ...]:
    cores = cores_without_queue(model, asked)
    return (
        named(asked.zh, asked.name),
        f"{cores:.2f} 核 · cores", f"{cores / machine.cores:.2f} ×",
    )  # fmt: skip


def _waits(model: Measured, asked: Programme) -> list[tuple[float, float]]:
    """Give the waits over all cores; where the line bends it has points of its own."""
    bend = cores_without_queue(model, asked)
    cores = sorted({*CORES, *(bend * part for part in BENDS if CORES[0] <= bend * part)})
    return [(one, join_wait_s(model, asked, one)) for one in cores]


def _share_bar(one: Need, machine: Machine) -> Bar:
    first = one.saturates_first(machine)
    share = one.shares(machine)[first]
    return Bar(
        one.programme.zh,
        share,
        f"{share:.2f} × {FULL_ZH[first]} {first.value}",
        mark=1.0,
        bad=share > 1,
    )


def _storms(model: Measured, figures: Figures) -> list[str]:
    rows = [
        (one.kind, f"{one.viewers}", f"{one.join_p50_s:.2f} / {one.join_p95_s:.2f} s",
         f"{one.until_95_s:.2f} s", f"{_modelled_s(model, one):.2f} s",
         f"{1000 * one.api_p95_s:.0f} ms", f"{one.steady_cores:.2f}",
         f"{1000 * one.join_cpu_s(figures.rest):.1f} ms", f"{one.steady_bytes_s / 1e6:.0f} MB/s",
         f"{one.errors}", bound(one.bound))
        for one in figures.storms
    ]  # fmt: skip
    joins = [Bar(f"{one.kind} · {what}", value, f"{value:.2f} s") for one in figures.storms
             for what, value in (("p50", one.join_p50_s), ("p95", one.join_p95_s))]  # fmt: skip
    lessons = (("复制 · copied", figures.copied), ("转码 · encoded", figures.encoded))
    cores = [Bar(f"{name}，{role}", value, f"{value:.3f}") for name, one in lessons
             for role, value in (("服务 service", one.service_cores),
                                 ("编码 encoders", one.encoder_cores))]  # fmt: skip
    return [
        heading("在这台机器上测到的风暴", "The storm, measured on this machine"),
        f"<p>加入之前 API p95 为 {1000 * figures.rest.api_p95_s:.0f} ms。<span class=en>API p95 "
        "before the storm.</span></p>",
        table(("方式 · by", "观众 · viewers", "加入 p50 / p95 · join", "95 % 看到 · 95 % play",
                "模型说 · the model says", "API p95", "服务核心 · cores",
                "每次加入 · CPU a join", "送出 · out", "出错 · errors", "忙满的 · busy"), rows),
        "<p>从自己加入到第一个可解码的画面 <span class=en>· from a viewer’s own join to its first "
        "picture that can be decoded</span></p>",
        bars("join seconds", joins),
        "<p>一节课占的核心，按角色分 <span class=en>· cores of a lesson, by role</span></p>",
        bars("cores of a lesson", cores),
    ]  # fmt: skip


def _modelled_s(model: Measured, one: Stormed) -> float:
    """Give what the model says of the storm that was measured: the service has one core for it."""
    asked = Programme("", "", 1, 0, Way(one.kind), one.viewers, LIVE_BPS.value, one.join_within_s)
    return until_playing_s(model, asked, 1)


def _ratios(compared: Sequence[Compared]) -> list[str]:
    rows = [
        (named(in_chinese(one.name), one.name), "—" if one.found is None else f"{one.found:.2f}",
         f"{one.kept.value:.2f}" if one.kept else "—", f"{one.kept.limit:.2f}" if one.kept else "—",
         f'<span class="{"worse" if one.fails else "good"}">{one.verdict.value}</span>')
        for one in compared
    ]  # fmt: skip
    drawn = [
        Bar(in_chinese(one.name), one.found / one.kept.value, f"{one.found / one.kept.value:.2f} ×",
            mark=one.kept.tolerance, bad=one.fails)
        for one in compared if one.kept and one.found is not None
    ]  # fmt: skip
    return [
        heading("与基线相比", "Against the baseline"),
        "<p>只比倍数，不比秒数；越小越好，竖线是容许的上限。<span class=en>Ratios, not seconds; "
        "smaller is better, the mark is the limit.</span></p>",
        table(("倍数 · ratio", "这次 · found", "基线 · baseline", "上限 · at most", ""), rows),
        bars("found over baseline", drawn),
    ]


def _assumptions() -> list[str]:
    rows = [
        (escape(one.name), f"{one.value:g} {escape(one.unit)}",
         f"{escape(one.zh)}<br><span class=en>{escape(one.text)}</span>")
        for one in ASSUMPTIONS
    ]  # fmt: skip
    return [
        heading("模型的假设", "What the model assumes"),
        table(("名称 · name", "取值 · value", "说明 · why"), rows),
    ]


def main(arguments: list[str]) -> int:
    """Draw, compare; 1 when a ratio is worse than its baseline or missing."""
    parser = argparse.ArgumentParser(description="The city's report, and its baseline")
    parser.add_argument("figures", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("--baseline", type=Path, default=baseline.PATH)
    parser.add_argument("--keep", action="store_true", help="write the baseline anew")
    asked = parser.parse_args(arguments)
    figures = from_json(asked.figures.read_text("utf-8"))
    found = ratios(figures)
    if asked.keep:
        kept = baseline.write(found, tolerances(found), figures.command)
    else:
        kept = asked.baseline.read_text("utf-8")
    compared = baseline.compare(found, baseline.read(kept))
    text = page(figures, compared, Machine())
    asked.page.parent.mkdir(parents=True, exist_ok=True)
    asked.page.write_text(text, "utf-8")
    if asked.keep:
        asked.baseline.write_text(kept, "utf-8")
    print(baseline.table(compared))
    print(f"\nThe report is {asked.page}.")
    return int(any(one.fails for one in compared))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
