"""What a class had behind a peer, as a line of the bench's table. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.live_spread import spread

LIST_SUFFIX = ".m3u8"
MEDIA_FOLDERS = ("/live/", "/media/", "/recorded/", "/part/")
HEAD = (
    "| scenario | peer | WAN MB | WAN/distinct | join p50/p95 s | never played "
    "| stalled s (pupils) | kbit/s | switches (down) | delay s | fetch p50/p95 s "
    "| segments asked/distinct | most for one | lists asked | peer CPU s | peer MB "
    "| woken late p95 ms |\n"
    + "|---" * 17 + "|"
)  # fmt: skip
PART_HEAD = (
    "| peer | alone p50 ms | together p50/p95/max ms | p95 to alone | asked/distinct |\n"
    + ("|---" * 5 + "|")
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Requests that reached an origin: of media, of distinct objects, most of one; playlists."""

    media: int
    distinct: int
    distinct_bytes: int
    most: int
    lists: int


def asked_of(told: Mapping[str, tuple[int, int]]) -> Asked:
    """Sum up an origin's (count, bytes) by path; what is not there (of 0 bytes) is no media."""
    media = {path: one for path, one in told.items() if one[1] and _is_media(path)}
    lists = sum(count for path, (count, _) in told.items() if _is_list(path))
    counts = [count for count, _ in media.values()]
    distinct_bytes = sum(size_bytes for _, size_bytes in media.values())
    return Asked(sum(counts), len(media), distinct_bytes, max(counts, default=0), lists)


def _is_media(path: str) -> bool:
    return path.startswith(MEDIA_FOLDERS) and not _is_list(path)


def _is_list(path: str) -> bool:
    return path.partition("?")[0].endswith(LIST_SUFFIX)


@dataclass(frozen=True, slots=True)
class Spent:
    """What it cost: bytes of the line towards the school, the peer's CPU and most memory."""

    wan_bytes: int
    cpu_s: float
    memory_bytes: int


def class_row(scenario: str, peer: str, said: Mapping[str, Any], asked: Asked, spent: Spent) -> str:
    """Write a line. Who never played is no part of the means, and joins after for ever."""
    reports: Sequence[Mapping[str, Any]] = said["reports"]
    late = spread([1000 * one for one in said["late_s"]])
    played = [one for one in reports if one["join_s"] is not None]
    joins = spread([math.inf if one["join_s"] is None else one["join_s"] for one in reports])
    fetches = spread([took_s for one in reports for took_s in one["fetches_s"]])
    delays = [one["delay_s"] for one in played if one["delay_s"] is not None]
    stalled = [one["stalled_s"] for one in played]
    stood = sum(one > 0 for one in stalled)
    return (
        f"| {scenario} | {peer} | {spent.wan_bytes / 1e6:.1f} "
        f"| {spent.wan_bytes / max(1, asked.distinct_bytes):.2f} | {joins.p50:.2f}/{joins.p95:.2f} "
        f"| {len(reports) - len(played)} | {_mean(stalled):.2f} ({stood}) "
        f"| {_mean([one['mean_bps'] for one in played]) / 1000:.0f} "
        f"| {_mean([one['switches'] for one in played]):.1f} "
        f"({_mean([one['downs'] for one in played]):.1f}) | {_mean(delays):.1f} "
        f"| {fetches.p50:.3f}/{fetches.p95:.3f} | {asked.media}/{asked.distinct} | {asked.most} "
        f"| {asked.lists} | {spent.cpu_s:.2f} | {spent.memory_bytes / 1e6:.0f} "
        f"| {late.p95:.0f} |"
    )


def part_row(peer: str, took: Mapping[str, Sequence[float]], asked: Asked) -> str:
    """Write a line about parts that many ask for at once."""
    alone = spread([1000 * one for one in took["alone_s"]])
    together = spread([1000 * one for one in took["together_s"]])
    return (
        f"| {peer} | {alone.p50:.0f} | {together} | {together.p95 / alone.p50:.2f} × "
        f"| {asked.media}/{asked.distinct} |"
    )


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else math.nan
