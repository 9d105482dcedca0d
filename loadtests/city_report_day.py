"""The report's part on programmes that were played: measured beside modelled, cores by role. Pure.

Modelled is what the storm's figures alone say of the same scale: a lesson that was measured by
itself, plain viewers by WebSocket, and a recording that costs what LL-HLS does. What pairs, a full
house and an evening really cost is measured, and of this the city's needs above are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loadtests.capacity import Measured, Programme, Way, session_cores, viewer_cores
from loadtests.city_charts import Stack, stacks
from loadtests.city_figures import ZH, Figures
from loadtests.city_html import bound, heading, named, said, table
from loadtests.day_figures import EVENING, PAIRS, Day, Played
from loadtests.storm_figures import Stormed

ROLES = ("源站 origin", "直播编码 live encoders", "工作进程 workers", "数据库 database",
         "模拟观众 viewers")  # fmt: skip
WAYS = {PAIRS: Way.CLASSROOM, EVENING: Way.RECORDED}


def section(model: Measured, figures: Figures, day: Day) -> list[str]:
    """Give it."""
    alone = by_the_storm_alone(model)
    return [
        heading("在这台机器上真正演过的", "Programmes that were played on this machine"),
        said(f"服务里登记了全市：{day.founded} 条，经接口录入用了 {day.founded_s:.0f} 秒。",
             f"The service held the whole registry: {day.founded} entries, by its API within "
             f"{day.founded_s:.0f} s."),
        f"<p><code>{day.command}</code></p>",
        said("“模型说”只凭风暴的数字：单独一节课、WebSocket 观众、LL-HLS 观众；上面全市的推算用的是"
             "这里实测的。",
             "“The model says” goes by the storm’s figures alone; the city’s needs above are made "
             "of what was measured here."),
        table(("项目 · programme", "规模 · scale", "核心 · cores", "模型说 · the model says",
               "送出 · out", "内存：之前 / 之后 · memory", "先满的 · full first"),
              [_taken(one, alone, *day.full_first(one)) for one in day.played]),
        table(("项目 · programme", "加入 p50 / p95 · join", "95 % 看到 · 95 % play",
               "API p95：之前 / 加入时 / 观看时 · before / joining / watching",
               "迟到的切片 / 卡顿 · late parts / stalls", "出错 · errors", "忙满的 · busy"),
              [_had(one) for one in day.played]),
        said("核心按角色分，两次风暴里最省的一次也在内",
             "Cores by role while everybody watches, the least of each kind of storm beside them"),
        stacks("cores by role", ROLES, [*_storms(figures), *map(_stack, day.played)]),
    ]  # fmt: skip


def by_the_storm_alone(model: Measured) -> Measured:
    """Give the model as it would be if nothing but a storm had been played."""
    return replace(
        model, classroom=model.ws, recorded=model.hls, pair_lesson_cores=model.copied_session_cores
    )


def as_played(one: Played) -> Programme:
    """Give a programme at the scale at which it was played."""
    crowd = one.crowd
    encoded = one.encoded / one.lessons if one.lessons else 0.0
    return Programme(
        one.name, ZH[one.name], one.lessons, encoded, WAYS.get(one.name, Way.WS), crowd.viewers,
        crowd.steady_bytes_s * 8 / crowd.viewers, crowd.join_within_s,
    )  # fmt: skip


def modelled_cores(model: Measured, one: Played) -> float:
    """Give the cores that a model says it takes, none left free."""
    asked = as_played(one)
    return session_cores(model, asked) + viewer_cores(model, asked)


def _taken(one: Played, alone: Measured, first: str, full: float) -> tuple[str, ...]:
    """Say what a programme took."""
    return (
        named(ZH[one.name], one.name), _scale(one),
        f"{one.cores.service:.2f}", f"{modelled_cores(alone, one):.2f}",
        f"{one.crowd.steady_bytes_s / 1e6:.0f} MB/s",
        f"{one.memory_alone.service / 1e6:.0f} / {one.memory.service / 1e6:.0f} MB",
        f"{bound(first)} {100 * full:.0f} %",
    )  # fmt: skip


def _had(one: Played) -> tuple[str, ...]:
    """Say what its viewers had of it."""
    crowd, api = one.crowd, (one.rest.api_p95_s, one.crowd.api_p95_s, one.crowd.api_watching_p95_s)
    late = f"{100 * one.late:.1f} %" if one.lessons else f"{one.stalls} ({one.stalled_s:.1f} s)"
    return (
        named(ZH[one.name], one.name),
        f"{crowd.join_p50_s:.2f} / {crowd.join_p95_s:.2f} s", f"{crowd.until_95_s:.1f} s",
        f"{' / '.join(f'{1000 * one:.0f}' for one in api)} ms", late, f"{crowd.errors}",
        bound(crowd.bound),
    )  # fmt: skip


def _scale(one: Played) -> str:
    zh, en = f"{one.crowd.viewers} 路", f"{one.crowd.viewers} viewers"
    if not one.lessons:
        return named(zh, en)
    return named(
        f"{one.lessons} 节课（{one.encoded} 节转码），{zh}",
        f"{one.lessons} lessons, {one.encoded} encoded; {en}",
    )


def _storms(figures: Figures) -> Sequence[Stack]:
    least = [min(figures.of(kind), key=lambda one: one.steady_cores)
             for kind in dict.fromkeys(one.kind for one in figures.storms)]  # fmt: skip
    return [Stack(f"{ZH[one.kind]} × {one.viewers}", _parts(one)) for one in least]


def _stack(one: Played) -> Stack:
    return Stack(f"{ZH[one.name]} × {one.crowd.viewers}", _parts(one.crowd))


def _parts(one: Stormed) -> tuple[float, ...]:
    found = one.by_role
    return (found.origin, found.encoders, found.workers, found.database, found.viewers)
